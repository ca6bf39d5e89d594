// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// Everything that a decision on a series of RecoveryPoints looks at.
struct RecoveryPointFacts: Hashable, Sendable {
    /// One of them.
    struct Point: Hashable, Sendable {
        var name: String
        var spec: RecoveryPointSpec
        /// What was said of it last; nil where nobody has looked yet.
        var available: Condition?
    }

    /// What the storage keeps of a volume.
    enum Kept: Hashable, Sendable {
        case states([VolumeFreeze.Frozen])
        /// There is no such volume.
        case noVolume
        /// The storage does not tell.
        case unknown(VolumeTrouble)
    }

    /// The newest first.
    var points: [Point]
    /// By the names of the volumes.
    var kept: [String: Kept]
    /// Those that an Action is about to show, or shows.
    var inUse: Set<String> = []
    var now: Timestamp
    /// How long ago the last of them came.
    var sinceGrowth: Duration
}

/// What is done about a series of RecoveryPoints.
struct RecoveryPointSteps: Hashable, Sendable {
    /// What is to be said of points, by their names.
    var findings: [String: Finding] = [:]
    /// Points to delete: nothing of what they name is left.
    var deletions: [String] = []
    /// When to look again, without anything having changed.
    var pause: Duration
}

/// Decides about RecoveryPoints: pure, the same for the same facts.
enum RecoveryPointDecision {
    /// How long after a point came it is looked at first: it is written before its states are shown.
    static let settling = Duration.seconds(1)
    /// How soon storage that does not answer is asked again.
    static let troublePause = Duration.seconds(60)
    /// How soon is looked again where nothing has happened.
    static let longPause = Duration.seconds(3_600)
    /// How long a volume must have been away until its points go, in seconds.
    ///
    /// While a machine is down, its agent is not known, and its volumes cannot be told from deleted ones.
    static let absence = 86_400

    private enum Presence: Hashable {
        case kept
        case gone
        case noVolume
        /// Its volume is not as far yet.
        case ahead
        case unknown(VolumeTrouble)
    }

    /// What to do, and when to look again; `jitter`, from 0 up to 1, spreads the looks.
    static func steps(_ facts: RecoveryPointFacts, jitter: Double) -> RecoveryPointSteps {
        var steps = RecoveryPointSteps(pause: Self.longPause * (0.5 + jitter))
        for (index, point) in facts.points.enumerated() {
            let isNewest = index == 0
            let presence = point.spec.volumes.map {
                Self.presence(of: $0, facts.kept[$0.volume] ?? .noVolume, isNewest: isNewest)
            }
            for case .unknown in presence { steps.pause = min(steps.pause, Self.troublePause) }
            if isNewest, presence.contains(.ahead) || presence.contains(.noVolume) {
                // As long again as it has waited: what never comes costs ever less.
                let wait = min(max(facts.sinceGrowth, .seconds(1)), Self.longPause / 2)
                steps.pause = min(steps.pause, wait * 2)
            }
            let isFree = !isNewest && !facts.inUse.contains(point.name)
            if isFree, Self.isOver(point, presence, now: facts.now) {
                steps.deletions.append(point.name)
            } else {
                steps.findings[point.name] = Self.finding(point, presence)
            }
        }
        return steps
    }

    private static func presence(
        of volume: RecoveryPointSpec.Volume,
        _ kept: RecoveryPointFacts.Kept,
        isNewest: Bool
    ) -> Presence {
        switch kept {
        case .unknown(let trouble): return .unknown(trouble)
        case .noVolume: return .noVolume
        case .states(let states):
            if states.contains(where: { $0.snapshot == volume.snapshot }) { return .kept }
            let isAhead = states.allSatisfy { $0.generation < volume.generation }
            return isNewest && isAhead ? .ahead : .gone
        }
    }

    /// Whether nothing is left of it, and that is sure.
    private static func isOver(
        _ point: RecoveryPointFacts.Point,
        _ presence: [Presence],
        now: Timestamp
    ) -> Bool {
        guard !presence.isEmpty, presence.allSatisfy({ $0 == .gone || $0 == .noVolume }) else {
            return false
        }
        guard presence.contains(.noVolume) else { return true }
        guard let known = point.available, known.status == .no,
            let since = Timestamp(known.lastTransitionTime)
        else { return false }
        return now.seconds(since: since) >= Self.absence
    }

    private static func finding(
        _ point: RecoveryPointFacts.Point,
        _ presence: [Presence]
    ) -> Finding? {
        var missing: [String] = []
        var isAhead = false
        var trouble: VolumeTrouble?
        for (volume, presence) in zip(point.spec.volumes, presence) {
            switch presence {
            case .kept: break
            case .gone:
                missing.append("generation \(volume.generation) of volume \(volume.volume)")
            case .noVolume: missing.append("volume \(volume.volume)")
            case .ahead: isAhead = true
            case .unknown(let reason): trouble = trouble ?? reason
            }
        }
        if !missing.isEmpty {
            let reason = presence.contains(.noVolume) ? "VolumeNotFound" : "GenerationGone"
            return Self.available(.no, reason, Self.sentence(missing))
        }
        if let trouble {
            // What was known last is more than nothing.
            guard point.available == nil else { return nil }
            return Self.available(.unknown, trouble.reason.rawValue, "\(trouble)")
        }
        if isAhead {
            return Self.available(
                .unknown,
                "NotShownYet",
                "the volumes do not show it yet: they do together, when all are proven"
            )
        }
        return Self.available(.yes, "Kept", "the generations of all its volumes are kept here")
    }

    private static func sentence(_ missing: [String]) -> String {
        let shown = missing.prefix(3).joined(separator: ", ")
        let more = missing.count > 3 ? " and \(missing.count - 3) more" : ""
        return "not here any more: \(shown)\(more)"
    }

    private static func available(
        _ status: Condition.Status,
        _ reason: String,
        _ message: String
    ) -> Finding {
        Finding(ConditionType.available, status, reason, message)
    }
}
