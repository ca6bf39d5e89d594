// SPDX-License-Identifier: Apache-2.0

public import BlockDiff
public import BlockTypes

/// How the bytes of a snapshot were frozen.
public enum SnapshotBacking: String, Codable, Hashable, Sendable {
    /// A reflink clone: shares what did not change with the live volume.
    case clone
    /// A sparse copy, made where there is no reflink.
    case copy
    /// The attached volume itself, which the caller declared frozen.
    case inPlace
}

/// A frozen view of a source: the record of `snapshot.json`.
///
/// Written when the image is durable; `generation.json` and `digests` beside it follow when its
/// root is known. A directory without this record is what a killed freeze left behind.
public struct SnapshotRecord: StateRecord, Hashable {
    /// The version of the form of the file.
    public static let format = 1

    /// The number of the generation that it becomes.
    public var number: GenerationNumber
    /// The identity of the view.
    public var snapshot: SnapshotID
    /// The size when it was frozen.
    public var size: ByteCount
    /// How it was frozen.
    public var backing: SnapshotBacking
    /// Where the image lies; nil once it was released and only the digests are left.
    public var imagePath: String?
    /// What the live file looked like when it was frozen; nil for a device, which has no such marks.
    public var liveStamp: String?
    /// Somebody asked for this snapshot: it is not removed with those that served a transfer.
    public var isPinned: Bool

    /// A snapshot of all its parts.
    public init(
        number: GenerationNumber,
        snapshot: SnapshotID,
        size: ByteCount,
        backing: SnapshotBacking,
        imagePath: String?,
        liveStamp: String?,
        isPinned: Bool
    ) {
        self.number = number
        self.snapshot = snapshot
        self.size = size
        self.backing = backing
        self.imagePath = imagePath
        self.liveStamp = liveStamp
        self.isPinned = isPinned
    }

    /// The directory below `generations/`: number, hyphen, snapshot.
    public var directory: String { "\(self.number.number)-\(self.snapshot)" }
}

extension SnapshotRecord: Codable {
    private enum Keys: String, CodingKey {
        case number
        case snapshot
        case size
        case backing
        case imagePath
        case liveStamp
        case pinned
    }

    /// The form in the file.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        self.init(
            number: try values.decode(GenerationNumber.self, forKey: .number),
            snapshot: try values.decode(SnapshotID.self, forKey: .snapshot),
            size: try values.size(forKey: .size),
            backing: try values.decode(SnapshotBacking.self, forKey: .backing),
            imagePath: try values.decodeIfPresent(String.self, forKey: .imagePath),
            liveStamp: try values.decodeIfPresent(String.self, forKey: .liveStamp),
            isPinned: try values.decode(Bool.self, forKey: .pinned)
        )
    }

    /// The form in the file.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(self.number, forKey: .number)
        try values.encode(self.snapshot, forKey: .snapshot)
        try values.encode(self.size.bytes, forKey: .size)
        try values.encode(self.backing, forKey: .backing)
        try values.encodeIfPresent(self.imagePath, forKey: .imagePath)
        try values.encodeIfPresent(self.liveStamp, forKey: .liveStamp)
        try values.encode(self.isPinned, forKey: .pinned)
    }
}

/// What a source volume must not forget: the record of `source.json`.
public struct SourceRecord: StateRecord, Hashable {
    /// The version of the form of the file.
    public static let format = 1

    /// The last number that was given to a generation whose directory is gone: with those of the
    /// directories that are there it tells which numbers were used, so that no two generations of a
    /// lineage ever share one.
    public var lastNumber: UInt64
    /// Change sources that were caught missing a change, and are not used for this volume (P9).
    public var distrusted: [ChangeSourceKind]

    /// The record of a volume that was never frozen.
    public init() {
        self.lastNumber = 0
        self.distrusted = []
    }
}

extension SourceRecord: Codable {
    private enum Keys: String, CodingKey {
        case lastNumber
        case distrusted
    }

    /// The form in the file.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        self.lastNumber = try values.decode(UInt64.self, forKey: .lastNumber)
        self.distrusted = try values.decode([String].self, forKey: .distrusted)
            .compactMap { ChangeSourceKind(rawValue: $0) }
    }

    /// The form in the file.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(self.lastNumber, forKey: .lastNumber)
        try values.encode(self.distrusted.map(\.rawValue), forKey: .distrusted)
    }
}
