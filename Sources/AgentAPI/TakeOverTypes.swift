// SPDX-License-Identifier: Apache-2.0

/// Asks a former source, over a pair's certificate, to become the replica of a promoted volume.
///
/// Carries the lineage's key, which both agents of the pair have: it proves that the one who asks
/// held a replica of the history.
public struct TakeOverRequest: Codable, Sendable {
    /// The history that was forked, 32 hexadecimal digits.
    public let forkedFrom: String
    /// The generation that was made writable.
    public let generation: UInt64
    /// Its snapshot, 32 hexadecimal digits.
    public let snapshot: String
    /// Its size in bytes.
    public let sizeBytes: UInt64
    /// Its root digest in the forked history.
    public let forkedRoot: String
    /// The history from now on, 32 hexadecimal digits.
    public let lineage: String
    /// The root digest of the same bytes in it.
    public let root: String
    /// The key of both histories in hexadecimal digits; never logged.
    public let key: String

    /// A request for one volume.
    public init(
        forkedFrom: String,
        generation: UInt64,
        snapshot: String,
        sizeBytes: UInt64,
        forkedRoot: String,
        lineage: String,
        root: String,
        key: String
    ) {
        self.forkedFrom = forkedFrom
        self.generation = generation
        self.snapshot = snapshot
        self.sizeBytes = sizeBytes
        self.forkedRoot = forkedRoot
        self.lineage = lineage
        self.root = root
        self.key = key
    }
}

/// What a former source has become.
public struct TakeOverAnswer: Codable, Hashable, Sendable {
    /// What the next run finds there.
    public enum State: String, Codable, Hashable, Sendable {
        /// Nothing of this volume: the run is a first one.
        case absent
        /// A replica that shows the common generation, or a later one.
        case ready
        /// A replica whose bytes nobody has proven: the run has to verify.
        case unproven
    }

    /// What the next run finds there.
    public let state: State
    /// How it became that; nil where it was a replica of this history already, or nothing.
    public let takenOver: TakeOverInfo?

    /// The answer to one request.
    public init(_ state: State, takenOver: TakeOverInfo? = nil) {
        self.state = state
        self.takenOver = takenOver
    }
}

extension PeerRoute {
    /// Asks the former source of a promoted volume to become its replica.
    public static func takeOver(volume: String) -> String {
        "\(self.volumes)/\(escaped(volume))/take-over"
    }
}
