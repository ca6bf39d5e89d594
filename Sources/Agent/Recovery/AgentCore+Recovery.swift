// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Logging
import VolumeStore

/// What failover and failback need of several parts of the agent.
extension AgentCore {
    func promote(
        _ name: String,
        _ wanted: VolumePromoteRequest
    ) async throws(APIError) -> VolumeInfo {
        let recovery = self.recovery
        let (volume, isNew) = try await onThread("promote") { () throws(APIError) in
            try recovery.promote(name, wanted)
        }
        if isNew, let from = volume.promotedFrom {
            self.journal.note(
                "VolumePromoted",
                "volume \(volume.name) is a source here now, from generation \(from.generation) "
                    + "of \(from.owner ?? from.cluster)",
                volume: volume.name,
                level: .warning
            )
        }
        return volume
    }

    func revert(_ name: String) async throws(APIError) -> VolumeInfo {
        let recovery = self.recovery
        if case .source(let volume) = try self.volumes.find(name) {
            await self.queue.cancelAll(of: volume.name)
        }
        let (volume, isNew) = try await onThread("revert") { () throws(APIError) in
            try recovery.revert(name)
        }
        if isNew {
            self.journal.note(
                "PromotionReverted",
                "volume \(volume.name) is a replica of \(volume.owner ?? "its owner") again, at "
                    + "generation \(volume.generation?.number ?? 0)",
                volume: volume.name,
                level: .warning
            )
        }
        return volume
    }

    func fence(_ name: String, by cluster: String?) async throws(APIError) -> VolumeInfo {
        let recovery = self.recovery
        let volume = try await onThread("fence") { () throws(APIError) in
            try recovery.fence(name, by: cluster)
        }
        await self.queue.cancelAll(of: volume.name)
        self.journal.note(
            "VolumeFenced",
            "volume \(volume.name) is fenced"
                + (cluster.map { " for \(PlainText.line($0))" } ?? ""),
            volume: volume.name,
            level: .warning
        )
        return volume
    }

    func unfence(_ name: String) async throws(APIError) -> VolumeInfo {
        let recovery = self.recovery
        let volume = try await onThread("unfence") { () throws(APIError) in
            try recovery.unfence(name)
        }
        self.journal.note(
            "VolumeUnfenced",
            "volume \(volume.name) may be replicated again",
            volume: volume.name
        )
        return volume
    }

    func clone(_ name: String, _ wanted: VolumeCloneRequest) async throws(APIError) -> VolumeInfo {
        let recovery = self.recovery
        let volume = try await onThread("clone") { () throws(APIError) in
            try recovery.clone(name, wanted)
        }
        self.journal.note(
            "VolumeCloned",
            "volume \(volume.name) was copied from \(name)",
            volume: volume.name
        )
        return volume
    }

    /// Answers the agent of a promoted volume.
    func takeOver(
        _ id: String,
        _ wanted: TakeOverRequest,
        from source: ClusterID,
        pair: String
    ) async throws(APIError) -> TakeOverAnswer {
        let recovery = self.recovery
        let names = [pair, self.registry.outgoing(source)?.pair.name].compactMap(\.self)
        let (answer, volume) = try await onThread("take-over") { () throws(APIError) in
            try recovery.takeOver(id, wanted, from: source, names: Set(names))
        }
        if let volume {
            self.journal.note(
                "VolumeTakenOver",
                Self.text(answer.takenOver, volume, pair),
                volume: volume,
                pair: pair,
                level: .warning
            )
        }
        return answer
    }

    private static func text(_ taken: TakeOverInfo?, _ volume: String, _ pair: String) -> String {
        let lost: String
        switch taken?.lostLeaves {
        case 0?: lost = "nothing was written here since"
        case let leaves?: lost = "\(leaves) leaves of 64 KiB were written here since"
        case nil: lost = "what was written here since is found by the first run"
        }
        let saved = taken?.savedAs.map { ", kept as volume \($0)" } ?? ""
        return "volume \(volume) is a replica of \(pair) now; \(lost)\(saved)"
    }
}

extension TransferQueue {
    /// Transfers of a volume that may not be sent any more do not go on.
    func cancelAll(of volume: String) {
        for (id, job) in self.jobs where job.entry.volume == volume { _ = try? self.cancel(id) }
    }
}
