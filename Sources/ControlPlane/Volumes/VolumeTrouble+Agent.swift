// SPDX-License-Identifier: Apache-2.0

import AgentAPI

extension VolumeTrouble {
    /// What an agent's failure means to a Migration.
    init(_ error: APIError, at place: String) {
        let (reason, isPassing) = Self.meaning(of: error)
        let cause = error.cause.map { " (\($0))" } ?? ""
        let words = reason == .agentUnreachable ? "The agent at \(place) does not answer: " : ""
        self.init(
            reason,
            "\(words)\(error.message)\(cause) [\(error.id.rawValue)]",
            remedy: error.try,
            isPassing: isPassing
        )
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
        case .volumeNotFound, .notASource: (.volumeNotFound, false)
        case .volumeInUse, .cannotFreeze, .lineageForked, .shrinkNotAllowed:
            (.volumeInUse, false)
        case .noSpace: (.noSpace, false)
        case .invalidRequest, .invalidName: (.invalid, false)
        case .volumeExists, .pairExists, .transferNotFound, .generationNotFound, .fileExists,
            .transferEnded, .pairInUse, .transferExists, .unknownRoute, .fileNotReadable,
            .needsConfirmation, .transferFailed, .transferPartial, .transferCancelled,
            .contentsDiffer, .failedDemo, .transferRefused, .storeFailed, .stateDamaged,
            .invalidConfiguration, .poolInUse, .addressInUse, .poolNotWritable, .poolNewer:
            (.failed, false)
        // No agent says these: they are the command line's, about clusters.
        case .clusterUnreachable, .objectNotFound, .objectExists, .objectConflict, .clusterDenied,
            .objectInvalid, .clusterFailed, .invalidKubeconfig, .invalidManifest,
            .migrationFailed, .migrationPartial, .checkFailed, .notReady:
            (.failed, false)
        case .detached: (.interrupted, true)
        case .agentFailed, .catalogueFailed: (.failed, true)
        }
    }
}
