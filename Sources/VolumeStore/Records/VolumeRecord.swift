// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// Which side of a replication a volume of the pool is on.
public enum VolumeRole: String, Codable, Sendable {
    /// An application writes it here; generations are sent from it.
    case source
    /// It shows the generations that a paired cluster sent.
    case replica
}

/// A volume of a pool that cannot be used: it is left as it is, and the others go on.
public struct VolumeFault: Error, Sendable {
    /// The volume's directory.
    public let directory: String
    /// What is wrong with it.
    public let error: StoreError
}

/// Where the bytes of a volume lie.
public enum VolumeBacking: Hashable, Sendable {
    /// In a file inside the pool.
    case pool
    /// In a file or block device elsewhere; `isFrozen`: nothing writes it while we read it.
    case attached(path: String, isFrozen: Bool)
}

/// What the pool knows of a volume: the record of `volume.json`, readable by its owner only.
public struct VolumeRecord: StateRecord, Hashable {
    /// The version of `volume.json`.
    public static let format = 1

    /// The identity, on every agent.
    public var volume: VolumeID
    /// The name that people use; unique among the sources, and among the replicas of a pair.
    public var name: String
    /// Whether it is sent from here or received here.
    public var role: VolumeRole
    /// The size of its newest state.
    public var size: ByteCount
    /// The history that its generations belong to.
    public var lineage: LineageID
    /// The secret under which the digests are made.
    public var key: LineageKey
    /// The digests of the lineage.
    public var algorithm: DigestAlgorithm
    /// Where the bytes lie.
    public var backing: VolumeBacking
    /// The source cluster whose pair owns a replica (P8); nil for a source.
    public var owner: ClusterID?
    /// The replica that a source was before its promotion; nil for any other volume.
    public var fork: ForkRecord?
    /// How a replica that was a source before came to be one; nil for any other volume.
    public var takenOver: TakeOverRecord?
    /// What a source was copied from; nil for any other volume.
    public var copiedFrom: CopyRecord?

    /// A record of all its parts.
    public init(
        volume: VolumeID,
        name: String,
        role: VolumeRole,
        size: ByteCount,
        lineage: LineageID,
        key: LineageKey,
        algorithm: DigestAlgorithm,
        backing: VolumeBacking,
        owner: ClusterID? = nil,
        fork: ForkRecord? = nil,
        takenOver: TakeOverRecord? = nil,
        copiedFrom: CopyRecord? = nil
    ) {
        self.volume = volume
        self.name = name
        self.role = role
        self.size = size
        self.lineage = lineage
        self.key = key
        self.algorithm = algorithm
        self.backing = backing
        self.owner = owner
        self.fork = fork
        self.takenOver = takenOver
        self.copiedFrom = copiedFrom
    }
}

extension VolumeRecord: Codable {
    private enum Keys: String, CodingKey {
        case volume
        case name
        case role
        case size
        case lineage
        case lineageKey
        case algorithm
        case attachedPath
        case frozen
        case owner
        case fork
        case takenOver
        case copiedFrom
    }

    /// Reads the record; throws what does not fit its form.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        let attached = try values.decodeIfPresent(String.self, forKey: .attachedPath)
        let backing: VolumeBacking
        if let attached {
            let isFrozen = try values.decodeIfPresent(Bool.self, forKey: .frozen) ?? false
            backing = .attached(path: attached, isFrozen: isFrozen)
        } else {
            backing = .pool
        }
        guard let key = LineageKey(try values.bytes(forKey: .lineageKey)) else {
            throw values.malformed(.lineageKey, "does not have 32 bytes")
        }
        self.init(
            volume: try values.decode(VolumeID.self, forKey: .volume),
            name: try values.decode(String.self, forKey: .name),
            role: try values.decode(VolumeRole.self, forKey: .role),
            size: try values.size(forKey: .size),
            lineage: try values.decode(LineageID.self, forKey: .lineage),
            key: key,
            algorithm: try values.algorithm(forKey: .algorithm),
            backing: backing,
            owner: values.contains(.owner)
                ? try values.decode(ClusterID.self, forKey: .owner) : nil,
            fork: try values.decodeIfPresent(ForkRecord.self, forKey: .fork),
            takenOver: try values.decodeIfPresent(TakeOverRecord.self, forKey: .takenOver),
            copiedFrom: try values.decodeIfPresent(CopyRecord.self, forKey: .copiedFrom)
        )
    }

    /// Writes the record.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(self.volume, forKey: .volume)
        try values.encode(self.name, forKey: .name)
        try values.encode(self.role, forKey: .role)
        try values.encode(self.size.bytes, forKey: .size)
        try values.encode(self.lineage, forKey: .lineage)
        try values.encode(Hexadecimal.text(of: self.key.bytes), forKey: .lineageKey)
        try values.encode(self.algorithm.recordName, forKey: .algorithm)
        switch self.backing {
        case .pool:
            break
        case .attached(let path, let isFrozen):
            try values.encode(path, forKey: .attachedPath)
            try values.encode(isFrozen, forKey: .frozen)
        }
        try values.encodeIfPresent(self.owner?.description, forKey: .owner)
        try values.encodeIfPresent(self.fork, forKey: .fork)
        try values.encodeIfPresent(self.takenOver, forKey: .takenOver)
        try values.encodeIfPresent(self.copiedFrom, forKey: .copiedFrom)
    }
}
