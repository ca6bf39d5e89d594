// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// One stored generation: the record of `generation.json`, and part of `commit.json`.
public struct GenerationRecord: StateRecord, Hashable {
    /// The version of `generation.json`.
    public static let format = 1

    /// The generation.
    public var generation: Generation
    /// The digests that its root was made of.
    public var algorithm: DigestAlgorithm
    /// The generation of which the image is a clone: the two share what did not change.
    public var clonedFrom: GenerationNumber?

    /// A record of all its parts.
    public init(
        _ generation: Generation,
        algorithm: DigestAlgorithm,
        clonedFrom: GenerationNumber? = nil
    ) {
        self.generation = generation
        self.algorithm = algorithm
        self.clonedFrom = clonedFrom
    }

    /// The directory of the generation below `generations/`: number, hyphen, snapshot.
    public var directory: String { Self.directory(of: self.generation) }

    /// The directory of a generation below `generations/`.
    public static func directory(of generation: Generation) -> String {
        "\(generation.number.number)-\(generation.snapshot)"
    }
}

extension GenerationRecord: Codable {
    private enum Keys: String, CodingKey {
        case volume
        case lineage
        case number
        case snapshot
        case size
        case root
        case algorithm
        case clonedFrom
    }

    /// Reads the record; throws what does not fit its form.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        self.init(
            Generation(
                volume: try values.decode(VolumeID.self, forKey: .volume),
                lineage: try values.decode(LineageID.self, forKey: .lineage),
                number: try values.decode(GenerationNumber.self, forKey: .number),
                snapshot: try values.decode(SnapshotID.self, forKey: .snapshot),
                size: try values.size(forKey: .size),
                root: try values.root(forKey: .root)
            ),
            algorithm: try values.algorithm(forKey: .algorithm),
            clonedFrom: values.contains(.clonedFrom)
                ? try values.decode(GenerationNumber.self, forKey: .clonedFrom) : nil
        )
    }

    /// Writes the record.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(self.generation.volume, forKey: .volume)
        try values.encode(self.generation.lineage, forKey: .lineage)
        try values.encode(self.generation.number, forKey: .number)
        try values.encode(self.generation.snapshot, forKey: .snapshot)
        try values.encode(self.generation.size.bytes, forKey: .size)
        try values.encode(self.generation.root.description, forKey: .root)
        try values.encode(self.algorithm.recordName, forKey: .algorithm)
        try values.encodeIfPresent(self.clonedFrom?.number, forKey: .clonedFrom)
    }
}
