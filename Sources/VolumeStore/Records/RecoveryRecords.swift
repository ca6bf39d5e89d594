// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// What a promoted volume was forked from: part of `volume.json` of a source.
///
/// Holds: the bytes of `generation` in the volume's own lineage, with `root`, are those of
/// generation `generation` of `lineage` with `formerRoot`: both roots were computed from the same
/// leaf digests (docs/decisions/0021-a-fork-keeps-its-key.md).
public struct ForkRecord: Codable, Hashable, Sendable {
    /// The history that went on elsewhere, or ended.
    public var lineage: LineageID
    /// The cluster whose replica this was.
    public var owner: ClusterID
    /// The generation that was made writable.
    public var number: GenerationNumber
    /// Its frozen view.
    public var snapshot: SnapshotID
    /// Its size.
    public var size: ByteCount
    /// Its root in the former history.
    public var formerRoot: RootDigest
    /// The root of the same bytes in this one.
    public var root: RootDigest
    /// When it was promoted, in seconds since 1970 in UTC.
    public var promotedAt: UInt64
    /// When the bytes of the live file were last changed before, in nanoseconds since 1970.
    ///
    /// Says whether anybody has written it since; nil for a device.
    public var liveModified: Int64?
    /// The former owner was asked to become a replica of this volume, and did not refuse.
    ///
    /// The way back to what this was is closed then.
    public var askedTakeOver: Bool

    /// The generation as the former owner knows it.
    public func former(of volume: VolumeID) -> Generation {
        Generation(
            volume: volume,
            lineage: self.lineage,
            number: self.number,
            snapshot: self.snapshot,
            size: self.size,
            root: self.formerRoot
        )
    }

    private enum CodingKeys: String, CodingKey {
        case lineage
        case owner
        case number
        case snapshot
        case size
        case formerRoot
        case root
        case promotedAt
        case liveModified
        case askedTakeOver
    }
}

extension ForkRecord {
    /// The form in the file.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            lineage: try values.decode(LineageID.self, forKey: .lineage),
            owner: try values.decode(ClusterID.self, forKey: .owner),
            number: try values.decode(GenerationNumber.self, forKey: .number),
            snapshot: try values.decode(SnapshotID.self, forKey: .snapshot),
            size: try values.size(forKey: .size),
            formerRoot: try values.root(forKey: .formerRoot),
            root: try values.root(forKey: .root),
            promotedAt: try values.decode(UInt64.self, forKey: .promotedAt),
            liveModified: try values.decodeIfPresent(Int64.self, forKey: .liveModified),
            askedTakeOver: try values.decode(Bool.self, forKey: .askedTakeOver)
        )
    }

    /// The form in the file.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(self.lineage, forKey: .lineage)
        try values.encode(self.owner, forKey: .owner)
        try values.encode(self.number, forKey: .number)
        try values.encode(self.snapshot, forKey: .snapshot)
        try values.encode(self.size.bytes, forKey: .size)
        try values.encode(self.formerRoot.description, forKey: .formerRoot)
        try values.encode(self.root.description, forKey: .root)
        try values.encode(self.promotedAt, forKey: .promotedAt)
        try values.encodeIfPresent(self.liveModified, forKey: .liveModified)
        try values.encode(self.askedTakeOver, forKey: .askedTakeOver)
    }
}

/// How a replica that was a source before came to be one: part of `volume.json` of a replica.
public struct TakeOverRecord: Codable, Hashable, Sendable {
    /// Whether its bytes were those of the common generation at once.
    public var isExact: Bool
    /// Whether the digests that it began with are those of the common generation.
    public var hasCommonDigests: Bool
    /// The leaves that were written here after the common generation; nil where nobody compared.
    public var lostLeaves: UInt64?
    /// The name of the volume that keeps what was written; nil where nothing was kept.
    public var savedAs: String?
    /// When it was taken over, in seconds since 1970 in UTC.
    public var at: UInt64
}

/// What a source was copied from: part of its `volume.json`.
public struct CopyRecord: Codable, Hashable, Sendable {
    /// The name of the volume that was copied.
    public var name: String
    /// Its identity, in hexadecimal digits.
    public var volume: String
    /// The generation that was copied; nil for what the volume held then.
    public var generation: UInt64?
    /// The root that was computed again from the copy; nil where nobody asked.
    public var verifiedRoot: String?
    /// With what a failback did not keep: the lineage that went on; nil for any other copy.
    public var failbackTo: String?
    /// With what a failback did not keep: the leaves that differ from the common generation.
    public var lostLeaves: UInt64?

    /// A copy of all its parts.
    public init(
        name: String,
        volume: VolumeID,
        generation: UInt64?,
        verifiedRoot: RootDigest? = nil,
        failbackTo: LineageID? = nil,
        lostLeaves: UInt64? = nil
    ) {
        self.name = name
        self.volume = volume.description
        self.generation = generation
        self.verifiedRoot = verifiedRoot?.description
        self.failbackTo = failbackTo?.description
        self.lostLeaves = lostLeaves
    }
}

/// That a source is not replicated, and for whom: the record of `fence.json`.
public struct FenceRecord: StateRecord, Hashable {
    /// The version of the form of the file.
    public static let format = 1

    /// The cluster for which it was fenced, as the one who fenced it called it; nil for nobody.
    public var by: String?
    /// When it was fenced, in seconds since 1970 in UTC.
    public var since: UInt64
}
