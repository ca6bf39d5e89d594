// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Testing

@testable import Agent

/// What a program needs that asks for transfers and may be killed at any instant.
@Suite(.serialized, .timeLimit(.minutes(10))) struct CallerTests {
    private let id = String(repeating: "a1", count: 16)

    @Test func askingTwiceUnderOneIdentityIsOneTransfer() async throws {
        let fixture = try QueueFixture()
        let runner = ScriptedRunner([nil])
        let queue = try fixture.queue(runner)
        let wanted = ReplicateRequest(volumes: ["db"], pair: "remote", id: self.id)
        try await fixture.working(queue, runner) {
            #expect(try await queue.submit([wanted]).map(\.id) == [self.id])
            let run = try await runner.run(1)
            #expect(try await queue.submit([wanted]).map(\.state) == [.running])
            run.finish(.success(fixture.report()))
            try await fixture.told("TransferSucceeded", self.id)
            // Also when it has ended: the caller may have slept for days.
            #expect(try await queue.submit([wanted]).map(\.state) == [.succeeded])
            #expect(try await queue.list(limit: 10).count == 1)
        }
    }

    @Test func anIdentityOfAnotherTransferIsRefused() async throws {
        let fixture = try QueueFixture()
        let queue = try fixture.queue(ScriptedRunner([]))
        _ = try await queue.submit([
            ReplicateRequest(volumes: ["db"], pair: "remote", id: self.id)
        ])
        for (volume, pair) in [("other", "remote"), ("db", "elsewhere")] {
            do {
                let wanted = ReplicateRequest(volumes: [volume], pair: pair, id: self.id)
                _ = try await queue.submit([wanted])
                Issue.record("one identity for two transfers")
            } catch { #expect(error.id == .transferExists) }
        }
    }

    @Test(arguments: [
        "", "a1", "A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1", "../../../../../../../../../../",
    ])
    func whatIsNoIdentityIsRefused(text: String) {
        #expect(throws: APIError.self) {
            try TransferQueue.checkIdentity(
                of: ReplicateRequest(volumes: ["db"], pair: "remote", id: text)
            )
        }
    }

    @Test func oneIdentityIsForOneVolume() {
        #expect(throws: APIError.self) {
            try TransferQueue.checkIdentity(
                of: ReplicateRequest(volumes: ["a", "b"], pair: "remote", id: self.id)
            )
        }
    }

    @Test func aPairIsCheckedOverItsOwnCertificate() async throws {
        let scratch = try Scratch()
        let (source, destination) = try await TestAgent.paired(in: scratch.path)
        let answer: PairCheck = try await source.post(
            AgentRoute.pair("remote", "check"),
            [String: String]()
        )
        #expect(answer.cluster == destination.version.cluster)
        #expect(answer.version == Release.version)
        try await destination.kill()
        await Self.expect(.peerUnreachable, of: source)
        try await destination.restart()
        let name = try await destination.value([PairInfo].self, "pair", "list")[0].name
        #expect(try await destination.godwit("pair", "delete", name, "--yes").status == 0)
        await Self.expect(.pairRevoked, of: source)
    }

    private static func expect(_ id: ErrorID, of source: TestAgent) async {
        do {
            let _: PairCheck = try await source.post(
                AgentRoute.pair("remote", "check"),
                [String: String]()
            )
            Issue.record("a pair that does not work was called good")
        } catch { #expect(error.id == id) }
    }

    @Test func theOtherAgentSaysWhetherTheWayBackIsOpen() async throws {
        let scratch = try Scratch()
        let (source, destination) = try await TestAgent.paired(in: scratch.path)
        let reach: PairReach = try await source.post(
            AgentRoute.pair("remote", "reach"),
            [String: String]()
        )
        #expect(reach.address == "127.0.0.1")
        #expect(reach.ports.map(\.number) == [source.apiPort, source.dataPort])
        #expect(reach.ports.allSatisfy { $0.problem == nil })
        // Without a cluster the command fails, and still tells of the agents.
        let nowhere = "\(scratch.path)/nowhere"
        let checked = try await source.godwit("check", "--kubeconfig", nowhere)
        #expect(checked.output.contains("way back from 127.0.0.1"), "\(checked.output)")
        let line = "port \(source.dataPort) of this agent is reached at 127.0.0.1"
        #expect(checked.output.contains(line), "\(checked.output)")
        _ = destination
    }

    @Test func aWayBackThatIsClosedIsToldWithItsReason() async throws {
        let reach = try await PeerRoutes.lookBack(
            at: "127.0.0.1",
            PairReachRequest(apiPort: 0, dataPort: 1)
        )
        #expect(reach.ports[0].problem == "that is no port")
        #expect(reach.ports[1].problem == "Connection refused")
        #expect(reach.ports[1].remedy?.contains("start godwit-agent") == true)
    }

    @Test func pairingUnderAnotherNameRenewsThePairWhereThatIsAskedFor() async throws {
        let scratch = try Scratch()
        let (source, destination) = try await TestAgent.paired(in: scratch.path)
        let wanted = PairCreateRequest(
            name: "other",
            ip: "127.0.0.1",
            port: destination.apiPort,
            token: try await destination.token(),
            mode: .disasterRecovery,
            adopt: true
        )
        let info: PairInfo = try await source.post(AgentRoute.pairs, wanted)
        #expect(info.name == "remote" && info.mode == .migration)
        #expect(try await source.value([PairInfo].self, "pair", "list").count == 1)
    }

    @Test func theCadenceOfOneTransferIsTheCallers() async throws {
        let scratch = try Scratch()
        let (source, destination) = try await TestAgent.paired(in: scratch.path)
        let image = try scratch.random("image", bytes: 1 << 20, seed: 7)
        try await source.createVolume("db", from: image)
        var modes: [ReportedMode] = []
        for number in 1...8 {
            let wanted = ReplicateRequest(
                volumes: ["db"],
                pair: "remote",
                id: String(repeating: "0\(number)", count: 16),
                mode: .disasterRecovery
            )
            let accepted: ItemList<TransferInfo> = try await source.post(
                AgentRoute.transfers,
                wanted
            )
            var info = try #require(accepted.items.first)
            while !info.state.isFinal {
                info = try await source.get(
                    AgentRoute.transfer(info.id, waitingMilliseconds: 1000)
                )
            }
            modes.append(try #require(info.report?.mode))
        }
        // By the pair's own cadence the seventh would have been full.
        #expect(modes[0] == .full)
        #expect(!modes[1...].contains(.full))
        _ = destination
    }
}
