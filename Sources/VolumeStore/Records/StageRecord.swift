// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// How a stage keeps what arrives out of sight until the commit (docs/state-files.md).
public enum StageBackend: String, Codable, CaseIterable, Sendable {
    /// In a reflink clone of the base image.
    case clone
    /// In an empty sparse file.
    case fresh
    /// In a redo journal, which is applied in place after the commit record.
    case journal
    /// In place on a device that shows no generation yet.
    case direct
}

/// What a stage is for: the record of `stage/stage.json`.
public struct StageRecord: StateRecord, Hashable {
    /// The version of `stage.json`.
    public static let format = 1

    /// The transfer that made the stage.
    public var transfer: TransferID
    /// How the target is reached.
    public var mode: TransferMode
    /// The generation that was visible when the stage was made, and still has to be.
    public var visible: GenerationRecord?
    /// The target; its root is not known before the commit.
    public var target: StageTarget
    /// Where the staged bytes lie.
    public var backend: StageBackend
    /// The sender's seal, kept as it came and shown to it on resumption.
    public var ticket: [UInt8]

    /// A record of all its parts.
    public init(
        transfer: TransferID,
        mode: TransferMode,
        visible: GenerationRecord?,
        target: StageTarget,
        backend: StageBackend,
        ticket: [UInt8]
    ) {
        self.transfer = transfer
        self.mode = mode
        self.visible = visible
        self.target = target
        self.backend = backend
        self.ticket = ticket
    }

    /// The generation whose bytes the target keeps where nothing was sent.
    public var base: GenerationRecord? { self.mode.needsBase ? self.visible : nil }

    /// Whether a later offer continues this stage: the same bytes, computed from the same base.
    public func continues(
        as mode: TransferMode,
        base: Generation?,
        target: StageTarget
    ) -> Bool {
        self.mode == mode && self.base?.generation == base && self.target == target
    }
}

/// A generation that is being made: everything but its root.
public struct StageTarget: Hashable, Sendable {
    /// The volume.
    public let volume: VolumeID
    /// Its history.
    public let lineage: LineageID
    /// The place of the target in the history.
    public let number: GenerationNumber
    /// The frozen view at the source.
    public let snapshot: SnapshotID
    /// The size of the target.
    public let size: ByteCount

    /// A target of all its parts.
    public init(
        volume: VolumeID,
        lineage: LineageID,
        number: GenerationNumber,
        snapshot: SnapshotID,
        size: ByteCount
    ) {
        self.volume = volume
        self.lineage = lineage
        self.number = number
        self.snapshot = snapshot
        self.size = size
    }

    /// The generation that the target becomes with its root.
    public func generation(root: RootDigest) -> Generation {
        Generation(
            volume: self.volume,
            lineage: self.lineage,
            number: self.number,
            snapshot: self.snapshot,
            size: self.size,
            root: root
        )
    }
}

extension StageRecord: Codable {
    private enum Keys: String, CodingKey {
        case transfer
        case mode
        case visible
        case target
        case backend
        case ticket
    }

    /// Reads the record; throws what does not fit its form.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        self.init(
            transfer: try values.decode(TransferID.self, forKey: .transfer),
            mode: try values.mode(forKey: .mode),
            visible: try values.decodeIfPresent(GenerationRecord.self, forKey: .visible),
            target: try values.decode(StageTarget.self, forKey: .target),
            backend: try values.decode(StageBackend.self, forKey: .backend),
            ticket: try values.bytes(forKey: .ticket)
        )
    }

    /// Writes the record.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(self.transfer, forKey: .transfer)
        try values.encode(self.mode.recordName, forKey: .mode)
        try values.encodeIfPresent(self.visible, forKey: .visible)
        try values.encode(self.target, forKey: .target)
        try values.encode(self.backend, forKey: .backend)
        try values.encode(Hexadecimal.text(of: self.ticket), forKey: .ticket)
    }
}

extension StageTarget: Codable {
    private enum Keys: String, CodingKey {
        case volume
        case lineage
        case number
        case snapshot
        case size
    }

    /// Reads the record; throws what does not fit its form.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        self.init(
            volume: try values.decode(VolumeID.self, forKey: .volume),
            lineage: try values.decode(LineageID.self, forKey: .lineage),
            number: try values.decode(GenerationNumber.self, forKey: .number),
            snapshot: try values.decode(SnapshotID.self, forKey: .snapshot),
            size: try values.size(forKey: .size)
        )
    }

    /// Writes the record.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(self.volume, forKey: .volume)
        try values.encode(self.lineage, forKey: .lineage)
        try values.encode(self.number, forKey: .number)
        try values.encode(self.snapshot, forKey: .snapshot)
        try values.encode(self.size.bytes, forKey: .size)
    }
}
