// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

@Suite struct PoolVolumeDriverTests {
    private let group = VolumeGroup(
        task: "uid",
        remote: "remote",
        cadence: .everySeventhFull,
        copies: [VolumeCopy(task: "uid-db-data", volume: "pvc-1")]
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
        _ = try await driver.begin(self.group)
        #expect(agents[0].state.withLock { $0.asked.isEmpty })
        let asked = agents[1].state.withLock { $0.asked.flatMap(\.members).map(\.volume) }
        #expect(asked == ["pvc-1"])
    }

    @Test func oneTaskIsOneGroupWhoeverAsks() async throws {
        let agent = FakeAgent("a", volumes: ["pvc-1": .source])
        let first = try await self.paired([agent]).begin(self.group)
        let second = try await PoolVolumeDriver(agents: [agent]).begin(self.group)
        #expect(first == second && agent.state.withLock { $0.groups.count } == 1)
        let transfers = agent.state.withLock { $0.asked.flatMap(\.members).map(\.transfer) }
        #expect(Set(transfers) == [PoolVolumeDriver.identity(ofTask: "uid-db-data")])
        #expect(transfers.first?.count == 32 && first.group.count == 32)
        #expect(
            PoolVolumeDriver.identity(ofTask: "uid-db-other")
                != PoolVolumeDriver.identity(ofTask: "uid-db-data")
        )
    }

    @Test func aGroupOnTwoAgentsIsShownWhenBothArePrepared() async throws {
        let agents = [
            FakeAgent("a", volumes: ["pvc-1": .source]),
            FakeAgent("b", volumes: ["pvc-2": .source]),
        ]
        agents[0].state.withLock { $0.frozenAt = 20 }
        agents[1].state.withLock { $0.frozenAt = 10 }
        let driver = try await self.paired(agents)
        var group = self.group
        group.copies.append(VolumeCopy(task: "uid-db-log", volume: "pvc-2"))
        let freeze = try await driver.begin(group)
        #expect(freeze.time == Timestamp(seconds: 10), "the earlier of both")
        #expect(!freeze.isAtomic, "nobody looks between two agents")
        #expect(freeze.volumes.keys.sorted() == ["pvc-1", "pvc-2"])
        agents[1].prepareAll()
        #expect(try await driver.progress(of: group)?.map(\.state) == [.running, .prepared])
        agents[0].prepareAll()
        #expect(try await driver.progress(of: group)?.map(\.state) == [.prepared, .prepared])
        try await driver.commit(group)
        #expect(try await driver.progress(of: group)?.map(\.state) == [.done, .done])
    }

    @Test func moreThanAnAgentTakesAtOnceAreSeveralGroupsOfIt() async throws {
        let count = GroupRequest.memberLimit + 1
        let names = (1...count).map { "pvc-\($0)" }
        let agent = FakeAgent(
            "a",
            volumes: Dictionary(uniqueKeysWithValues: names.map { ($0, .source) })
        )
        var group = self.group
        group.copies = names.map { VolumeCopy(task: "uid-\($0)", volume: $0) }
        let freeze = try await self.paired([agent]).begin(group)
        #expect(freeze.volumes.count == count && !freeze.isAtomic)
        let sizes = agent.state.withLock { $0.asked.map(\.members.count) }
        #expect(sizes == [GroupRequest.memberLimit, 1])
        #expect(agent.state.withLock { Set($0.asked.map(\.id)).count } == 2)
    }

    @Test func theCadenceOfTheClusterPairIsThatOfTheGroup() async throws {
        let agent = FakeAgent("a", volumes: ["pvc-1": .source])
        let driver = try await self.paired([agent])
        var group = self.group
        _ = try await driver.begin(group)
        group.task = "another"
        group.cadence = .alwaysIncremental
        _ = try await driver.begin(group)
        #expect(
            agent.state.withLock { $0.asked.map(\.mode) } == [.migration, .disasterRecovery]
        )
    }

    @Test func aVolumeIsNowhereOnlyWhenEveryAgentHasAnswered() async throws {
        let agents = [FakeAgent("a"), FakeAgent("b")]
        let driver = try await self.paired(agents)
        let nowhere = await self.trouble { () throws(VolumeTrouble) in
            _ = try await driver.begin(self.group)
        }
        #expect(nowhere?.reason == .volumeNotFound && nowhere?.isPassing == false)
        #expect(nowhere?.volume == "pvc-1")
        agents[1].state.withLock { $0.failure = APIError(.agentUnreachable, "gone") }
        let unknown = await self.trouble { () throws(VolumeTrouble) in
            _ = try await driver.begin(self.group)
        }
        #expect(unknown?.reason == .agentUnreachable && unknown?.isPassing == true)
    }

    @Test func aReplicaIsNoSource() async throws {
        let driver = try await self.paired([FakeAgent("a", volumes: ["pvc-1": .replica])])
        let trouble = await self.trouble { () throws(VolumeTrouble) in
            _ = try await driver.begin(self.group)
        }
        #expect(trouble?.message.contains("only a copy") == true)
    }

    @Test func cancellingWhatHasEndedOrNeverBeganIsNoFailure() async throws {
        let agent = FakeAgent("a", volumes: ["pvc-1": .source])
        let driver = try await self.paired([agent])
        try await driver.cancel(self.group)
        #expect(try await driver.progress(of: self.group) == nil)
        _ = try await driver.begin(self.group)
        try await driver.cancel(self.group)
        #expect(try await driver.progress(of: self.group)?.map(\.state) == [.cancelled])
        try await driver.cancel(self.group)
    }

    // MARK: Failover

    @Test func whatIsHeldBackIsShownWhereItIsWantedAndElseThrownAway() async throws {
        let agent = FakeAgent("a", volumes: ["pvc-1": .replica])
        func hold(
            _ id: String,
            _ state: HoldState,
            _ volume: String,
            _ snapshot: String
        ) -> HoldInfo {
            HoldInfo(
                id: id,
                pair: "p",
                state: state,
                created: Date(timeIntervalSince1970: 0),
                members: [
                    HoldMember(
                        volumeID: "1",
                        volume: volume,
                        snapshot: snapshot,
                        state: .prepared
                    )
                ]
            )
        }
        agent.state.withLock {
            $0.holds = [
                hold("wanted", .held, "pvc-1", "s1"), hold("newer", .held, "pvc-1", "s2"),
                hold("others", .held, "pvc-9", "s9"), hold("begun", .releasing, "pvc-1", "s1"),
                hold("done", .committed, "pvc-1", "s0"),
            ]
        }
        let state = VolumeFreeze.Frozen(generation: 4, snapshot: "s1")
        try await PoolVolumeDriver(agents: [agent]).settle(["pvc-1": state])
        let orders = agent.state.withLock { $0.orders }
        #expect(orders == ["release wanted", "drop newer", "release begun"])
    }

    @Test func aVolumeIsPromotedWhereItsCopyIs() async throws {
        let agents = [FakeAgent("a"), FakeAgent("b", volumes: ["pvc-1": .replica])]
        let driver = PoolVolumeDriver(agents: agents)
        try await driver.promote(
            "pvc-1",
            to: VolumeFreeze.Frozen(generation: 4, snapshot: "s1")
        )
        #expect(agents[1].state.withLock { $0.orders } == ["promote pvc-1 4 s1"])
        try await driver.revert("pvc-1")
        #expect(agents[1].state.withLock { $0.orders.count } == 1, "it says it was not promoted")
        agents[1].state.withLock { $0.promotions = ["pvc-1"] }
        try await driver.revert("pvc-1")
        #expect(agents[1].state.withLock { $0.orders.last } == "revert pvc-1")
    }

    @Test func onlyAClonesNameIsDiscarded() async throws {
        let agent = FakeAgent("a", volumes: ["pvc-1": .source, "pvc-1-drill": .source])
        agent.state.withLock { $0.clones = ["pvc-1-drill"] }
        let driver = PoolVolumeDriver(agents: [agent])
        try await driver.discard(clone: "pvc-1")
        try await driver.discard(clone: "never-there")
        #expect(agent.state.withLock { $0.orders.isEmpty })
        try await driver.discard(clone: "pvc-1-drill")
        #expect(agent.state.withLock { $0.orders } == ["delete pvc-1-drill"])
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
            state,
            attempt: 2,
            progress: phase.map { TransferProgress(phase: $0) },
            error: APIError(.noSpace, "the pool is full", try: "run the same replicate again")
        )
        let held = VolumeProgress(info, ofGroup: .copying).waitsFor
        #expect(held?.reason == (isTold ? .noSpace : nil))
        #expect(held?.remedy?.contains("replicate") != true, "nobody has typed a command")
        info.error = nil
        #expect(VolumeProgress(info, ofGroup: .copying).waitsFor == nil)
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
