// SPDX-License-Identifier: Apache-2.0

public import BlockDiff
public import BlockTypes
import Codecs
import Locks
import Synchronization

/// A generation in the making: everything that a transfer has brought, out of readers' sight.
///
/// ```
///  data threads ─▶ write, zero ─▶ staged bytes + digests ─▶ flush ─▶ durable.log
///                                                              │
///                              prove: root of the digests ◀────┘──▶ ReplicaVolume.commit
/// ```
///
/// Several data threads write at once, each with its own ``StageScratch``; one thread flushes. Three
/// locks, each held for bookkeeping only: the ledger of extents, the digest tree, and the log, which
/// only the flushing thread takes.
///
/// Holds:
/// - an extent is written by one thread only, and once (``StageLedger``);
/// - the digest tree holds base digest ^ share of base bytes ^ share of new bytes of every applied
///   extent, and of a leaf that was replaced whole the digest of its new bytes: the digest of what
///   was received, not of what the base claims to be;
/// - what the log names was synced before it was named (P3).
public final class Stage: Sendable {
    /// What the stage is for.
    public let record: StageRecord

    /// Whether the stage goes on where an earlier session stopped.
    public var isResumed: Bool { self.resumed.load(ordering: .acquiring) }

    /// A sync failed: nobody knows what is on the disk, so the stage can only be discarded (P3).
    public var isFailed: Bool { self.failed.load(ordering: .acquiring) }

    /// A chunk failed halfway: the digests may have a part of it, and are to be made again from the
    /// disk before the transfer goes on.
    var isTorn: Bool { self.torn.load(ordering: .acquiring) }

    let directory: String
    let files: StageFiles
    let hasher: LeafHasher
    let hook: CrashHook
    let ledger: Locked<StageLedger>
    let digests: Locked<DigestTree<StagedDigests>>
    let log: Locked<StageLog>
    /// The end of what is used of the journal.
    let journalEnd: Atomic<Int>
    let failed = Atomic<Bool>(false)
    let resumed = Atomic<Bool>(false)
    let torn = Atomic<Bool>(false)
    /// Leaves of the base whose bytes do not have their stored digests.
    let driftCount = Atomic<Int>(0)

    init(
        _ record: StageRecord,
        volume: VolumeRecord,
        directory: String,
        files: StageFiles,
        trackedExtents: Int,
        hook: @escaping CrashHook
    ) throws(StoreError) {
        self.record = record
        self.directory = directory
        self.files = files
        self.hook = hook
        self.hasher = LeafHasher(key: volume.key)
        self.ledger = Locked(StageLedger(limit: trackedExtents))
        self.log = Locked(StageLog(files.log, of: record.transfer))
        self.journalEnd = Atomic(0)
        let size = files.inheritsDigests ? record.base?.generation.size : nil
        var tree = DigestTree(
            store: StagedDigests(
                own: files.digests,
                over: record.backend == .journal ? files.baseDigests : nil
            ),
            size: size ?? record.target.size,
            volume: volume.volume,
            lineage: volume.lineage,
            key: volume.key,
            algorithm: volume.algorithm
        )
        if let size, size != record.target.size { try tree.resize(to: record.target.size) }
        self.digests = Locked(tree)
        try self.resetCutLeaf()
    }

    /// What is durable: after a broken link it need not travel again (P5).
    public var durableRanges: ExtentSet { self.ledger.withLock { $0.durable } }

    /// Leaves of the base that were found not to hold what their digests promise.
    public var driftedLeaves: Int { self.driftCount.load(ordering: .relaxed) }

    /// Whether writing reads what the base has in the same place.
    public var readsBase: Bool { self.files.base != nil }

    /// Has the base's bytes read in ahead of a write to the same place.
    ///
    /// The disk reads while a chunk is decompressed and written, or while other small chunks come.
    /// Leaves that are replaced whole are left out: they are written without a look at the base.
    public func prefetch(_ extent: Extent) {
        guard let base = self.files.base else { return }
        let (head, tail) = extent.edges(around: self.replacedLeaves(by: extent))
        if let head { base.prefetch(head) }
        if let tail { base.prefetch(tail) }
    }

    /// The same for several extents, ascending; what lies close together is read at once.
    public func prefetch(_ extents: ArraySlice<Extent>) {
        guard let base = self.files.base else { return }
        var places = NearExtents()
        for extent in extents {
            let (head, tail) = extent.edges(around: self.replacedLeaves(by: extent))
            if let head { places.add(head, base.prefetch) }
            if let tail { places.add(tail, base.prefetch) }
        }
        places.finish(base.prefetch)
    }

    // MARK: Writing

    /// Writes a chunk: at most 1 MiB, whole granules, or up to the end of the volume.
    ///
    /// May be called by several threads at once, each with its own scratch memory.
    ///
    /// - Throws: `duplicate` or `outside` for what only a broken peer sends; `store` when the disk
    ///   fails: what was flushed before stays as it is, and the session cannot go on.
    public func write(
        _ chunk: borrowing ChunkBuffer,
        _ range: Range<Int>,
        at place: ByteOffset,
        using scratch: inout StageScratch
    ) throws(StageError) {
        let record = try self.announce(chunk, range, at: place, using: &scratch)
        let files = self.files
        try storing { () throws(StoreError) in
            try files.write(chunk, range, at: record.position, using: &scratch)
        }
        // After the write, which is never into the base: its bytes come from the disk meanwhile.
        try self.absorb(record, using: &scratch)
        self.finish(record)
    }

    // A write in three steps, between which the bytes get to the disk.

    /// Claims the place of a chunk and gathers its shares; the record says where its bytes go.
    func announce(
        _ chunk: borrowing ChunkBuffer,
        _ range: Range<Int>,
        at place: ByteOffset,
        using scratch: inout StageScratch
    ) throws(StageError) -> StageLogRecord {
        let extent = Extent(at: place, length: ByteCount(range.count))
        try self.claim(extent)
        scratch.clearShares()
        self.addShares(of: chunk, range, at: place, using: &scratch)
        return StageLogRecord(.data, extent, at: self.position(for: extent))
    }

    /// Takes the shares of the chunk that was announced last into the digests.
    func absorb(
        _ record: StageLogRecord,
        using scratch: inout StageScratch
    ) throws(StageError) {
        try self.addBaseShares(of: record.extent, using: &scratch)
        do throws(StageError) {
            try self.take(scratch.shares, of: record.extent)
        } catch {
            self.tear()
            throw error
        }
    }

    /// All bytes of the chunk are written.
    func finish(_ record: StageLogRecord) { self.ledger.withLock { $0.apply(record) } }

    /// The digests have what the bytes may not have.
    func tear() { self.torn.store(true, ordering: .releasing) }

    /// Makes an extent of any length read as zeros.
    ///
    /// Costs no reads but for the granules of leaves that it covers in part.
    ///
    /// - Throws: as ``write(_:_:at:using:)``.
    public func zero(
        _ extent: Extent,
        using scratch: inout StageScratch
    ) throws(StageError) {
        try self.claim(extent)
        let files = self.files
        switch self.record.backend {
        case .clone, .fresh, .direct:
            try storing { () throws(StoreError) in try files.target.zero(extent) }
        case .journal:
            break
        }
        do throws(StageError) {
            try self.absorbZeros(extent, using: &scratch)
        } catch {
            self.tear()
            throw error
        }
        self.ledger.withLock { $0.apply(StageLogRecord(.zeros, extent)) }
    }

    private func claim(_ extent: Extent) throws(StageError) {
        let size = self.record.target.size.bytes
        guard extent.end.bytes <= size,
            extent.start.bytes.isMultiple(of: Geometry.granule.bytes),
            extent.end.bytes == size || extent.end.bytes.isMultiple(of: Geometry.granule.bytes)
        else { throw .outside(extent) }
        guard self.ledger.withLock({ $0.claim(extent) }) else { throw .duplicate(extent) }
    }

    /// Where the bytes of an extent go: its own place, or the next one in the journal.
    private func position(for extent: Extent) -> ByteOffset {
        switch self.record.backend {
        case .clone, .fresh, .direct:
            return extent.start
        case .journal:
            let length = extent.length.roundedUpToGranules.bytes
            let end = self.journalEnd.wrappingAdd(length, ordering: .relaxed).newValue
            return ByteOffset(end - length)
        }
    }

    // MARK: Making durable

    /// Makes durable everything that was applied before the call; only then may it be reported.
    ///
    /// One thread at a time; writers go on meanwhile.
    ///
    /// - Parameter taken: called when it is settled what the flush makes durable.
    /// - Throws: `store`; the stage is then failed for good (P3).
    public func flush(taken: () -> Void = {}) throws(StageError) {
        guard !self.isFailed else { throw .store(self.failure) }
        let applied = self.ledger.withLock { $0.takeApplied() }
        taken()
        guard !applied.isEmpty else { return }
        try self.flush(applied)
    }

    private func flush(_ applied: [StageLogRecord]) throws(StageError) {
        let extents = ExtentSet(applied.lazy.filter { $0.kind != .drifted }.map(\.extent))
        do {
            try self.files.target.sync()
            try self.hook(.stagedBytesSynced)
            let isTracked = self.ledger.withLock { $0.canTrack(extents) }
            // A journal is applied from its log, which must name everything.
            if isTracked || self.record.backend == .journal {
                let records = applied.coalesced()
                try self.log.withLock { (log) throws(StoreError) in try log.append(records) }
            }
            try self.hook(.stagedBytesLogged)
        } catch {
            self.failed.store(true, ordering: .releasing)
            throw .store(error)
        }
        _ = self.ledger.withLock { $0.settle(extents) }
    }

    var failure: StoreError {
        StoreError(
            .ioFailed,
            "the stage was given up because a sync of it failed",
            path: self.directory
        )
    }

    // MARK: Proving

    /// The root of what was staged, computed from the bytes that were received (P2).
    ///
    /// Everything staged is durable when it returns, and so are a clone and a new size. No writer may be
    /// at work.
    ///
    /// - Parameter isShownNext: nothing reads the log again unless the commit fails; what it then does
    ///   not name travels again.
    /// - Returns: the root that the sender's must equal.
    /// - Throws: `tooFragmented` where a device would have to be zeroed in more places than are
    ///   remembered; `store` when the disk fails.
    /// - Complexity: one SHA-256 of 4 KiB for each 16 MiB of volume that changed.
    public func prove(isShownNext: Bool) throws(StageError) -> RootDigest {
        try self.zeroGaps()
        guard !self.isFailed else { throw .store(self.failure) }
        let applied = self.ledger.withLock { $0.takeApplied() }
        switch self.record.backend {
        case .clone, .fresh:
            if isShownNext, !applied.isEmpty { self.ledger.withLock { $0.stopTracking() } }
        case .journal, .direct: break
        }
        try self.flush(applied)
        return try storing { () throws(StoreError) in
            try self.digests.withLock { (tree) throws(StoreError) in try tree.root() }
        }
    }

    /// Zeroes what the transfer did not bring where the target had other bytes before.
    private func zeroGaps() throws(StageError) {
        guard let region = self.files.mustBeWritten else { return }
        let isComplete = self.ledger.withLock { !$0.isTruncated }
        guard isComplete else { throw .tooFragmented }
        for gap in self.ledger.withLock({ $0.gaps(in: region) }) {
            guard self.ledger.withLock({ $0.claim(gap) }) else { continue }
            if self.record.backend == .direct {
                try storing { () throws(StoreError) in try self.files.target.zero(gap) }
            }
            self.ledger.withLock { $0.apply(StageLogRecord(.zeros, gap)) }
        }
    }

    /// Ends a session: keeps what is durable, and gives up what a lost writer had begun.
    ///
    /// No writer may be at work.
    ///
    /// - Throws: `store`; the stage is then failed for good.
    public func suspend() throws(StageError) {
        try self.flush()
        self.ledger.withLock { $0.releaseClaims() }
    }
}
