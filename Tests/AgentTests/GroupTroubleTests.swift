// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Identity
import SecureTransport
import TestSupport
import Testing
import VolumeStore

/// Groups whose destination cannot do what is asked of it: refused, with the cause and what to do.
@Suite(.serialized, .timeLimit(.minutes(10))) struct GroupTroubleTests {
    /// The release of a group was decided, and the disk has lost what one of its volumes needs for it.
    @Test func aVolumeOfAGroupThatIsBeingShownIsNotPromotedByHand() async throws {
        let scratch = try Scratch()
        let stage = try await GroupStage(in: scratch.path, volumes: 2)
        for round in 1...2 {
            try stage.write(round)
            _ = try await stage.begin(round)
            #expect(try await stage.prepared(round).state == .prepared)
            if round == 1 { #expect(try await stage.commit(round).state == .committed) }
        }
        let volume: VolumeInfo = try await stage.destination.get(AgentRoute.volume("db-1"))
        await stage.end()
        let pool = stage.destination.pool
        try Self.decide(GroupStage.identity(2), in: pool)
        try FileManager.default.removeItem(atPath: "\(pool)/volumes/\(volume.id)/stage")
        try await stage.destination.restart()
        #expect(try await stage.hold(2)?.state == .releasing)
        for name in stage.names {
            let result = try await stage.destination.godwit("volume", "promote", name, "--yes")
            #expect(result.status == 5, "\(result.output)")
            for words in [
                "GW1022", "Volume \(name) cannot be promoted", "a group of volumes is being shown",
                GroupStage.identity(2), "ask again when they are",
            ] { #expect(result.errors.contains(words), "\(result.errors)") }
            let info: VolumeInfo = try await stage.destination.get(AgentRoute.volume(name))
            #expect(info.role == .replica)
        }
    }

    /// Writes into the record of a hold that all of it is to be shown.
    private static func decide(_ group: String, in pool: String) throws {
        let directory = "\(pool)/holds"
        let names = try FileManager.default.contentsOfDirectory(atPath: directory)
        let name = try #require(names.first { $0.hasSuffix("\(group).json") })
        let path = "\(directory)/\(name)"
        var record = try #require(try StateFile.load(HoldRecord.self, from: path))
        #expect(record.state == .held)
        record.state = .releasing
        try StateFile.store(record, to: path)
    }

    @Test func aDestinationOfAnEarlierReleaseIsToldSo() async throws {
        let scratch = try Scratch()
        let stage = try await GroupStage(in: scratch.path, volumes: 1)
        try stage.write(1)
        let authority = try PoolFiles(of: stage.destination).authority()
        try await stage.destination.kill()
        let former = try FormerRelease(authority, port: stage.destination.apiPort)
        defer { former.close() }
        let error = await #expect(throws: APIError.self) { try await stage.begin(1) }
        #expect(error?.id == .peerOutdated)
        let result = try await stage.source.godwit(
            "replicate",
            "db-0",
            "--to",
            "remote",
            "--together"
        )
        #expect(result.status == 1)
        for words in [
            "GW2008", "pair remote cannot hold groups back", "it is of an earlier release",
            "update the agent there",
        ] { #expect(result.errors.contains(words), "\(result.errors)") }
        // Nothing was frozen for it.
        let info: VolumeInfo = try await stage.source.get(AgentRoute.volume("db-0"))
        #expect(info.generations.isEmpty)
    }
}

/// The port 9001 of an agent that knows none of the paths it is asked for.
private final class FormerRelease: Sendable {
    private let listener: TLSListener

    init(_ authority: CertificateAuthority, port: Int) throws {
        let key = SigningKey()
        let certificate = try authority.certifyAgent(key, at: Date())
        let credentials = try certificate.credentials(
            key: key,
            trusting: authority.certificate
        )
        let listener = try TLSListener(host: "127.0.0.1", port: UInt16(port)) { credentials }
        self.listener = listener
        let body = try AgentJSON.data(
            of: ErrorBody(error: APIError(.unknownRoute, "There is no such path."))
        )
        let head =
            "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\n"
            + "content-length: \(body.count)\r\nconnection: close\r\n\r\n"
        let answer = Array(head.utf8) + Array(body)
        _ = try DataThread.spawn(name: "former-release") {
            while let accepted = try? listener.accept() {
                guard let connection = try? accepted.handshake() else { continue }
                _ = try? connection.waitReadable(timeout: .seconds(10))
                try? connection.write(answer)
                try? connection.flush()
                connection.close(draining: .seconds(1))
            }
        }
    }

    func close() { self.listener.close() }
}
