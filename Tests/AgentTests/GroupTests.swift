// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import TestSupport
import Testing

/// Volumes that are frozen together and become visible together, between two real agents.
@Suite(.serialized, .timeLimit(.minutes(10))) struct GroupTests {
    @Test func threeVolumesAreFrozenAndShownTogether() async throws {
        let scratch = try Scratch()
        let stage = try await GroupStage(in: scratch.path)
        for round in 1...3 {
            try stage.write(round)
            let begun = try await stage.begin(round)
            #expect(begun.isAtomic)
            let before = try await stage.shownSnapshots()
            let group = try await stage.prepared(round) {
                let now = try await stage.shownSnapshots()
                #expect(now == before)
            }
            #expect(group.state == .prepared, "\(group)")
            // What was written after the freeze does not belong to it.
            try stage.write(round + 100)
            try await stage.expectShown(round - 1)
            let hold = try #require(try await stage.hold(round))
            #expect(hold.isPrepared && hold.state == .held)
            #expect(hold.members.map(\.generation) == group.members.map(\.generation))
            #expect(hold.members.map(\.rootDigest) == group.members.map(\.rootDigest))
            let committed = try await stage.commit(round)
            #expect(committed.state == .committed)
            #expect(committed.members.allSatisfy { $0.isCommitted })
            try await stage.expectShown(round)
            #expect(try await stage.shownSnapshots() == group.members.map(\.snapshot))
            #expect(try await stage.ended(committed).allSatisfy { $0 == .succeeded })
            try await stage.expectShipped(committed, isFirst: round == 1)
            // Asked again, nothing changes.
            #expect(try await stage.commit(round).state == .committed)
            #expect(
                try await stage.begin(round).members.map(\.snapshot)
                    == committed.members.map(\.snapshot)
            )
        }
        // A transfer of its own goes on from there.
        try stage.write(4)
        let report = try await stage.source.replicate("db-0")
        #expect(report.mode == .incremental)
    }

    /// An application writes the same number to all volumes, and never stops; it pauses in between.
    @Test func theVolumesOfAWriterAgree() async throws {
        let scratch = try Scratch()
        let stage = try await GroupStage(in: scratch.path)
        let line = """
            n=0; while :; do n=$((n+1)); for f in "$@"; do printf '%08d' $n 1<>"$f"; done; \
            sleep 1; done
            """
        let writer = try Command.start("/bin/sh", ["-c", line, "writer"] + stage.live)
        defer { writer.signal(SIGKILL) }
        var before: [String] = []
        for number in 1...3 {
            let begun = try await stage.begin(number)
            #expect(begun.isAtomic)
            #expect(try await stage.prepared(number).state == .prepared)
            #expect(try await stage.commit(number).state == .committed)
            let heads = try await stage.shownHeads(of: 8)
            #expect(Set(heads).count == 1, "\(heads)")
            #expect(heads != before || number == 1)
            before = heads
            // Until the writer has come further.
            try await eventually("the writer goes on") {
                try stage.liveHeads(of: 8).allSatisfy { $0 > (heads.first ?? "") }
            }
        }
    }

    @Test func aPersonReplicatesVolumesTogether() async throws {
        let scratch = try Scratch()
        let stage = try await GroupStage(in: scratch.path)
        try stage.write(1)
        let reports = try await stage.source.value(
            [TransferReport].self,
            "replicate",
            "db-0",
            "db-1",
            "db-2",
            "--to",
            "remote",
            "--together"
        )
        #expect(reports.count == 3)
        try await stage.expectShown(1)
        let groups = try await stage.source.value([GroupInfo].self, "group", "list")
        #expect(groups.map(\.state) == [.committed])
        let id = try #require(groups.first?.id)
        for verb in ["show", "commit", "cancel"] {
            let group = try await stage.source.value(GroupInfo.self, "group", verb, id)
            #expect(group.state == .committed)
        }
        let wrong = try await stage.source.godwit(
            "replicate",
            "db-0",
            "--to",
            "remote",
            "--together",
            "--detach"
        )
        #expect(wrong.status == 64)
        let unknown = try await stage.source.godwit("group", "show", GroupStage.identity(9))
        #expect(unknown.status == 4)
        // Where it cannot be shown, nothing is left behind.
        try await stage.destination.kill()
        let failed = try await stage.source.godwit(
            "replicate",
            "db-0",
            "--to",
            "remote",
            "--together"
        )
        #expect(failed.status == 10)
        #expect(try await stage.source.value([GroupInfo].self, "group", "list").count == 1)
    }

    /// What waits for others holds no place that one of them needs.
    @Test func aGroupMayHaveMoreVolumesThanThereArePlaces() async throws {
        let scratch = try Scratch()
        let config = try scratch.file("agent.yaml", "limits:\n  transfers: 1\n")
        let stage = try await GroupStage(
            in: scratch.path,
            volumes: 6,
            extra: ["--config", config]
        )
        try stage.write(1)
        _ = try await stage.begin(1)
        #expect(try await stage.prepared(1).state == .prepared)
        #expect(try await stage.commit(1).state == .committed)
        try await stage.expectShown(1)
    }

    @Test func oneVolumeIsInOneGroupAtATime() async throws {
        let scratch = try Scratch()
        let stage = try await GroupStage(in: scratch.path)
        try stage.write(1)
        let first = try await stage.begin(1)
        let again = try await stage.begin(1)
        #expect(again.members.map(\.snapshot) == first.members.map(\.snapshot))
        #expect(again.frozen == first.frozen)
        let error = await #expect(throws: APIError.self) {
            try await stage.begin(2, of: ["db-1"])
        }
        #expect(error?.id == .groupConflict)
        #expect(error?.message.contains(first.id) == true)
        // Nor under the same identity with other members.
        let other = await #expect(throws: APIError.self) {
            try await stage.begin(1, of: ["db-1"])
        }
        #expect(other?.id == .groupConflict)
        // A transfer of its own waits until the group has ended, and says so.
        let alone = try await stage.source.beginReplicating("db-1")
        _ = try await stage.source.log.first {
            $0.reason == "TransferWaiting" && $0.transfer == alone.id
        }
        #expect(try await stage.prepared(1).state == .prepared)
        #expect(try await stage.commit(1).state == .committed)
        try await stage.expectShown(1)
    }

    @Test func nothingIsShownOfACancelledGroup() async throws {
        let scratch = try Scratch()
        let stage = try await GroupStage(in: scratch.path)
        try stage.write(1)
        _ = try await stage.begin(1)
        #expect(try await stage.prepared(1).state == .prepared)
        #expect(try await stage.cancel(1).state == .cancelled)
        #expect(try await stage.cancel(1).state == .cancelled)
        #expect(try await stage.hold(1)?.state == .dropped)
        let error = await #expect(throws: APIError.self) { try await stage.commit(1) }
        #expect(error?.id == .groupEnded)
        #expect(try await stage.shownSnapshots() == [nil, nil, nil])
        // The volumes are free for the next one.
        try stage.write(2)
        let next = try await stage.begin(2)
        #expect(try await stage.prepared(2).state == .prepared)
        #expect(try await stage.commit(2).state == .committed)
        try await stage.expectShown(2)
        #expect(try await stage.cancel(2).state == .committed)
        #expect(try await stage.ended(next).allSatisfy { $0 == .succeeded })
        // Views of what has ended are not kept: only the bases are left.
        for name in stage.names {
            let info: VolumeInfo = try await stage.source.get(AgentRoute.volume(name))
            #expect(info.generations.count == 1)
        }
    }

    /// The source is dead, and the destination was killed too: what is prepared can be shown.
    @Test func aDestinationReleasesAGroupWithoutItsSource() async throws {
        let scratch = try Scratch()
        let stage = try await GroupStage(in: scratch.path)
        try stage.write(1)
        let begun = try await stage.begin(1)
        #expect(try await stage.prepared(1).state == .prepared)
        try await stage.source.kill()
        try await stage.destination.kill()
        try await stage.destination.restart()
        let id = GroupStage.identity(1)
        #expect(try await stage.hold(1)?.isPrepared == true)
        try await stage.expectShown(0)
        let released = try await GroupStage.ask(stage.destination) { agent throws(APIError) in
            try await agent.releaseHold(id)
        }
        #expect(released.map(\.state) == [.committed])
        try await stage.expectShown(1)
        let error = await #expect(throws: APIError.self) {
            try await GroupStage.ask(stage.destination) { agent throws(APIError) in
                try await agent.dropHold(id)
            }
        }
        #expect(error?.id == .groupEnded)
        // The source finds that it is done.
        try await stage.source.restart()
        #expect(try await stage.ended(begun).allSatisfy { $0 == .succeeded })
        #expect(try await stage.begin(1).state == .committed)
    }

    @Test func aDestinationDropsAGroupWithoutItsSource() async throws {
        let scratch = try Scratch()
        let stage = try await GroupStage(in: scratch.path)
        try stage.write(1)
        let begun = try await stage.begin(1)
        #expect(try await stage.prepared(1).state == .prepared)
        try await stage.source.kill()
        let id = GroupStage.identity(1)
        let dropped = try await GroupStage.ask(stage.destination) { agent throws(APIError) in
            try await agent.dropHold(id)
        }
        #expect(dropped.map(\.state) == [.dropped])
        // The source that returns does not bring it again.
        try await stage.source.restart()
        #expect(try await stage.ended(begun).allSatisfy { $0 == .failed })
        #expect(try await stage.begin(1).state == .failed)
        #expect(try await stage.shownSnapshots() == [nil, nil, nil])
        #expect(try await stage.cancel(1).state == .cancelled)
    }

    @Test func aGroupThatIsNotWholeIsNotCommitted() async throws {
        let scratch = try Scratch()
        let stage = try await GroupStage(in: scratch.path)
        try stage.write(1)
        try await stage.destination.kill()
        // Nothing is frozen for a destination that cannot be asked.
        let unreachable = await #expect(throws: APIError.self) { try await stage.begin(1) }
        #expect(unreachable?.id == .peerUnreachable)
        let info: VolumeInfo = try await stage.source.get(AgentRoute.volume("db-0"))
        #expect(info.generations.isEmpty)
        try await stage.destination.restart()
        _ = try await stage.begin(1)
        stage.destination.process.signal(SIGSTOP)
        stage.destination.process.signal(SIGCONT)
        _ = try await stage.prepared(1)
        let unknown = await #expect(throws: APIError.self) { try await stage.commit(77) }
        #expect(unknown?.id == .groupNotFound)
        #expect(try await stage.commit(1).state == .committed)
        try await stage.expectShown(1)
    }

    @Test func aGroupIsOfOneToSixtyFourDifferentVolumes() async throws {
        let scratch = try Scratch()
        let stage = try await GroupStage(in: scratch.path, volumes: 1)
        for names in [[], ["db-0", "db-0"], (0..<65).map { "v\($0)" }] {
            let error = await #expect(throws: APIError.self) { try await stage.begin(1, of: names) }
            #expect(error?.id == .invalidRequest)
        }
        let error = await #expect(throws: APIError.self) { try await stage.begin(1, of: ["none"]) }
        #expect(error?.id == .volumeNotFound)
    }
}
