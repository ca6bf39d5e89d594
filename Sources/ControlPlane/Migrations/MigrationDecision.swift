// SPDX-License-Identifier: Apache-2.0

import Kinds

/// Decides the next step of a Migration: pure, the same for the same facts.
///
/// ```
///  "" ──▶ PreExecRule/… ──▶ Volumes/Pending ──▶ Volumes/InProgress ──▶ Applications/InProgress ──▶ Final/…
///  ▲│           │  ▲               │ │     └── post rule or a volume failed: Final/Failed ───▲
///  ││           ▼  └─ restarted ───┘ │                                                       │
///  │└── failed ◀── pair not ready ────┘                                                       │
///   └── includeVolumes: false ──▶ Applications/InProgress ────────────────────────────────────┘
/// ```
///
/// What is frozen after a pre rule is frozen in the same look: a process that finds a Migration
/// between the two runs the rule again (docs/decisions/0020).
///
/// A step that finds something in its way waits: there is no overall limit, as a Migration that a
/// person has asked for is meant until the person deletes it.
enum MigrationDecision {
    /// What to do now.
    static func step(_ facts: MigrationFacts) -> MigrationStep {
        if facts.hasLeftCommands { return .endLeftCommands }
        if facts.isBeingDeleted { return .release(cancelling: facts.stage != .final) }
        guard facts.stage != .final else { return .nothing }
        guard facts.hasFinalizer else { return .addFinalizer }
        if let trouble = Self.scope(facts) { return .wait(trouble) }
        switch facts.stage {
        case .initial: return Self.begin(facts)
        case .preExecRule: return Self.preRule(facts)
        case .volumes, .postExecRule: return Self.volumes(facts)
        case .applications: return Self.applications(facts)
        case .final: return .nothing
        }
    }

    // MARK: - What holds in every stage

    private static func scope(_ facts: MigrationFacts) -> Trouble? {
        guard !facts.clusterPair.isEmpty else {
            return Trouble(
                .clusterPairMissing,
                "clusterPair to migrate to cannot be empty",
                remedy: "name a ClusterPair of namespace \(facts.namespace) in spec.clusterPair",
                isPassing: false
            )
        }
        guard !facts.namespaces.isEmpty || !facts.missingNamespaces.isEmpty else {
            return Trouble(
                .noNamespace,
                "no valid namespace found based on the provided 'Namespaces' and "
                    + "'NamespaceSelectors'",
                isPassing: false
            )
        }
        return Self.namespaceRule(facts)
    }

    /// Whoever may write in one namespace only must not move another one.
    private static func namespaceRule(_ facts: MigrationFacts) -> Trouble? {
        guard facts.namespace != facts.adminNamespace else { return nil }
        let wanted = Set(facts.namespaces + facts.missingNamespaces)
        guard wanted != [facts.namespace] else { return nil }
        return Trouble(
            .namespaceNotAllowed,
            "migration namespaces should only contain the current namespace",
            remedy: "name \(facts.namespace) alone, or create the Migration in "
                + "\(facts.adminNamespace)",
            isPassing: false
        )
    }

    // MARK: - The stages

    private static func begin(_ facts: MigrationFacts) -> MigrationStep {
        // Where all are missing there is nothing to move, and that is no success.
        let isFatal = !facts.skipDeletedNamespaces || facts.namespaces.isEmpty
        if let missing = facts.missingNamespaces.first, isFatal {
            return .fail(
                Trouble(
                    .namespaceNotFound,
                    "error getting namespace \(missing): namespaces \"\(missing)\" not found",
                    remedy: "name namespaces that exist, or set skipDeletedNamespaces",
                    isPassing: false
                )
            )
        }
        if let trouble = Self.transformation(facts.transformation) ?? Self.missingRule(facts) {
            return .wait(trouble)
        }
        guard facts.preRule.isNamed else { return Self.afterPreRule(facts) }
        // An application is not held for a copy that cannot begin.
        if facts.includeVolumes, let trouble = Self.storageTrouble(facts) { return .wait(trouble) }
        return .enter(.preExecRule, .pending)
    }

    private static func preRule(_ facts: MigrationFacts) -> MigrationStep {
        if let trouble = Self.missingRule(facts) { return .startOver(trouble) }
        guard case .ready(let rule) = facts.preRule, !facts.isQuiesced else {
            return Self.afterPreRule(facts)
        }
        guard facts.state == .inProgress else { return .enter(.preExecRule, .inProgress) }
        return .runPreRule(rule)
    }

    private static func afterPreRule(_ facts: MigrationFacts) -> MigrationStep {
        if facts.includeVolumes { return .enter(.volumes, .pending) }
        return facts.preRule.isNamed || facts.postRule.isNamed
            ? .skipVolumes : .enter(.applications, .inProgress)
    }

    private static func transformation(_ state: MigrationFacts.Transformation) -> Trouble? {
        switch state {
        case .none, .ready: nil
        case .tooMany:
            Trouble(
                .transformationNotReady,
                "providing multiple transformation specs is not supported in this release",
                remedy: "name one ResourceTransformation in spec.transformSpecs",
                isPassing: false
            )
        case .missing(let name):
            Trouble(
                .transformationNotReady,
                "unable to retrieve transformation \(name)",
                remedy: "create it in the Migration's namespace"
            )
        case .notReady(let name, let status):
            Trouble(
                .transformationNotReady,
                "transformation \(name) is not in ready state: \(status)",
                remedy: "kubectl describe resourcetransformation \(name)"
            )
        }
    }

    /// Both are looked for before anything is held or begun.
    private static func missingRule(_ facts: MigrationFacts) -> Trouble? {
        for (rule, purpose) in [(facts.preRule, Rule.Purpose.pre), (facts.postRule, .post)] {
            guard case .unusable(let name, let why) = rule else { continue }
            return Trouble(
                .ruleNotFound,
                "Error getting \(purpose.rawValue) \(name): \(why)",
                remedy: "create or correct Rule \(name) in namespace \(facts.namespace)"
            )
        }
        return nil
    }

    private static func storageTrouble(_ facts: MigrationFacts) -> Trouble? {
        guard let pair = facts.pair else { return Self.noPair(facts.clusterPair, facts) }
        guard pair.storage != .ready else { return nil }
        return Trouble(
            .clusterPairNotReady,
            "Error migrating volumes: cluster pair storage status is not ready. "
                + "Status: \(pair.storage.rawValue) Err: \(pair.storageMessage)",
            remedy: "kubectl describe clusterpair \(pair.name)"
        )
    }

    private static func startVolumes(_ facts: MigrationFacts) -> MigrationStep {
        // A pair that is degraded may be well for one volume; whether it is, its start will tell.
        if let trouble = Self.missingRule(facts) ?? Self.storageTrouble(facts) {
            return facts.preRule.isNamed ? .startOver(trouble) : .wait(trouble)
        }
        guard !facts.preRule.isNamed || facts.isQuiesced else {
            return .enter(.preExecRule, .pending)
        }
        return .startVolumes
    }

    private static func volumes(_ facts: MigrationFacts) -> MigrationStep {
        guard facts.volumes.areListed else { return Self.startVolumes(facts) }
        let isOver = facts.volumes.successful + facts.volumes.failed == facts.volumes.total
        guard facts.pair != nil || isOver && facts.volumes.failed == 0 else {
            return .failCancelling(Self.lostPair(facts))
        }
        guard isOver else { return .followVolumes }
        // Only when all have ended: cancelling the others would lose what they have done.
        if let failure = facts.volumes.failure {
            return .fail(
                Trouble(
                    failure.reason,
                    "\(facts.volumes.failed) of \(facts.volumes.total) volumes failed: "
                        + failure.message,
                    remedy: failure.remedy,
                    isPassing: false
                )
            )
        }
        return .enter(.applications, .inProgress)
    }

    private static func applications(_ facts: MigrationFacts) -> MigrationStep {
        guard facts.includeResources || facts.includeVolumes else {
            return .fail(
                Trouble(
                    .invalidOptions,
                    "neither resources nor volumes are included",
                    remedy: "set includeResources or includeVolumes",
                    isPassing: false
                )
            )
        }
        guard let pair = facts.pair else { return .wait(Self.noPair(facts.clusterPair, facts)) }
        guard pair.scheduler == .ready else { return .wait(Self.schedulerTrouble(pair)) }
        if !facts.adminClusterPair.isEmpty {
            guard let admin = facts.adminPair else {
                return .wait(Self.noPair(facts.adminClusterPair, facts))
            }
            guard admin.scheduler == .ready else { return .wait(Self.schedulerTrouble(admin)) }
        }
        return .applyResources(volumesOnly: !facts.includeResources)
    }

    private static func noPair(_ name: String, _ facts: MigrationFacts) -> Trouble {
        Trouble(
            .clusterPairNotFound,
            "clusterpairs.stork.libopenstorage.org \"\(name)\" not found",
            remedy: "create it on this cluster: godwit generate clusterpair there, apply it here"
        )
    }

    /// The copies went with their pair: another one of the name would find nothing to go on with.
    private static func lostPair(_ facts: MigrationFacts) -> Trouble {
        Trouble(
            .clusterPairNotFound,
            "ClusterPair \(facts.clusterPair) was deleted while volumes were copied: its copies have "
                + "ended",
            remedy: "create it on this cluster, then migrate again: that goes on from what has "
                + "arrived",
            isPassing: false
        )
    }

    static func schedulerTrouble(_ pair: MigrationFacts.Pair) -> Trouble {
        Trouble(
            .clusterPairNotReady,
            "scheduler Cluster pair is not ready. Status: \(pair.scheduler.rawValue) "
                + pair.schedulerMessage,
            remedy: "kubectl describe clusterpair \(pair.name)"
        )
    }
}
