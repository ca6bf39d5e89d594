// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// Everything that a decision on a Migration looks at.
struct MigrationFacts: Hashable, Sendable {
    /// The pair that the Migration names, as far as it matters.
    struct Pair: Hashable, Sendable {
        var name: String
        var storage: PairStatus
        var scheduler: PairStatus
        /// Why a half is not Ready, from its condition.
        var storageMessage = ""
        var schedulerMessage = ""
        var remote: String?
    }

    /// The ResourceTransformation that the Migration names.
    enum Transformation: Hashable, Sendable {
        case none
        case tooMany
        case missing(String)
        case notReady(String, status: String)
        case ready(String)
    }

    /// A Rule that the Migration names.
    enum NamedRule: Hashable, Sendable {
        case none
        /// There is none of the name, or it cannot be run; and why.
        case unusable(String, why: String)
        case ready(Rule)

        var isNamed: Bool { self != .none }
    }

    /// What the volumes in the status are, taken together.
    struct Volumes: Hashable, Sendable {
        /// Whether the list was written and the copies were begun; it may be empty.
        var areListed = false
        var total = 0
        var successful = 0
        /// The first that failed: which claim, and why.
        var failure: Trouble?
        var failed = 0
    }

    var stage: MigrationStage = .initial
    var state: MigrationState = .initial
    var isBeingDeleted = false
    var hasFinalizer = true

    /// Where the Migration lives.
    var namespace: String
    var adminNamespace = "kube-system"
    /// Those of the names and selectors that exist, and those that do not.
    var namespaces: [String] = []
    var missingNamespaces: [String] = []

    var clusterPair: String
    /// Nil where there is no object of the name, or only one that is being deleted.
    var pair: Pair?
    var adminClusterPair = ""
    var adminPair: Pair?

    var includeVolumes = true
    var includeResources = true
    var skipDeletedNamespaces = true
    var preRule = NamedRule.none
    var postRule = NamedRule.none
    /// Whether the pre rule has run in this look, and what it holds is held.
    var isQuiesced = false
    /// Whether background commands are noted that this look did not begin.
    var hasLeftCommands = false
    var transformation = Transformation.none
    var volumes = Volumes()
}

/// What a controller does next about a Migration; one step at a time, each written before the next.
enum MigrationStep: Hashable, Sendable {
    /// It is at its end.
    case nothing
    /// Keeps the object until its copies are cancelled.
    case addFinalizer
    /// Cancels the copies that run where that is asked for, then lets the object go.
    case release(cancelling: Bool)
    /// Nothing can be done now: the stage stays, the condition and an event say why.
    case wait(Trouble)
    /// The end, without success.
    case fail(Trouble)
    /// Cancels the copies that run; then the end, without success.
    case failCancelling(Trouble)
    /// Writes a stage and goes on.
    case enter(MigrationStage, MigrationState)
    /// Ends what a process that is gone has left running in pods.
    case endLeftCommands
    /// Runs the pre rule; what it holds is held for the steps that follow in this look.
    case runPreRule(Rule)
    /// Ends what is held and goes back to the beginning, so that the pre rule runs again.
    case startOver(Trouble)
    /// Selects the volumes, lists them in the status, begins their copies, and ends what is held.
    /// Then the post rule.
    case startVolumes
    /// Ends what is held, then runs the post rule: there are no volumes.
    case skipVolumes
    /// Asks how far the copies are.
    case followVolumes
    /// Moves the objects; `volumesOnly` for PersistentVolumes and claims alone.
    case applyResources(volumesOnly: Bool)

    /// Whether it leads to something new at the destination.
    var changesDestination: Bool {
        switch self {
        case .runPreRule, .startVolumes, .applyResources: true
        case .nothing, .addFinalizer, .release, .wait, .fail, .failCancelling, .enter,
            .endLeftCommands, .startOver, .skipVolumes, .followVolumes:
            false
        }
    }
}
