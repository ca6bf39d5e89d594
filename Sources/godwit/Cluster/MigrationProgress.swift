// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Kinds
import ObjectModel

/// What a line about a running Migration says; pure, for tests.
struct MigrationProgress: Equatable {
    /// What a person waits for next; a change of it is always worth a line.
    let phase: String
    let rest: String
    /// Of the bytes; nil before they are known.
    let percent: Int?
    /// What is in its way, a change of which is worth a line too; nil while it gets on.
    let trouble: String?

    init(_ migration: KubeObject, now: Timestamp) {
        let facts = MigrationFacts(migration)
        let words = [facts.status.stage.rawValue, facts.status.status.rawValue]
            .filter { !$0.isEmpty }
        self.phase = words.isEmpty ? "Waiting" : words.joined(separator: " ")
        var parts = ["volumes \(facts.volumes)"]
        let (done, total) = Self.bytes(of: facts.status.volumes)
        if total > 0 {
            let percent = Int(Double(done) / Double(total) * 100)
            self.percent = percent
            parts.append("\(percent)%")
            parts.append("\(ByteSize.text(of: done))/\(ByteSize.text(of: total))")
        } else {
            self.percent = nil
        }
        parts.append("resources \(facts.resources)")
        if let created = facts.created {
            parts.append(GoDuration.text(max(0, now.seconds(since: created))))
        }
        // Until a stage is reached, why it is not is all there is to say.
        let isHeldUp = facts.status.stage == .initial || Self.isHeldUp(facts.status)
        self.trouble = isHeldUp && !facts.message.isEmpty ? facts.message : nil
        if let trouble = self.trouble { parts.append(trouble) }
        self.rest = parts.joined(separator: "  ")
    }

    /// Reasons of a Migration that gets on.
    private static let goingOn: Set<String> = [
        "", "CopyingVolumes", "ApplyingResources", "InProgress",
    ]

    private static func isHeldUp(_ status: MigrationStatus) -> Bool {
        guard !status.isFinal, let condition = status.conditions["Succeeded"] else { return false }
        return !Self.goingOn.contains(condition.reason)
    }

    /// Of all volumes together; the numbers come from an object that anybody may have written.
    private static func bytes(of volumes: [MigratedVolume]) -> (done: UInt64, total: UInt64) {
        var sum: (done: UInt64, total: UInt64) = (0, 0)
        for volume in volumes {
            let total = UInt64(max(0, volume.bytesTotal ?? 0))
            let done =
                volume.status == .successful ? total : UInt64(max(0, volume.bytesDone ?? 0))
            let (newTotal, isTooMuch) = sum.total.addingReportingOverflow(total)
            if isTooMuch { break }
            // Never more than there is, so that it cannot be too much either.
            sum = (sum.done + min(done, total), newTotal)
        }
        return sum
    }
}
