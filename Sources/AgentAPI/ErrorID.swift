// SPDX-License-Identifier: Apache-2.0

/// Every failure that a person can meet, with a name that never changes its meaning.
public enum ErrorID: String, Codable, Hashable, Sendable, CaseIterable {
    // 10xx: objects of the agent.
    case volumeNotFound = "GW1001"
    case volumeExists = "GW1002"
    case pairNotFound = "GW1003"
    case pairExists = "GW1004"
    case transferNotFound = "GW1005"
    case generationNotFound = "GW1006"
    case volumeInUse = "GW1007"
    case notASource = "GW1008"
    case fileExists = "GW1009"
    case cannotFreeze = "GW1010"
    case transferEnded = "GW1011"
    case pairInUse = "GW1012"
    case transferExists = "GW1013"
    case groupNotFound = "GW1021"
    case groupConflict = "GW1022"
    case groupNotPrepared = "GW1023"
    case groupEnded = "GW1024"
    case volumeActiveElsewhere = "GW1031"
    case volumeFenced = "GW1032"
    case volumeNotFenced = "GW1033"
    case cannotRevert = "GW1034"
    case notAReplica = "GW1035"
    // 11xx: requests.
    case invalidRequest = "GW1101"
    case unknownRoute = "GW1102"
    case invalidName = "GW1103"
    case fileNotReadable = "GW1104"
    case needsConfirmation = "GW1105"
    // 20xx: peers.
    case peerUnreachable = "GW2001"
    case pairingRefused = "GW2002"
    case pairingLimited = "GW2003"
    case peerNotTrusted = "GW2004"
    case pairRevoked = "GW2005"
    case peerFailed = "GW2006"
    case pairExpired = "GW2007"
    case peerOutdated = "GW2008"
    // 30xx: transfers.
    case transferFailed = "GW3001"
    case transferPartial = "GW3002"
    case transferCancelled = "GW3003"
    case contentsDiffer = "GW3004"
    case detached = "GW3005"
    case waitTimedOut = "GW3006"
    case failedDemo = "GW3010"
    case transferRefused = "GW3007"
    case shrinkNotAllowed = "GW3008"
    case lineageForked = "GW3009"
    // 40xx: the agent itself.
    case agentUnreachable = "GW4001"
    case agentFailed = "GW4002"
    case noSpace = "GW4003"
    case storeFailed = "GW4004"
    case stateDamaged = "GW4005"
    case draining = "GW4006"
    case socketNotAllowed = "GW4007"
    // 50xx: starting an agent.
    case invalidConfiguration = "GW5001"
    case poolInUse = "GW5002"
    case addressInUse = "GW5003"
    case poolNotWritable = "GW5004"
    case poolNewer = "GW5005"
    case catalogueFailed = "GW5006"
    // 60xx: clusters and what moves between them.
    case clusterUnreachable = "GW6001"
    case objectNotFound = "GW6002"
    case objectExists = "GW6003"
    case objectConflict = "GW6004"
    case clusterDenied = "GW6005"
    case objectInvalid = "GW6006"
    case clusterFailed = "GW6007"
    case invalidKubeconfig = "GW6008"
    case invalidManifest = "GW6009"
    case migrationFailed = "GW6010"
    case migrationPartial = "GW6011"
    case checkFailed = "GW6012"
    case notReady = "GW6013"
    case objectInUse = "GW6014"
    case actionFailed = "GW6015"

    /// What a caller does about this failure.
    public var category: ErrorCategory {
        switch self {
        case .volumeNotFound, .pairNotFound, .transferNotFound, .generationNotFound,
            .unknownRoute, .objectNotFound, .groupNotFound:
            .notFound
        case .volumeExists, .pairExists, .volumeInUse, .notASource, .fileExists, .cannotFreeze,
            .transferEnded, .pairInUse, .transferExists, .shrinkNotAllowed, .lineageForked,
            .poolInUse, .volumeActiveElsewhere, .volumeFenced, .volumeNotFenced, .cannotRevert,
            .notAReplica, .addressInUse, .objectExists, .objectConflict, .groupConflict,
            .groupNotPrepared, .groupEnded, .objectInUse:
            .conflict
        case .invalidRequest, .invalidName, .fileNotReadable, .needsConfirmation,
            .objectInvalid, .invalidManifest:
            .usage
        case .peerUnreachable, .agentUnreachable, .draining, .clusterUnreachable: .unreachable
        case .pairingRefused, .pairingLimited, .peerNotTrusted, .pairRevoked, .pairExpired,
            .socketNotAllowed, .clusterDenied:
            .notAllowed
        case .peerFailed, .peerOutdated, .transferFailed, .transferRefused, .agentFailed, .noSpace,
            .storeFailed, .stateDamaged, .catalogueFailed, .transferCancelled, .failedDemo,
            .clusterFailed, .migrationFailed, .checkFailed, .notReady, .actionFailed:
            .failed
        case .transferPartial, .migrationPartial: .partial
        case .contentsDiffer: .different
        case .detached: .interrupted
        case .waitTimedOut: .timedOut
        case .invalidConfiguration, .poolNotWritable, .poolNewer, .invalidKubeconfig:
            .configuration
        }
    }
}
