// SPDX-License-Identifier: Apache-2.0

public import KubernetesClient
public import ObjectModel

/// What became of one object at the destination.
public struct ResourceOutcome: Hashable, Sendable {
    /// The words of a Migration's `status.resources[].status`.
    public enum Status: String, Hashable, Sendable {
        case inProgress = "InProgress"
        case successful = "Successful"
        case failed = "Failed"
        case purged = "Purged"
    }

    /// Of the object.
    public var kind: GroupVersionKind
    /// Of the object.
    public var key: ObjectKey
    /// How far it is.
    public var status: Status
    /// A sentence about it, with what to do where it failed.
    public var reason: String
    /// The ResourceTransformation that changed it; empty for none.
    public var transformedBy: String

    /// What became of an object.
    public init(
        _ kind: GroupVersionKind,
        _ key: ObjectKey,
        _ status: Status,
        reason: String,
        transformedBy: String = ""
    ) {
        self.kind = kind
        self.key = key
        self.status = status
        self.reason = reason
        self.transformedBy = transformedBy
    }

    /// The reason of every object that arrived.
    public static let success = "Resource migrated successfully"

    /// The event about it: `apps/v1, Kind=Deployment shop/web: Resource migrated successfully`.
    public var notice: String { "\(self.kind) \(self.key): \(self.reason)" }
}

/// What a pass over the objects of a Migration came to.
public struct ApplyReport: Hashable, Sendable {
    /// One for each object, in the order in which they were given.
    public var outcomes: [ResourceOutcome] = []
    /// What has to happen before another pass goes on; empty where nothing has to.
    public var waiting: [String] = []
    /// Why the destination could not be used: the same pass may succeed later.
    public var interruption: ClusterError?
    /// A volume could not be made, which ends a Migration as failed; nil where all were.
    public var volumeFailure: String?

    /// Whether every object has come to its end, well or not.
    public var isComplete: Bool { self.waiting.isEmpty && self.interruption == nil }
}

/// The bounds of a pass.
public struct ApplyLimits: Hashable, Sendable {
    /// Objects that are written side by side.
    public var concurrency = 4
    /// From how many objects of a kind in a namespace on they are listed instead of read one by one.
    public var listFrom = 8
    /// Steps for one object before it has to wait for the next pass: conflicts, deletions.
    public var steps = 24
    /// Pauses for one object in which something else may happen: it goes, it is bound.
    public var pauses = 10
    /// How long such a pause is.
    public var pause = Duration.milliseconds(100)

    /// The bounds that controllers use.
    public init() {}
}
