// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// A target that was offered and is not committed yet: its snapshot is kept for resumption (P5).
public struct PendingTarget: Hashable, Sendable {
    /// The number of the generation.
    public var number: GenerationNumber
    /// The frozen view that is read.
    public var snapshot: SnapshotID
    /// The size of the view.
    public var size: ByteCount
    /// How it was offered; a stage continues only in the same mode.
    public var mode: TransferMode
    /// Why it was offered in full, in the sender's words; nil for an incremental.
    public var reason: String?

    /// A pending target of all its parts.
    public init(
        number: GenerationNumber,
        snapshot: SnapshotID,
        size: ByteCount,
        mode: TransferMode,
        reason: String?
    ) {
        self.number = number
        self.snapshot = snapshot
        self.size = size
        self.mode = mode
        self.reason = reason
    }
}

/// One run that came to an end, as it is remembered.
public struct RunRecord: Codable, Hashable, Sendable {
    /// Seconds since 1970 in UTC.
    public var finishedAt: UInt64
    /// `committed`, or the code of the error.
    public var outcome: String
    /// `full`, `incremental` or `none`; nil where the run did not get so far.
    public var mode: String?
    /// What the destination showed afterwards; nil where the run did not get so far.
    public var targetGeneration: UInt64?
    /// Bytes shipped as data, before compression.
    public var changedBytes: UInt64
    /// Bytes of all connections, both directions.
    public var wireBytes: UInt64
    /// From the start of the run to its end.
    public var seconds: Double
    /// Bytes in leaves at new addresses that were compared with the base; nil where none were.
    public var comparedBytes: UInt64?
    /// Those of them that were equal.
    public var equalBytes: UInt64?

    /// A run of all its parts.
    public init(
        finishedAt: UInt64,
        outcome: String,
        mode: String?,
        targetGeneration: UInt64?,
        changedBytes: UInt64,
        wireBytes: UInt64,
        seconds: Double,
        comparedBytes: UInt64? = nil,
        equalBytes: UInt64? = nil
    ) {
        self.finishedAt = finishedAt
        self.outcome = outcome
        self.mode = mode
        self.targetGeneration = targetGeneration
        self.changedBytes = changedBytes
        self.wireBytes = wireBytes
        self.seconds = seconds
        self.comparedBytes = comparedBytes
        self.equalBytes = equalBytes
    }
}

/// What a source volume knows of one pair: the record of `pairs/<cluster>.json`.
///
/// Holds: `committed` is a generation that the destination said it shows; nothing it needs is
/// released before a later one is recorded here.
public struct PairRecord: StateRecord, Hashable {
    /// The version of the form of the file.
    public static let format = 1

    /// The destination cluster.
    public var pair: ClusterID
    /// The last generation that the destination committed: the base of the next run.
    public var committed: Generation?
    /// What is on its way.
    public var pending: PendingTarget?
    /// Runs that ended in a commit, for the cadence.
    public var successfulRuns: UInt64
    /// The last runs, newest first.
    public var runs: [RunRecord]

    /// What a volume knows of a pair it was never sent to.
    public init(pair: ClusterID) {
        self.pair = pair
        self.successfulRuns = 0
        self.runs = []
    }
}

extension PairRecord: Codable {
    private enum Keys: String, CodingKey {
        case pair
        case committed
        case pending
        case successfulRuns
        case runs
    }

    /// The form in the file.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        self.pair = try values.decode(ClusterID.self, forKey: .pair)
        self.committed =
            try values.decodeIfPresent(GenerationRecord.self, forKey: .committed)?.generation
        self.pending = try values.decodeIfPresent(PendingTarget.self, forKey: .pending)
        self.successfulRuns = try values.decode(UInt64.self, forKey: .successfulRuns)
        self.runs = try values.decode([RunRecord].self, forKey: .runs)
    }

    /// The form in the file.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(self.pair, forKey: .pair)
        let committed = self.committed.map { GenerationRecord($0, algorithm: .ph128) }
        try values.encodeIfPresent(committed, forKey: .committed)
        try values.encodeIfPresent(self.pending, forKey: .pending)
        try values.encode(self.successfulRuns, forKey: .successfulRuns)
        try values.encode(self.runs, forKey: .runs)
    }
}

extension PendingTarget: Codable {
    private enum Keys: String, CodingKey {
        case number
        case snapshot
        case size
        case mode
        case reason
    }

    /// The form in the file.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        self.init(
            number: try values.decode(GenerationNumber.self, forKey: .number),
            snapshot: try values.decode(SnapshotID.self, forKey: .snapshot),
            size: try values.size(forKey: .size),
            mode: try values.mode(forKey: .mode),
            reason: try values.decodeIfPresent(String.self, forKey: .reason)
        )
    }

    /// The form in the file.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(self.number, forKey: .number)
        try values.encode(self.snapshot, forKey: .snapshot)
        try values.encode(self.size.bytes, forKey: .size)
        try values.encode(self.mode.recordName, forKey: .mode)
        try values.encodeIfPresent(self.reason, forKey: .reason)
    }
}
