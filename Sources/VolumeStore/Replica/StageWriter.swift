// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Glibc

/// What one thread writes to a stage: large chunks several at a time, past the page cache.
///
/// While the disk writes, the thread receives and unpacks the next chunks. Chunks may end in any order and
/// are told of in theirs: `applied` is the mark up to which everything is written and in the ledger.
/// Where the kernel has no io_uring, and for what is small, each write ends before the call returns.
public struct StageWriter: ~Copyable {
    /// Writes under way at once: they keep the disk busy while a third chunk is received and unpacked.
    private static let depth = 2
    /// The most bytes that one writer has under way.
    public static let mostPending = ByteCount(Self.depth * Geometry.maximumChunk.bytes)

    private struct Pending {
        let record: StageLogRecord
        let slot: Int
        let range: Range<Int>
        var mark: ByteCount
        var isWritten = false
    }

    /// The memory of a thread that writes, about 1 MiB.
    public var scratch: StageScratch
    /// Everything up to this mark is applied.
    public private(set) var applied = ByteCount.zero

    // Before the buffers: it waits for the kernel, which reads them, when it ends.
    private var ring: WriteRing?
    private var slots: InlineArray<2, ChunkBuffer>
    private var hasAskedForRing = false
    private var pending: [Pending] = []
    private var failure: StageError?

    /// A writer of chunks up to `largestChunk`; without a ring each write ends before its call returns.
    public init(largestChunk: ByteCount = Geometry.maximumChunk, usesRing: Bool = true) {
        self.hasAskedForRing = !usesRing
        self.scratch = StageScratch(largestChunk: largestChunk)
        self.slots = InlineArray { _ in ChunkBuffer(capacity: .zero) }
        self.pending.reserveCapacity(Self.depth)
    }

    /// Whether something was begun that is not known to be written.
    public var isBusy: Bool { !self.pending.isEmpty }

    /// The bytes of what was begun and is not known to be written.
    public var pendingBytes: ByteCount {
        self.pending.reduce(.zero) { $0 + $1.record.extent.length }
    }

    /// Writes a chunk, or begins to: then its buffer is kept, and another one of its capacity left.
    ///
    /// - Parameters:
    ///   - buffer: holds the chunk.
    ///   - range: where.
    ///   - place: in the volume.
    ///   - stage: always the same one.
    ///   - mark: what `applied` is to reach when this one and all before it are written.
    /// - Throws: as `Stage.write`; also for a chunk that was begun before, and from then on always.
    public mutating func write(
        _ buffer: inout ChunkBuffer,
        _ range: Range<Int>,
        at place: ByteOffset,
        to stage: Stage,
        mark: ByteCount
    ) throws(StageError) {
        if let failure = self.failure { throw failure }
        guard let direct = stage.files.direct(for: range, at: place), self.hasRing(for: buffer)
        else {
            try stage.write(buffer, range, at: place, using: &self.scratch)
            return self.note(mark)
        }
        if let slot = self.freeSlot {
            return try self.begin(&buffer, range, at: place, to: stage, direct, slot, mark)
        }
        self.ring?.wait()
        try self.collect(stage)
        try self.write(&buffer, range, at: place, to: stage, mark: mark)
    }

    private mutating func begin(
        _ buffer: inout ChunkBuffer,
        _ range: Range<Int>,
        at place: ByteOffset,
        to stage: Stage,
        _ direct: BlockFile,
        _ slot: Int,
        _ mark: ByteCount
    ) throws(StageError) {
        let record = try stage.announce(buffer, range, at: place, using: &self.scratch)
        let isBegun = self.ring?
            .begin(
                buffer,
                range,
                to: direct,
                at: record.position,
                token: slot
            )
        if isBegun == true {
            // The bytes stay where they are; only their owner changes.
            swap(&buffer, &self.slots[slot])
            self.pending.append(Pending(record: record, slot: slot, range: range, mark: mark))
            try stage.absorb(record, using: &self.scratch)
            return try self.collect(stage)
        }
        let files = stage.files
        try storing { () throws(StoreError) in
            try files.write(buffer, range, at: record.position, using: &self.scratch)
        }
        try stage.absorb(record, using: &self.scratch)
        stage.finish(record)
        self.note(mark)
    }

    /// Something else was done up to this mark: it counts when what was begun before it is written.
    public mutating func note(_ mark: ByteCount) {
        if self.pending.isEmpty {
            self.applied = mark
        } else {
            self.pending[self.pending.count - 1].mark = mark
        }
    }

    /// Waits until one more chunk is written, if any was begun.
    ///
    /// - Throws: as ``write(_:_:at:to:mark:)``.
    public mutating func waitForOne(_ stage: Stage) throws(StageError) {
        if let ring = self.ring?.underWay, ring > 0 { self.ring?.wait() }
        try self.collect(stage)
    }

    /// Waits until everything that was begun is written.
    ///
    /// - Throws: as ``write(_:_:at:to:mark:)``; nothing is under way then either.
    public mutating func drain(_ stage: Stage) throws(StageError) {
        while let count = self.ring?.underWay, count > 0 {
            self.ring?.wait()
            do throws(StageError) { try self.collect(stage) } catch { continue }
        }
        try self.collect(stage)
    }

    // MARK: Buffers

    private var freeSlot: Int? {
        (0..<Self.depth).first { slot in !self.pending.contains { $0.slot == slot } }
    }

    /// Makes ring and buffers for the first chunk that needs them.
    private mutating func hasRing(for buffer: borrowing ChunkBuffer) -> Bool {
        if !self.hasAskedForRing {
            self.hasAskedForRing = true
            self.ring = WriteRing(depth: Self.depth)
            guard self.ring != nil else { return false }
            for slot in 0..<Self.depth {
                self.slots[slot] = ChunkBuffer(
                    capacity: ByteCount(buffer.capacity),
                    isKept: true
                )
            }
        }
        return self.ring != nil
    }

    // MARK: Ends

    /// Takes in what has been written.
    private mutating func collect(_ stage: Stage) throws(StageError) {
        while let (slot, result) = self.ring?.take() {
            guard let index = self.pending.firstIndex(where: { $0.slot == slot }) else { continue }
            let ended = self.pending[index]
            if result != ended.range.count {
                do throws(StoreError) {
                    try self.mend(ended, result, stage)
                } catch {
                    stage.tear()
                    self.failure = self.failure ?? .store(error)
                    continue
                }
            }
            self.pending[index].isWritten = true
        }
        while let first = self.pending.first, first.isWritten {
            stage.finish(first.record)
            self.applied = first.mark
            self.pending.removeFirst()
        }
        if let failure = self.failure { throw failure }
    }

    /// Writes a chunk again of which the kernel took less, or nothing.
    private func mend(_ chunk: Pending, _ result: Int, _ stage: Stage) throws(StoreError) {
        let target = stage.files.target
        switch Int32(-result) {
        // Less than all, or a device that asks for more than 4 KiB: through the page cache.
        case ...0, EINVAL, EOPNOTSUPP, EAGAIN, EINTR:
            try target.write(self.slots[chunk.slot], chunk.range, at: chunk.record.position)
        case let number:
            throw StoreError(
                system: number,
                "cannot write \(chunk.record.extent)",
                path: target.path
            )
        }
    }
}
