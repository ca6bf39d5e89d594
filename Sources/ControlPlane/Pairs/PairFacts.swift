// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

extension PairStatus {
    /// Whether it worked once: then a failure is a degradation.
    var wasReady: Bool {
        switch self {
        case .ready, .degraded: true
        case .initial, .pending, .error, .deleting, .notProvided: false
        }
    }
}

/// What a ClusterPair asks for, with its secrets read.
struct PairWish: Hashable, Sendable {
    /// The storage half.
    enum Storage: Hashable, Sendable {
        /// There is no token: volumes are not moved over this pair.
        case notWanted
        /// What is asked for cannot be tried.
        case unusable(Trouble)
        case paired(StoragePairRequest)
    }

    /// The half of the API server.
    enum Scheduler: Hashable, Sendable {
        /// There is no kubeconfig.
        case notWanted
        case unusable(Trouble)
        /// A kubeconfig.
        case reached(JSON)
    }

    var storage: Storage
    var scheduler: Scheduler
}

/// Everything that a decision on a ClusterPair looks at.
struct PairFacts: Hashable, Sendable {
    var isBeingDeleted = false
    var hasFinalizer = true
    var storage: PairStatus = .initial
    var scheduler: PairStatus = .initial
    /// The identity of the remote storage, once there is one.
    var remote: String?
    /// Whether another ClusterPair that is not being deleted has the same remote storage.
    var isRemoteShared = false
    var wish: PairWish
    var memory = PairMemory()
}

/// What a controller remembers of a ClusterPair while it runs.
///
/// Lost with the process: then both halves are looked at once more.
struct PairMemory: Hashable, Sendable {
    /// What was asked for when the halves were looked at.
    var wish: PairWish?
    /// When each half is to be looked at again.
    var storageDue: Timestamp?
    var schedulerDue: Timestamp?
    /// How often each half has failed in a row.
    var storageFailures = 0
    var schedulerFailures = 0
}

/// What is asked of the other side.
enum PairProbe: Hashable, Sendable {
    case pairStorage(StoragePairRequest)
    /// Whether what was paired still works; where the local storage has lost the pair, it pairs again.
    case checkStorage(remote: String, StoragePairRequest)
    case askVersion(JSON)
}

/// What a controller does about a ClusterPair.
enum PairStep: Hashable, Sendable {
    /// Keeps the object until the remote storage is told of its end.
    case addFinalizer
    /// Ends the pair of the storage where one is named, then lets the object go.
    case release(unpairing: String?)
    /// Asks, and writes what was answered.
    case probe([PairProbe])
    /// Nothing is due for so many seconds.
    case rest(seconds: Int)
}
