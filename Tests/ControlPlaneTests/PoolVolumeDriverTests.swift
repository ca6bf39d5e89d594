// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

/// An agent with a few volumes and pairs, that does what it is told and remembers it.
final class FakeAgent: AgentAccess {
    struct State: Sendable {
        var volumes: [String: VolumeRole] = [:]
        var pairs: [PairInfo] = []
        var transfers: [String: TransferInfo] = [:]
        var asked: [ReplicateRequest] = []
        /// What every call fails with, while there is something.
        var failure: APIError?
    }

    let place: String
    let state: Locked<State>

    init(_ place: String, volumes: [String: VolumeRole] = [:]) {
        self.place = place
        self.state = Locked(State(volumes: volumes))
    }

    private func now<Answer: Sendable>(
        _ body: (inout State) throws(APIError) -> Answer
    ) throws(APIError) -> Answer {
        try self.state.withLock { (state) throws(APIError) -> Answer in
            if let failure = state.failure { throw failure }
            return try body(&state)
        }
    }

    func pairs() async throws(APIError) -> [PairInfo] {
        try self.now { (state) throws(APIError) in state.pairs }
    }

    func pair(_ request: PairCreateRequest) async throws(APIError) -> PairInfo {
        try self.now { (state) throws(APIError) in
            let info = PairInfo(
                name: request.name,
                direction: .outgoing,
                cluster: "remote",
                host: request.ip,
                apiPort: request.port,
                dataPort: 9010,
                mode: request.mode,
                created: Date(timeIntervalSince1970: 0),
                certificateExpires: nil,
                fingerprint: nil
            )
            state.pairs = [info]
            return info
        }
    }

    func check(pair name: String) async throws(APIError) -> PairCheck {
        try self.now { (_) throws(APIError) in
            PairCheck(name: name, cluster: "remote", version: "0", protocolVersion: "1.0")
        }
    }

    func deletePair(_ name: String) async throws(APIError) {
        try self.now { (state) throws(APIError) in state.pairs.removeAll { $0.name == name } }
    }

    func volume(_ name: String) async throws(APIError) -> VolumeInfo {
        try self.now { (state) throws(APIError) in
            guard let role = state.volumes[name] else {
                throw APIError(.volumeNotFound, "There is no volume \(name).")
            }
            return VolumeInfo(
                name: name,
                id: "1",
                role: role,
                sizeBytes: 1,
                lineage: "1",
                path: nil,
                backing: "pool",
                owner: nil,
                generation: nil,
                generations: []
            )
        }
    }

    func replicate(_ request: ReplicateRequest) async throws(APIError) -> TransferInfo {
        try self.now { (state) throws(APIError) in
            state.asked.append(request)
            let id = request.id ?? "random"
            if let known = state.transfers[id] { return known }
            let info = TransferInfo(
                id: id,
                volume: request.volumes[0],
                pair: request.pair,
                state: .queued,
                attempt: 0,
                created: Date(timeIntervalSince1970: 0)
            )
            state.transfers[id] = info
            return info
        }
    }

    func transfer(_ id: String) async throws(APIError) -> TransferInfo {
        try self.now { (state) throws(APIError) in
            guard let info = state.transfers[id] else {
                throw APIError(.transferNotFound, "There is no transfer \(id).")
            }
            return info
        }
    }

    func cancel(_ id: String) async throws(APIError) {
        try self.now { (state) throws(APIError) in
            guard let info = state.transfers[id] else {
                throw APIError(.transferNotFound, "There is no transfer \(id).")
            }
            guard !info.state.isFinal else { throw APIError(.transferEnded, "It has ended.") }
            state.transfers[id]?.state = .cancelled
        }
    }
}

@Suite struct PoolVolumeDriverTests {
    private let copy = VolumeCopy(
        task: "uid-db-data",
        volume: "pvc-1",
        remote: "remote",
        cadence: .everySeventhFull
    )
    private let request = StoragePairRequest(
        name: "db-pair",
        ip: "10.0.0.1",
        port: 9001,
        token: "t",
        cadence: .alwaysIncremental
    )

    private func paired(_ agents: [FakeAgent]) async throws -> PoolVolumeDriver {
        let driver = PoolVolumeDriver(agents: agents)
        #expect(try await driver.pair(self.request) == "remote")
        return driver
    }

    private func trouble(
        _ body: () async throws(VolumeTrouble) -> Void
    ) async -> VolumeTrouble? {
        do {
            try await body()
            return nil
        } catch { return error }
    }

    @Test func everyAgentIsPairedForEachMayHoldAVolume() async throws {
        let agents = [FakeAgent("a"), FakeAgent("b")]
        _ = try await self.paired(agents)
        for agent in agents {
            #expect(agent.state.withLock { $0.pairs.map(\.mode) } == [.disasterRecovery])
        }
    }

    @Test func aVolumeIsFoundAtTheAgentThatHoldsIt() async throws {
        let agents = [FakeAgent("a"), FakeAgent("b", volumes: ["pvc-1": .source])]
        let driver = try await self.paired(agents)
        try await driver.start(self.copy)
        #expect(agents[0].state.withLock { $0.asked.isEmpty })
        #expect(agents[1].state.withLock { $0.asked.map(\.volumes) } == [["pvc-1"]])
    }

    @Test func oneTaskIsOneTransferWhoeverAsks() async throws {
        let agent = FakeAgent("a", volumes: ["pvc-1": .source])
        try await self.paired([agent]).start(self.copy)
        try await PoolVolumeDriver(agents: [agent]).start(self.copy)
        #expect(agent.state.withLock { $0.transfers.count } == 1)
        let ids = agent.state.withLock { Set($0.asked.compactMap(\.id)) }
        #expect(ids == [PoolVolumeDriver.transferID(ofTask: "uid-db-data")])
        #expect(ids.first?.count == 32)
        #expect(
            PoolVolumeDriver.transferID(ofTask: "uid-db-other")
                != PoolVolumeDriver.transferID(ofTask: "uid-db-data")
        )
    }

    @Test func theCadenceOfTheClusterPairIsThatOfTheTransfer() async throws {
        let agent = FakeAgent("a", volumes: ["pvc-1": .source])
        let driver = try await self.paired([agent])
        var copy = self.copy
        try await driver.start(copy)
        copy.task = "another"
        copy.cadence = .alwaysIncremental
        try await driver.start(copy)
        #expect(
            agent.state.withLock { $0.asked.map(\.mode) } == [.migration, .disasterRecovery]
        )
    }

    @Test func aVolumeIsNowhereOnlyWhenEveryAgentHasAnswered() async throws {
        let agents = [FakeAgent("a"), FakeAgent("b")]
        let driver = try await self.paired(agents)
        let nowhere = await self.trouble { () throws(VolumeTrouble) in
            try await driver.start(self.copy)
        }
        #expect(nowhere?.reason == .volumeNotFound && nowhere?.isPassing == false)
        agents[1].state.withLock { $0.failure = APIError(.agentUnreachable, "gone") }
        let unknown = await self.trouble { () throws(VolumeTrouble) in
            try await driver.start(self.copy)
        }
        #expect(unknown?.reason == .agentUnreachable && unknown?.isPassing == true)
    }

    @Test func aReplicaIsNoSource() async throws {
        let driver = try await self.paired([FakeAgent("a", volumes: ["pvc-1": .replica])])
        let trouble = await self.trouble { () throws(VolumeTrouble) in
            try await driver.start(self.copy)
        }
        #expect(trouble?.message.contains("only a copy") == true)
    }

    @Test func cancellingWhatHasEndedOrNeverBeganIsNoFailure() async throws {
        let agent = FakeAgent("a", volumes: ["pvc-1": .source])
        let driver = try await self.paired([agent])
        try await driver.cancel(self.copy)
        try await driver.start(self.copy)
        try await driver.cancel(self.copy)
        #expect(try await driver.progress(of: self.copy)?.state == .cancelled)
        try await driver.cancel(self.copy)
    }

    @Test func unpairingEndsEveryAgentsPairAndIsDoneTwice() async throws {
        let agents = [FakeAgent("a"), FakeAgent("b")]
        let driver = try await self.paired(agents)
        try await driver.unpair(remote: "remote")
        #expect(agents.allSatisfy { $0.state.withLock { $0.pairs.isEmpty } })
        try await driver.unpair(remote: "remote")
        let trouble = await self.trouble { () throws(VolumeTrouble) in
            try await driver.check(remote: "remote")
        }
        #expect(trouble?.reason == .notPaired)
    }

    @Test(
        arguments: [
            (TransferState.waiting, nil, true), (.queued, nil, true),
            (.running, "connecting", true),
            (.running, "waiting", true), (.running, "freezing", true),
            (.running, "streaming", false), (.running, "committing", false),
        ] as [(TransferState, String?, Bool)]
    )
    func whatHeldTheLastTryUpIsToldUntilBytesMoveAgain(
        state: TransferState,
        phase: String?,
        isTold: Bool
    ) {
        var info = TransferInfo(
            id: "1",
            volume: "pvc-1",
            pair: "p",
            state: state,
            attempt: 2,
            created: Date(timeIntervalSince1970: 0),
            progress: phase.map { TransferProgress(phase: $0) },
            error: APIError(.noSpace, "the pool is full", try: "run the same replicate again")
        )
        let held = VolumeProgress(info, at: "here").waitsFor
        #expect(held?.reason == (isTold ? .noSpace : nil))
        #expect(held?.remedy?.contains("replicate") != true, "nobody has typed a command")
        info.error = nil
        #expect(VolumeProgress(info, at: "here").waitsFor == nil)
    }

    @Test(
        arguments: [
            (ErrorID.pairingRefused, VolumeTrouble.Reason.tokenRefused, false),
            (.peerUnreachable, .destinationUnreachable, true),
            (.peerNotTrusted, .certificateInvalid, false),
            (.pairExpired, .certificateExpired, true),
            (.pairRevoked, .pairRevoked, false), (.noSpace, .noSpace, false),
            (.volumeInUse, .volumeInUse, false), (.agentUnreachable, .agentUnreachable, true),
        ]
    )
    func aFailureKeepsItsMeaning(id: ErrorID, reason: VolumeTrouble.Reason, isPassing: Bool) {
        let error = APIError(id, "what happened", cause: "why", try: "do this")
        let trouble = VolumeTrouble(error, at: "place")
        #expect(trouble.reason == reason && trouble.isPassing == isPassing)
        #expect(trouble.message.contains("what happened") && trouble.remedy?.isEmpty == false)
        #expect(trouble.message.contains(id.rawValue))
    }

    @Test func theHandleOfAVolumeIsItsNameInThePool() {
        let driver = PoolVolumeDriver(agents: [])
        let volume = KubeObject([
            "spec": ["csi": ["driver": "pool.godwit.io", "volumeHandle": "pvc-1"]]
        ])
        #expect(driver.volume(of: volume) == "pvc-1")
        let other = KubeObject([
            "spec": ["csi": ["driver": "other.example", "volumeHandle": "pvc-1"]]
        ])
        #expect(driver.volume(of: other) == nil)
        #expect(driver.volume(of: KubeObject(["spec": ["hostPath": ["path": "/a"]]])) == nil)
    }
}
