// SPDX-License-Identifier: Apache-2.0

import AgentAPI

extension VolumeTrouble {
    /// What an agent's failure means to a Migration.
    init(_ error: APIError, at place: String) {
        let (reason, isPassing) = Self.meaning(of: error)
        let cause = error.cause.map { " (\($0))" } ?? ""
        let words =
            switch reason {
            case .agentUnreachable: "The agent at \(place) does not answer: "
            case .destinationUnreachable where !error.message.contains("does not answer"):
                "the destination does not answer: "
            case .destinationUnreachable, .tokenRefused, .pairRevoked, .notPaired,
                .certificateInvalid, .certificateExpired, .volumeNotFound, .volumeInUse,
                .activeElsewhere, .fenced, .notFenced, .noSpace, .invalid, .failed, .interrupted:
                ""
            }
        self.init(
            reason,
            "\(words)\(error.message)\(cause) [\(error.id.rawValue)]",
            remedy: Self.remedy(of: error.id) ?? error.try,
            isPassing: isPassing
        )
    }

    /// What to do where the agent's own advice is for who typed a command at it; nil for that advice.
    private static func remedy(of id: ErrorID) -> String? {
        switch id {
        case .peerUnreachable:
            "check that godwit-agent runs at the destination, and that its ports 9001 and 9010 are "
                + "open"
        case .noSpace: "free space in the destination's pool, or make it larger"
        case .lineageForked:
            "the destination has another volume of this name: godwit volume delete it there, or "
                + "rename one of them; then migrate again"
        case .transferCancelled:
            "migrate again; but where a failover at the destination has ended it (godwit get failover, "
                + "there), fail back"
        case .volumeInUse: "wait for what uses it, or end that: godwit transfer list, on both sides"
        case .peerNotTrusted, .pairRevoked:
            "give the ClusterPair a new token: godwit cluster token reset, at the destination"
        case _: nil
        }
    }

    private static func meaning(of error: APIError) -> (Reason, isPassing: Bool) {
        switch error.id {
        case .agentUnreachable, .draining, .waitTimedOut, .socketNotAllowed:
            (.agentUnreachable, true)
        case .peerUnreachable, .peerFailed: (.destinationUnreachable, true)
        case .pairingRefused: (.tokenRefused, false)
        // The destination lets nobody in for a minute: the token itself may be right by then.
        case .pairingLimited: (.tokenRefused, true)
        case .pairRevoked: (.pairRevoked, false)
        case .pairNotFound: (.notPaired, false)
        case .peerNotTrusted: (.certificateInvalid, false)
        case .pairExpired: (.certificateExpired, true)
        case .volumeNotFound, .notASource: (.volumeNotFound, false)
        case .volumeInUse, .cannotFreeze, .lineageForked, .shrinkNotAllowed:
            (.volumeInUse, false)
        case .volumeActiveElsewhere: (.activeElsewhere, false)
        case .volumeFenced: (.fenced, false)
        case .volumeNotFenced: (.notFenced, true)
        // Until the other group has ended.
        case .groupConflict: (.volumeInUse, true)
        case .noSpace: (.noSpace, false)
        case .invalidRequest, .invalidName: (.invalid, false)
        case .volumeExists, .pairExists, .transferNotFound, .generationNotFound, .fileExists,
            .transferEnded, .pairInUse, .transferExists, .unknownRoute, .fileNotReadable,
            .needsConfirmation, .transferFailed, .transferPartial, .transferCancelled,
            .contentsDiffer, .failedDemo, .transferRefused, .storeFailed, .stateDamaged,
            .invalidConfiguration, .poolInUse, .addressInUse, .poolNotWritable, .poolNewer,
            .groupNotFound, .groupNotPrepared, .groupEnded, .peerOutdated, .cannotRevert,
            .notAReplica:
            (.failed, false)
        // No agent says these: they are the command line's, about clusters.
        case .clusterUnreachable, .objectNotFound, .objectExists, .objectConflict, .clusterDenied,
            .objectInvalid, .clusterFailed, .invalidKubeconfig, .invalidManifest,
            .migrationFailed, .migrationPartial, .checkFailed, .notReady, .objectInUse,
            .actionFailed:
            (.failed, false)
        case .detached: (.interrupted, true)
        case .agentFailed, .catalogueFailed: (.failed, true)
        }
    }
}
