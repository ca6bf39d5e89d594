// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// Whom a kill hits.
enum Victim: String, CaseIterable, Sendable {
    case source
    case destination
    case bothSides
    case sourceAgent
    case destinationAgent

    var isAgent: Bool {
        switch self {
        case .source, .destination, .bothSides: false
        case .sourceAgent, .destinationAgent: true
        }
    }
}

/// Moments in the life of a Migration, in their order.
enum Moment: Int, CaseIterable, Comparable, Sendable {
    case pairIsNew
    case pairIsHeld
    case migrationIsNew
    case migrationIsHeld
    case volumesArePending
    case volumesAreListed
    case aVolumeIsThere
    case moreVolumesAreThere
    case applicationsBegin
    case anObjectIsThere
    case halfOfTheObjects
    case nearlyAllObjects
    case migrationIsOver
    case whileDeleting

    static func < (first: Self, second: Self) -> Bool { first.rawValue < second.rawValue }

    /// How far a ClusterPair is.
    static func of(pair: KubeObject) -> Self {
        pair.finalizers.isEmpty ? .pairIsNew : .pairIsHeld
    }

    /// How far a Migration is.
    static func of(migration: KubeObject) -> Self {
        let status = MigrationStatus(migration["status"])
        switch status.stage {
        case .initial, .preExecRule, .postExecRule:
            return migration.finalizers.isEmpty ? .migrationIsNew : .migrationIsHeld
        case .volumes:
            guard !status.volumes.isEmpty else { return .volumesArePending }
            switch status.volumesDone {
            case 0: return .volumesAreListed
            case 1: return .aVolumeIsThere
            case _: return .moreVolumesAreThere
            }
        case .applications: return .applicationsBegin
        case .final: return .migrationIsOver
        }
    }
}

/// One kill.
struct Kill: Sendable, CustomStringConvertible {
    let victim: Victim
    let moment: Moment

    var description: String { "\(self.victim) at \(self.moment)" }
}

/// What happens to the Migration of one namespace on its way.
struct KillPlan: Sendable, CustomStringConvertible {
    var kills: [Kill] = []
    /// Whether the Migration is deleted once its volumes are listed, and then made again.
    var isDeletedOnce = false

    static let calm = KillPlan()

    /// Draws so many kills.
    init(_ count: Int, using generator: inout some RandomNumberGenerator) {
        for _ in 0..<count {
            let moment = Moment.allCases.randomElement(using: &generator) ?? .migrationIsNew
            let victim = Victim.allCases.randomElement(using: &generator) ?? .source
            self.kills.append(Kill(victim: victim, moment: moment))
        }
        self.kills.sort { $0.moment < $1.moment }
        self.isDeletedOnce = Int.random(in: 0..<3, using: &generator) == 0
    }

    private init() {}

    var killsAgents: Bool { self.kills.contains { $0.victim.isAgent } }

    var description: String {
        let words = self.kills.map(\.description).joined(separator: ", ")
        return "[\(words)]" + (self.isDeletedOnce ? " and deleted once" : "")
    }
}
