// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// A generation as the wire tells it: what does not follow from the offer's volume and lineage.
public struct GenerationStamp: Hashable, Sendable {
    /// Bytes on the wire: number 8, snapshot 16, size 8, root 32.
    public static let encodedSize = 64

    /// Counts the generations of the lineage.
    public let number: GenerationNumber

    /// The snapshot that the generation was read from.
    public let snapshot: SnapshotID

    /// The bytes of the volume.
    public let size: ByteCount

    /// The root of the hash tree.
    public let root: RootDigest

    /// The stamp with these parts.
    public init(
        number: GenerationNumber,
        snapshot: SnapshotID,
        size: ByteCount,
        root: RootDigest
    ) {
        self.number = number
        self.snapshot = snapshot
        self.size = size
        self.root = root
    }

    /// The stamp of a generation.
    public init(_ generation: Generation) {
        self.init(
            number: generation.number,
            snapshot: generation.snapshot,
            size: generation.size,
            root: generation.root
        )
    }

    /// The whole generation, for the volume and lineage that the transfer is about.
    public func generation(of volume: VolumeID, lineage: LineageID) -> Generation {
        Generation(
            volume: volume,
            lineage: lineage,
            number: self.number,
            snapshot: self.snapshot,
            size: self.size,
            root: self.root
        )
    }

    init(from reader: inout BodyReader, _ field: String) throws(FrameError) {
        self.number = GenerationNumber(try reader.number(UInt64.self, "\(field).number"))
        self.snapshot = try reader.identifier(SnapshotID.self, "\(field).snapshot")
        self.size = try reader.count("\(field).size")
        self.root = try reader.root("\(field).root")
    }

    /// Reads a presence byte and, after a 1, the stamp.
    static func optional(
        from reader: inout BodyReader,
        _ field: String
    ) throws(FrameError)
        -> GenerationStamp?
    {
        try reader.flag("\(field).present") ? try Self(from: &reader, field) : nil
    }

    func write(to writer: inout BodyWriter) {
        writer.put(self.number.number)
        writer.put(self.snapshot)
        writer.put(self.size)
        writer.put(raw: self.root.bytes)
    }
}

extension GenerationStamp? {
    /// Writes a presence byte and the stamp, if there is one.
    func write(to writer: inout BodyWriter) {
        writer.put(self != nil)
        self?.write(to: &writer)
    }
}

/// The generation that a transfer is to make; its root is known only at the end.
public struct TargetGeneration: Hashable, Sendable {
    /// Counts the generations of the lineage.
    public let number: GenerationNumber

    /// The snapshot that the sender reads.
    public let snapshot: SnapshotID

    /// The bytes of the volume.
    public let size: ByteCount

    /// The target with these parts.
    public init(number: GenerationNumber, snapshot: SnapshotID, size: ByteCount) {
        self.number = number
        self.snapshot = snapshot
        self.size = size
    }

    /// The generation that it becomes with this root.
    public func proven(_ root: RootDigest) -> GenerationStamp {
        GenerationStamp(
            number: self.number,
            snapshot: self.snapshot,
            size: self.size,
            root: root
        )
    }
}
