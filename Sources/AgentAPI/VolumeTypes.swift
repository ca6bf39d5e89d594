// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// What a volume is on this agent.
public enum VolumeRole: String, Codable, Hashable, Sendable, CaseIterable {
    /// Applications write to it; generations are read from its snapshots.
    case source
    /// It receives generations from a paired agent, and shows exactly one of them (P1).
    case replica
}

/// One generation of a volume, as the API shows it.
public struct GenerationInfo: Codable, Hashable, Sendable {
    /// Its number in the lineage, from 1.
    public let number: UInt64
    /// The identity of the frozen view, 32 hexadecimal digits.
    public let snapshot: String
    /// The size in bytes.
    public let sizeBytes: UInt64
    /// The root digest in hexadecimal digits; nil while it has not been computed.
    public let rootDigest: String?
    /// When it was made.
    public let created: Date?
    /// The file that holds the generation, where one does.
    public let path: String?

    /// A generation with all its facts.
    public init(
        number: UInt64,
        snapshot: String,
        sizeBytes: UInt64,
        rootDigest: String?,
        created: Date?,
        path: String?
    ) {
        self.number = number
        self.snapshot = snapshot
        self.sizeBytes = sizeBytes
        self.rootDigest = rootDigest
        self.created = created
        self.path = path
    }
}

/// One volume, as the API shows it.
public struct VolumeInfo: Codable, Hashable, Sendable {
    /// The name that people use.
    public let name: String
    /// The identity, 32 hexadecimal digits.
    public let id: String
    /// What the volume is on this agent.
    public let role: VolumeRole
    /// The size in bytes.
    public let sizeBytes: UInt64
    /// The history that its generations belong to, 32 hexadecimal digits.
    public let lineage: String
    /// The file or device that applications write to; for a replica, what may be read.
    public let path: String?
    /// `pool`, `attached` or `attachedFrozen`.
    public let backing: String
    /// The name or identity of the source cluster that owns a replica.
    public let owner: String?
    /// The newest generation; what a replica shows.
    public let generation: GenerationInfo?
    /// Every generation that is kept, oldest first.
    public let generations: [GenerationInfo]
    /// The replica that a source was before it was promoted; nil for any other volume.
    public var promotedFrom: PromotionInfo?
    /// Why a source is not replicated; nil where it is.
    public var fenced: FenceInfo?
    /// How a replica that was a source before came to be one; nil for any other volume.
    public var takenOver: TakeOverInfo?
    /// What a source was copied from; nil for any other volume.
    public var clonedFrom: CloneInfo?

    /// A volume with all its facts.
    public init(
        name: String,
        id: String,
        role: VolumeRole,
        sizeBytes: UInt64,
        lineage: String,
        path: String?,
        backing: String,
        owner: String?,
        generation: GenerationInfo?,
        generations: [GenerationInfo]
    ) {
        self.name = name
        self.id = id
        self.role = role
        self.sizeBytes = sizeBytes
        self.lineage = lineage
        self.path = path
        self.backing = backing
        self.owner = owner
        self.generation = generation
        self.generations = generations
    }
}

/// Asks for a new volume; exactly one of the three origins.
public struct VolumeCreateRequest: Codable, Hashable, Sendable {
    /// The name that people use.
    public let name: String
    /// Makes an empty volume of this many bytes.
    public let sizeBytes: UInt64?
    /// Copies this image into the pool.
    public let from: String?
    /// Uses this file or block device where it lies.
    public let attach: String?
    /// Declares that nothing writes to the attached file or device.
    public let frozen: Bool

    /// A request for one volume.
    public init(
        name: String,
        sizeBytes: UInt64? = nil,
        from: String? = nil,
        attach: String? = nil,
        frozen: Bool = false
    ) {
        self.name = name
        self.sizeBytes = sizeBytes
        self.from = from
        self.attach = attach
        self.frozen = frozen
    }
}

/// Asks for a copy of a generation in a file.
public struct VolumeExportRequest: Codable, Hashable, Sendable {
    /// The generation; nil for the newest.
    public let generation: UInt64?
    /// The file to make; it must not exist.
    public let to: String

    /// A request for one export.
    public init(generation: UInt64?, to path: String) {
        self.generation = generation
        self.to = path
    }
}

/// What an export wrote.
public struct VolumeExportResult: Codable, Hashable, Sendable {
    /// The name of the volume.
    public let volume: String
    /// The number of the generation.
    public let generation: UInt64
    /// The size in bytes.
    public let sizeBytes: UInt64
    /// The path of the file.
    public let path: String
    /// The root digest in hexadecimal digits, where it is known.
    public let rootDigest: String?
    /// How long it took or takes, in seconds.
    public let seconds: Double

    /// The facts of one finished export.
    public init(
        volume: String,
        generation: UInt64,
        sizeBytes: UInt64,
        path: String,
        rootDigest: String?,
        seconds: Double
    ) {
        self.volume = volume
        self.generation = generation
        self.sizeBytes = sizeBytes
        self.path = path
        self.rootDigest = rootDigest
        self.seconds = seconds
    }
}

/// Asks for a proof of a volume's newest common generation.
public struct VolumeVerifyRequest: Codable, Hashable, Sendable {
    /// The pair whose copy is recomputed too; nil for this agent's bytes alone.
    public let against: String?
    /// The generation; nil for the newest (with a pair: the newest that both have).
    public let generation: UInt64?

    /// A request for one proof.
    public init(against: String?, generation: UInt64? = nil) {
        self.against = against
        self.generation = generation
    }
}

/// The root digest of one generation, recomputed from its bytes on one agent.
public struct GenerationProof: Codable, Hashable, Sendable {
    /// The name of the volume.
    public let volume: String
    /// The number of the generation.
    public let generation: UInt64
    /// The identity of the frozen view, 32 hexadecimal digits.
    public let snapshot: String
    /// The size in bytes.
    public let sizeBytes: UInt64
    /// What the agent had recorded.
    public let recordedRoot: String?
    /// What every byte, read again, gives; nil where the bytes are not kept any more.
    public let computedRoot: String?
    /// Bytes that were read.
    public let readBytes: UInt64
    /// How long it took or takes, in seconds.
    public let seconds: Double

    /// The facts of one recomputation.
    public init(
        volume: String,
        generation: UInt64,
        snapshot: String,
        sizeBytes: UInt64,
        recordedRoot: String?,
        computedRoot: String?,
        readBytes: UInt64,
        seconds: Double
    ) {
        self.volume = volume
        self.generation = generation
        self.snapshot = snapshot
        self.sizeBytes = sizeBytes
        self.recordedRoot = recordedRoot
        self.computedRoot = computedRoot
        self.readBytes = readBytes
        self.seconds = seconds
    }
}

/// What verifying a volume found.
public struct VolumeVerifyResult: Codable, Hashable, Sendable {
    /// The name of the volume.
    public let volume: String
    /// The number of the generation.
    public let generation: UInt64
    /// Whether every root that was recorded or computed is the same.
    public let equal: Bool
    /// What this agent found.
    public let local: GenerationProof
    /// The name of the pair.
    public let pair: String?
    /// What the pair's agent found.
    public let remote: GenerationProof?

    /// The comparison of a local proof with a remote one, or with the record alone.
    ///
    /// Equal only when bytes were read: two records alone prove nothing about bytes.
    public init(local: GenerationProof, pair: String?, remote: GenerationProof?) {
        self.volume = local.volume
        self.generation = local.generation
        let computed = [local.computedRoot, remote?.computedRoot].compactMap(\.self)
        let roots = computed + [local.recordedRoot, remote?.recordedRoot].compactMap(\.self)
        self.equal = !computed.isEmpty && Set(roots).count == 1
        self.local = local
        self.pair = pair
        self.remote = remote
    }
}
