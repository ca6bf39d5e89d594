// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import TestSupport
import Testing

/// Failover and failback between real agents.
@Suite(
    .serialized,
    .enabled(if: LoopFileSystem.isAvailable([.xfs, .ext4]), LoopFileSystem.reason)
)
struct FailoverTests {
    private func onSites(
        _ system: LoopFileSystem,
        _ body: (inout FailoverSites, String) async throws -> Void
    ) async throws {
        try await system.mounted { directory in
            var sites = try await FailoverSites(in: directory)
            do { try await body(&sites, directory) } catch {
                await sites.end()
                throw error
            }
            await sites.end()
        }
    }

    /// The whole way: there, back, and there again; with clones and with digests alone.
    @Test(arguments: [LoopFileSystem.xfs, .ext4])
    func aVolumeFailsOverAndComesBackAndShipsWhatChanged(_ system: LoopFileSystem) async throws {
        try await self.onSites(system) { sites, directory in
            let (a, b) = (sites.first, sites.second)
            // Written after the last run: what a failover loses.
            try await a.writeLive([(100, 1), (101, 1), (900, 2)])
            let lost = try await a.liveData()
            try await a.kill()
            try await b.expect("volume", "promote", "db", "--yes")
            #expect(try await b.liveData() == sites.common)
            try await b.writeLive([(100, 7), (500, 8), (501, 8), (1500, 9)])
            let new = try await b.liveData()
            try await a.restart()
            try await a.refused("GW1031", "replicate", "db", "--to", "remote")
            try await self.failBack(from: b, to: a)
            let report = try await b.replicate("db")
            #expect(report.baseGeneration == 2)
            #expect(report.targetGeneration == 3)
            switch system {
            case .xfs:
                #expect(report.mode == .incremental)
                #expect(report.changedBytes == 4 * 4096)
                #expect(report.wireBytes < 100_000)
                #expect(try await a.liveData("db-before-failback") == lost)
                // Granules 100 and 101 are in one leaf, 900 in another one.
                let kept = try await a.volume("db-before-failback").clonedFrom
                #expect(kept?.lostLeaves == 2)
            case .ext4, .btrfs, .btrfsCompressed, .tmpfs:
                #expect(report.mode == .full)
                // What changed there, and what was written here: not the volume.
                #expect(report.changedBytes <= 6 * 4096)
                #expect(report.wireBytes < 200_000)
            }
            #expect(try await a.volume().role == .replica)
            #expect(try await a.volume().takenOver?.lostLeaves == 2)
            #expect(try await a.shownData(in: directory) == new)
            try await b.expectEqual()
            sites.note(new)
            try await self.expectAgain(a, b, sites, in: directory, system)
        }
    }

    /// Pairs back, and goes through the refusals until the former source may be taken over.
    private func failBack(from active: TestAgent, to former: TestAgent) async throws {
        try await active.pair(with: former)
        try await active.refused("GW1033", "replicate", "db", "--to", "remote")
        try await former.expect("volume", "fence", "db", "--by", "somebody-else")
        try await active.refused("GW1033", "replicate", "db", "--to", "remote")
        try await former.refused("GW1032", "replicate", "db", "--to", "remote")
        try await former.expect("volume", "fence", "db")
    }

    /// The other way round, with an ordinary run in between.
    private func expectAgain(
        _ a: TestAgent,
        _ b: TestAgent,
        _ sites: FailoverSites,
        in directory: String,
        _ system: LoopFileSystem
    ) async throws {
        try await b.writeLive([(7, 3)])
        let run = try await b.replicate("db")
        #expect(run.mode == .incremental)
        #expect(run.changedBytes == 4096)
        let common = try await b.liveData()
        try await b.kill()
        try await a.expect("volume", "promote", "db", "--yes")
        #expect(try await a.liveData() == common)
        try await a.writeLive([(8, 4), (1999, 5)])
        let new = try await a.liveData()
        try await b.restart()
        try await b.expect("volume", "fence", "db", "--by", "remote")
        let report = try await a.replicate("db")
        #expect(report.changedBytes == 2 * 4096)
        #expect(report.wireBytes < 100_000)
        #expect(report.mode == (system == .xfs ? .incremental : .full))
        #expect(try await b.shownData(in: directory) == new)
        try await a.expectEqual()
        // Nothing was written there that nobody has: nothing was kept.
        let volumes: ItemList<VolumeInfo> = try await b.get(AgentRoute.volumes)
        #expect(volumes.items.map(\.name) == ["db"])
    }

    @Test func anOlderGenerationIsPromotedAndTakenBack() async throws {
        try await self.onSites(.xfs) { sites, directory in
            let (a, b) = (sites.first, sites.second)
            let kept = try await b.volume().generations
            #expect(kept.map(\.number) == [1, 2])
            let older = try #require(kept.first)
            try await b.refused("GW1105", "volume", "promote", "db")
            try await b.refused("GW1105", "volume", "revert", "db")
            try await b.refused("GW1006", "volume", "promote", "db", "--generation", "7", "--yes")
            try await b.refused(
                "GW1006",
                "volume",
                "promote",
                "db",
                "--snapshot",
                older.snapshot,
                "--yes"
            )
            try await b.expect("volume", "promote", "db", "--generation", "1", "--yes")
            let volume = try await b.volume()
            #expect(volume.promotedFrom?.generation == 1)
            #expect(volume.promotedFrom?.snapshot == older.snapshot)
            #expect(volume.promotedFrom?.rootDigest == older.rootDigest)
            // Asked again, the same; another generation is another question.
            try await b.expect("volume", "promote", "db", "--yes")
            try await b.refused("GW1035", "volume", "promote", "db", "--generation", "2", "--yes")
            try await b.writeLive([(3, 99)])
            try await b.expect("volume", "revert", "db", "--yes")
            #expect(try await b.volume().role == .replica)
            #expect(try await b.volume().generation?.number == 1)
            // The failover was called off: the source goes on.
            try await a.replicate("db")
            try await a.expectEqual()
            #expect(try await b.shownData(in: directory) == a.liveData())
        }
    }

    @Test func theOlderGenerationComesBackByAVerifyingRun() async throws {
        try await self.onSites(.xfs) { sites, directory in
            let (a, b) = (sites.first, sites.second)
            try await b.expect("volume", "promote", "db", "--generation", "1", "--yes")
            let new = try await b.liveData()
            try await a.expect("volume", "fence", "db")
            try await b.pair(with: a)
            let report = try await b.replicate("db")
            #expect(report.mode == .full)
            #expect(report.changedBytes == 4096)
            #expect(try await a.shownData(in: directory) == new)
            try await b.expectEqual()
            try await b.refused("GW1034", "volume", "revert", "db", "--yes")
        }
    }

    @Test func aPromotedVolumeThatWasWrittenIsNotTakenBackWithoutAClone() async throws {
        try await self.onSites(.ext4) { sites, _ in
            let b = sites.second
            try await b.expect("volume", "promote", "db", "--yes")
            try await b.expect("volume", "revert", "db", "--yes")
            try await b.expect("volume", "promote", "db", "--yes")
            try await b.writeLive([(3, 99)])
            try await b.refused("GW1034", "volume", "revert", "db", "--yes")
            try await sites.first.refused("GW1035", "volume", "promote", "db", "--yes")
        }
    }

    @Test(arguments: [LoopFileSystem.xfs, .ext4])
    func aKilledPromotionLeavesTheReplicaOrTheSource(_ system: LoopFileSystem) async throws {
        try await self.onSites(system) { sites, directory in
            let b = sites.second
            for round in 0..<6 {
                let asked = try Command.start(
                    "godwit",
                    ["--agent", b.pool, "volume", "promote", "db", "--yes"]
                )
                // From before it is heard of to after it is done.
                if round % 3 == 1 { _ = try? await asked.result() }
                try await b.kill()
                _ = try? await asked.result()
                try await b.restart()
                switch try await b.volume().role {
                case .replica:
                    #expect(try await b.shownData(in: directory) == sites.common)
                case .source:
                    #expect(try await b.liveData() == sites.common)
                    try await b.expect("volume", "revert", "db", "--yes")
                }
            }
            // Whatever happened, the pair goes on.
            try await sites.first.writeLive([(4, 4)])
            let report = try await sites.first.replicate("db")
            #expect(report.changedBytes == 4096)
            try await sites.first.expectEqual()
        }
    }

    /// Either side dies while the former source becomes a replica: the transfer goes on by itself.
    @Test(arguments: [LoopFileSystem.xfs, .ext4])
    func aFailbackGoesOnAfterEitherSideWasKilled(_ system: LoopFileSystem) async throws {
        try await self.onSites(system) { sites, directory in
            let (a, b) = (sites.first, sites.second)
            try await a.writeLive([(100, 1)])
            try await b.expect("volume", "promote", "db", "--yes")
            try await b.writeLive([(200, 2)])
            let new = try await b.liveData()
            try await b.pair(with: a)
            try await a.expect("volume", "fence", "db")
            let heard = a.log.all.count
            let transfer = try await b.beginReplicating("db")
            _ = try await a.log.first(from: heard, reason: "VolumeTakenOver")
            try await a.kill()
            try await a.restart()
            #expect(try await a.volume().role == .replica)
            try await b.kill()
            try await b.restart()
            let ended = try await b.end(of: transfer.id)
            #expect(ended.state == .succeeded, "\(String(describing: ended.error))")
            #expect(try await a.shownData(in: directory) == new)
            try await b.expectEqual()
            // Not twice, however often it was asked.
            let volumes: ItemList<VolumeInfo> = try await a.get(AgentRoute.volumes)
            #expect(volumes.items.count == (system == .xfs ? 2 : 1))
        }
    }

    @Test func aTransferUnderWayIsEndedByThePromotion() async throws {
        try await self.onSites(.xfs) { sites, _ in
            let (a, b) = (sites.first, sites.second)
            try await a.writeLive((0..<1024).map { ($0, 77) })
            let heard = b.log.all.count
            let transfer = try await a.beginReplicating(
                "db",
                "--limit",
                "256KiB/s",
                "--codec",
                "none"
            )
            _ = try await b.log.first(from: heard, reason: "ReceivingStarted")
            try await b.expect("volume", "promote", "db", "--yes")
            #expect(try await b.liveData() == sites.common)
            let ended = try await a.end(of: transfer.id)
            #expect(ended.state == .failed)
            #expect(ended.error?.id == .volumeActiveElsewhere)
        }
    }

    @Test func aFenceHoldsOverARestartAndEndsWhatRuns() async throws {
        try await self.onSites(.ext4) { sites, _ in
            let a = sites.first
            try await a.writeLive((0..<1024).map { ($0, 77) })
            let heard = sites.second.log.all.count
            let transfer = try await a.beginReplicating(
                "db",
                "--limit",
                "256KiB/s",
                "--codec",
                "none"
            )
            _ = try await sites.second.log.first(from: heard, reason: "ReceivingStarted")
            try await a.expect("volume", "fence", "db", "--by", "remote")
            #expect(try await a.end(of: transfer.id).state == .cancelled)
            try await a.kill()
            try await a.restart()
            #expect(try await a.volume().fenced?.by == "remote")
            try await a.refused("GW1032", "replicate", "db", "--to", "remote")
            let listed = try await a.godwit("volume", "list")
            #expect(listed.output.contains("source,fenced"))
            try await a.expect("volume", "unfence", "db")
            #expect(try await a.volume().fenced == nil)
            try await a.replicate("db")
            try await sites.second.refused("GW1008", "volume", "fence", "db")
        }
    }

    @Test(arguments: [LoopFileSystem.xfs, .ext4])
    func aDrillWorksOnACopyWhileReplicationGoesOn(_ system: LoopFileSystem) async throws {
        try await self.onSites(system) { sites, _ in
            let (a, b) = (sites.first, sites.second)
            try await a.writeLive((0..<1024).map { ($0, 77) })
            let heard = b.log.all.count
            let transfer = try await a.beginReplicating(
                "db",
                "--limit",
                "1MiB/s",
                "--codec",
                "none"
            )
            _ = try await b.log.first(from: heard, reason: "ReceivingStarted")
            let copy = try await b.value(
                VolumeInfo.self,
                "volume",
                "clone",
                "db",
                "--as",
                "drill",
                "--verify"
            )
            #expect(copy.clonedFrom?.verifiedRoot != nil)
            #expect(copy.clonedFrom?.generation == 2)
            #expect(try await b.liveData("drill") == sites.common)
            try await b.writeLive([(1, 1)], to: "drill")
            #expect(try await a.end(of: transfer.id).state == .succeeded)
            try await a.expectEqual()
            try await b.refused("GW1002", "volume", "clone", "db", "--as", "drill")
            try await b.refused("GW1006", "volume", "clone", "db", "--as", "x", "--generation", "9")
            try await b.expect("volume", "delete", "drill", "--yes")
            try await a.expect("volume", "clone", "db", "--as", "copy")
            #expect(try await a.liveData("copy") == a.liveData())
        }
    }
}
