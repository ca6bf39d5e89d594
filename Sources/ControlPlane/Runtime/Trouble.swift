// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// What keeps an object from its goal, as its condition, its event and its status say it.
struct Trouble: Error, Hashable, Sendable {
    /// The reason of a condition: one word for each thing that a person does about it.
    ///
    /// docs/controllers.md lists them with what to do.
    enum Reason: String, Hashable, Sendable, CaseIterable {
        // What the object itself asks for.
        case clusterPairMissing = "ClusterPairMissing"
        case clusterPairNotFound = "ClusterPairNotFound"
        case clusterPairNotReady = "ClusterPairNotReady"
        case namespaceNotAllowed = "NamespaceNotAllowed"
        case noNamespace = "NoNamespace"
        case namespaceNotFound = "NamespaceNotFound"
        case ruleNotFound = "RuleNotFound"
        case ruleFailed = "RuleFailed"
        case transformationNotReady = "TransformationNotReady"
        case invalidOptions = "InvalidOptions"
        case secretNotFound = "SecretNotFound"
        case policyNotFound = "PolicyNotFound"
        case policyInvalid = "PolicyInvalid"
        // The other side.
        case destinationUnreachable = "DestinationUnreachable"
        case certificateInvalid = "CertificateInvalid"
        case credentialsRefused = "CredentialsRefused"
        case notAllowed = "NotAllowed"
        case kindMissing = "KindMissing"
        case resourceRejected = "ResourceRejected"
        case resourceWaiting = "ResourceWaiting"
        case scheduleNameTaken = "ScheduleNameTaken"
        case applicationsActive = "ApplicationsActive"
        case clusterFailed = "ClusterFailed"
        // Storage.
        case agentUnreachable = "AgentUnreachable"
        case tokenRefused = "TokenRefused"
        case pairRevoked = "PairRevoked"
        case notPaired = "NotPaired"
        case volumeNotFound = "VolumeNotFound"
        case volumeInUse = "VolumeInUse"
        case volumeActiveElsewhere = "VolumeActiveElsewhere"
        case volumeFenced = "VolumeFenced"
        case volumeNotFenced = "VolumeNotFenced"
        case volumeGroupFailed = "VolumeGroupFailed"
        case noSpace = "NoSpace"
        case volumeFailed = "VolumeFailed"
        case cancelled = "Cancelled"
        // Failover.
        case scheduleNotFound = "ScheduleNotFound"
        case alreadyActive = "AlreadyActive"
        case noRecoveryPoint = "NoRecoveryPoint"
        case migrationNotCurrent = "MigrationNotCurrent"
        case lastMileFailed = "LastMileFailed"
        case timedOut = "TimedOut"
    }

    /// For programs.
    let reason: Reason
    /// What happened, with the names.
    let message: String
    /// What to do next.
    let remedy: String?
    /// Whether trying again can help without anybody changing anything.
    let isPassing: Bool

    init(_ reason: Reason, _ message: String, remedy: String? = nil, isPassing: Bool = true) {
        self.reason = reason
        self.message = message
        self.remedy = remedy
        self.isPassing = isPassing
    }

    /// The message of a condition or an event.
    var text: String { self.message + (self.remedy.map { " Try: \($0)" } ?? "") }

    /// The same with something to do, where nothing better is known.
    func withRemedy(_ remedy: String) -> Self {
        Self(
            self.reason,
            self.message,
            remedy: self.remedy ?? remedy,
            isPassing: self.isPassing
        )
    }
}

extension Trouble.Reason {
    /// Whether nobody answered: nothing was refused, and asking again soon does no harm.
    var isSilence: Bool {
        switch self {
        case .destinationUnreachable, .agentUnreachable: true
        case .clusterPairMissing, .clusterPairNotFound, .clusterPairNotReady, .namespaceNotAllowed,
            .noNamespace, .namespaceNotFound, .ruleNotFound, .ruleFailed, .transformationNotReady,
            .invalidOptions, .secretNotFound, .certificateInvalid, .credentialsRefused, .notAllowed,
            .kindMissing, .resourceRejected, .resourceWaiting, .clusterFailed, .tokenRefused,
            .pairRevoked, .notPaired, .volumeNotFound, .volumeInUse, .volumeActiveElsewhere,
            .volumeFenced, .volumeNotFenced, .volumeGroupFailed, .noSpace, .volumeFailed,
            .cancelled, .scheduleNotFound, .alreadyActive, .noRecoveryPoint,
            .migrationNotCurrent, .lastMileFailed, .timedOut, .policyNotFound, .policyInvalid,
            .scheduleNameTaken, .applicationsActive:
            false
        }
    }

    /// Whether it casts doubt on the pair, which is then looked at at once instead of within a
    /// minute.
    var castsDoubtOnPair: Bool {
        switch self {
        case .destinationUnreachable, .agentUnreachable, .certificateInvalid, .credentialsRefused,
            .tokenRefused, .pairRevoked, .notPaired:
            true
        case .clusterPairMissing, .clusterPairNotFound, .clusterPairNotReady, .namespaceNotAllowed,
            .noNamespace, .namespaceNotFound, .ruleNotFound, .ruleFailed, .transformationNotReady,
            .invalidOptions, .secretNotFound, .notAllowed, .kindMissing, .resourceRejected,
            .resourceWaiting, .clusterFailed, .volumeNotFound, .volumeInUse,
            .volumeActiveElsewhere, .volumeFenced, .volumeNotFenced, .volumeGroupFailed, .noSpace,
            .volumeFailed, .cancelled, .scheduleNotFound, .alreadyActive, .noRecoveryPoint,
            .migrationNotCurrent, .lastMileFailed, .timedOut, .policyNotFound, .policyInvalid,
            .scheduleNameTaken,
            .applicationsActive:
            false
        }
    }
}

extension Trouble {
    /// A failure of storage.
    init(_ trouble: VolumeTrouble) {
        let reason: Reason =
            switch trouble.reason {
            case .agentUnreachable: .agentUnreachable
            case .destinationUnreachable: .destinationUnreachable
            case .tokenRefused: .tokenRefused
            case .pairRevoked: .pairRevoked
            case .notPaired: .notPaired
            case .certificateInvalid, .certificateExpired: .certificateInvalid
            case .volumeNotFound: .volumeNotFound
            case .volumeInUse: .volumeInUse
            case .activeElsewhere: .volumeActiveElsewhere
            case .fenced: .volumeFenced
            case .notFenced: .volumeNotFenced
            case .noSpace: .noSpace
            case .invalid: .invalidOptions
            case .failed: .volumeFailed
            case .interrupted: .cancelled
            }
        self.init(
            reason,
            trouble.message,
            remedy: trouble.remedy,
            isPassing: trouble.isPassing
        )
    }
}

/// An event that a decision asks for; the shell records it.
struct Notice: Hashable, Sendable {
    /// Whether something is wrong.
    var isWarning: Bool
    /// One word, as Stork has it: the status that was reached.
    var reason: String
    /// One sentence.
    var message: String

    static func normal(_ reason: String, _ message: String) -> Self {
        Self(isWarning: false, reason: reason, message: message)
    }

    static func warning(_ reason: String, _ message: String) -> Self {
        Self(isWarning: true, reason: reason, message: message)
    }
}
