// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Codecs
import VolumeStore
import WireProtocol

/// What an attempt offers.
struct AttemptPlan {
    let subject: Offer.Subject
    let route: Offer.Route
    let flags: OfferFlags
    let target: SourceSnapshot
}

/// What an attempt reads, and how it decides what to send.
struct AttemptSource: Sendable {
    let confirmation: Confirmation
    let kind: ChangeSourceKind
    let image: BlockFile
    /// What audits of holes read; nil where audits look at data, or direct I/O is not to be had.
    let holes: BlockFile?
    let base: BlockFile?
    let size: ByteCount
    let digests: TargetDigests
    let hasBaseDigests: Bool
    let cutLeaf: LeafIndex?
    let dispenser: WorkDispenser
}

extension AttemptSource {
    /// Chooses the change source with the least cost that is exact or a superset.
    ///
    /// - Parameters:
    ///   - volume: what is sent.
    ///   - mode: what is offered.
    ///   - target: the frozen bytes.
    ///   - base: the snapshot of the common generation, where it is left.
    ///   - trust: whether rewritten leaves are taken for changed.
    ///   - generator: for the audit (P9).
    /// - Throws: `notFound` for an incremental when neither clone nor digests of the base are left.
    init(
        _ volume: SourceVolume,
        _ mode: TransferMode,
        _ target: SourceSnapshot,
        base: SourceSnapshot?,
        trust: RewriteTrust,
        using generator: inout some RandomNumberGenerator
    ) throws(StoreError) {
        let image = try target.openImage()
        let baseGeneration = mode.needsBase ? try base?.generation() : nil
        let digests = baseGeneration == nil ? nil : base
        var tree = try Self.tree(
            of: volume,
            target,
            from: digests,
            baseSize: baseGeneration?.size
        )
        var audit = AuditPlan(
            samples: SenderLimits.auditLeaves(of: target.size),
            size: target.size,
            using: &generator
        )
        self.cutLeaf = Self.cutLeaf(of: target, baseSize: baseGeneration?.size)
        let clones =
            mode == .incremental
            ? try Self.clones(volume, target, try Self.required(digests, for: target), image) : nil
        let source: AnyChangeSource
        if let (opened, comparison) = clones {
            source = .physical(comparison)
            if let cut = self.cutLeaf {
                try Self.reset(cut, of: &tree, from: opened, target.size, volume.key)
            }
            try audit.advance { (leaf) throws(StoreError) in try tree.nextNonZeroLeaf(from: leaf) }
        } else {
            source = .map(try VolumeMap(image, trustsHoles: volume.trustsHoles))
        }
        self.confirmation =
            switch mode {
            case .fullCopy: .ship
            case .fullVerify: .comparePeer
            case .incremental: clones == nil ? .compareStored : .compareBase
            }
        self.kind =
            switch self.confirmation {
            case .ship, .comparePeer: .allocationMap
            case .compareBase: .physicalExtents
            case .compareStored: .storedDigests
            }
        self.image = image
        // Places that change with each run: in the cache they would be as much new memory each time.
        self.holes = clones == nil ? image.bypassingCache() : nil
        self.base = clones?.0
        self.size = target.size
        self.digests = TargetDigests(tree)
        self.hasBaseDigests = digests != nil
        self.dispenser = WorkDispenser(
            source,
            size: target.size,
            aligned: self.confirmation.needsWholeLeaves,
            unit: self.confirmation.unit,
            audit: audit,
            trust: clones == nil ? nil : trust,
            ahead: ReadAhead(target: image, base: clones?.0)
        )
    }

    private static func required(
        _ base: SourceSnapshot?,
        for target: SourceSnapshot
    ) throws(StoreError) -> SourceSnapshot {
        guard let base else {
            throw StoreError(.notFound, "the digests of the base are gone", path: target.directory)
        }
        return base
    }

    /// The clone of the base and the comparison with it; nil where something else has to do.
    private static func clones(
        _ volume: SourceVolume,
        _ target: SourceSnapshot,
        _ base: SourceSnapshot,
        _ image: BlockFile
    ) throws(StoreError) -> (BlockFile, PhysicalExtentSource)? {
        guard target.isClone, base.isClone, !volume.distrusted.contains(.physicalExtents)
        else { return nil }
        do throws(StoreError) {
            let opened = try base.openImage()
            return (opened, try PhysicalExtentSource(base: opened, target: image))
        } catch {
            switch error.code {
            case .unsupported, .notFound: return nil
            case .noSpace, .ioFailed, .alreadyExists, .corrupt, .busy, .wrongBase, .permission,
                .invalid:
                throw error
            }
        }
    }

    /// The tree that becomes the target's: the base's, fitted to the new size, or an empty one.
    private static func tree(
        of volume: SourceVolume,
        _ target: SourceSnapshot,
        from base: SourceSnapshot?,
        baseSize: ByteCount?
    ) throws(StoreError) -> DigestTree<DigestFile> {
        // An earlier attempt may have left half of them.
        try target.clearWorkingDigests()
        let file: DigestFile
        if let base {
            file = try DigestFile.open(base.digestsPath, writable: false)
                .copy(
                    to: target.workingDigestsPath
                )
        } else {
            file = try DigestFile.create(target.workingDigestsPath)
        }
        let record = volume.record
        var tree = DigestTree(
            store: file,
            size: baseSize ?? target.size,
            volume: record.volume,
            lineage: record.lineage,
            key: record.key,
            algorithm: record.algorithm
        )
        if let baseSize, baseSize != target.size { try tree.resize(to: target.size) }
        return tree
    }
}

// MARK: - A target that ends inside a leaf of a longer base

extension AttemptSource {
    private static func cutLeaf(of target: SourceSnapshot, baseSize: ByteCount?) -> LeafIndex? {
        guard let baseSize, target.size < baseSize,
            !target.size.bytes.isMultiple(of: Geometry.leaf.bytes)
        else { return nil }
        return LeafIndex(containing: ByteOffset(target.size.bytes))
    }

    /// The digest of the cut leaf from the bytes that are left of it: the receiver does the same.
    private static func reset(
        _ leaf: LeafIndex,
        of tree: inout DigestTree<DigestFile>,
        from base: BlockFile,
        _ size: ByteCount,
        _ key: LineageKey
    ) throws(StoreError) {
        var buffer = ChunkBuffer(capacity: Geometry.leaf)
        let length = size.bytes - leaf.start.bytes
        try base.read(at: leaf.start, length: length, into: &buffer, at: 0)
        let granule = Geometry.granule.bytes
        let whole = (length + granule - 1) / granule * granule
        try tree.set(leaf, LeafHasher(key: key).digest(ofLeafIn: buffer, 0..<whole))
    }
}

extension SourceVolume {
    /// Whether what the file system calls a hole may be taken for zeros (P9).
    var trustsHoles: Bool { !self.distrusted.contains(.allocationMap) }
}

extension CodecChoice {
    /// The codecs that an offer names.
    var offered: CodecSet {
        switch self {
        case .auto: .all
        case .none: .none
        case .lz4: [.none, .lz4]
        case .deflate: [.none, .deflate]
        case .zstd: [.none, .zstd]
        }
    }
}
