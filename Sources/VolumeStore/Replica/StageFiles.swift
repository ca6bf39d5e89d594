// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes

/// The open files of a stage, and what its kind of target asks for.
struct StageFiles: Sendable {
    /// Where chunks are written: the staged image, the journal, or the device.
    let target: BlockFile
    /// The same, past the page cache; nil where the file system cannot.
    let direct: BlockFile?
    let log: BlockFile
    /// The digest pages that the stage writes.
    let digests: DigestFile
    /// The bytes of the base; nil when the transfer needs none.
    let base: BaseView?
    /// The digests of the visible base, as they were committed.
    let baseDigests: DigestFile?
    /// Whether what is not sent is as in the base; else it is zeros.
    let inheritsDigests: Bool
    /// What the transfer has to bring or we have to zero, because the target has other bytes there.
    let mustBeWritten: Extent?
}

/// The names of the files of a stage.
struct StagePaths {
    let directory: String

    var record: String { "\(self.directory)/stage.json" }
    var image: String { "\(self.directory)/image" }
    var journal: String { "\(self.directory)/journal" }
    var digests: String { "\(self.directory)/digests" }
    var log: String { "\(self.directory)/durable.log" }
    var generation: String { "\(self.directory)/generation.json" }
    var prepared: String { "\(self.directory)/prepared.json" }

    /// Removes the stage; its record goes first.
    ///
    /// A kill in the middle then leaves garbage. Whatever of it a loss of power brings back, a stage that
    /// lacks a file is begun anew, and one whose base is not shown any more is removed.
    func remove() throws(StoreError) {
        try PoolDirectory.remove(self.record)
        try PoolDirectory.remove(self.directory)
    }
}

/// Makes and opens the files of stages.
struct StageFactory: Sendable {
    let volume: VolumeRecord
    let paths: ReplicaPaths
    let reflink: ReflinkUse
    var trackedExtents = ReplicaLimits.trackedExtents
    /// The generation whose clone lies ready; used up by the stage that takes it.
    let spare: GenerationRecord?
    let hook: CrashHook

    private var stage: StagePaths { self.paths.stage }

    /// Begins a stage; its record is the last file, and what has no record is garbage.
    func begin(
        _ request: StageRequest,
        over visible: GenerationRecord?
    ) throws(StoreError) -> Stage {
        try self.stage.remove()
        try PoolDirectory.make(self.stage.directory)
        let backend = try self.makeTarget(request, over: visible)
        let record = StageRecord(
            transfer: request.transfer,
            mode: request.mode,
            visible: visible,
            target: request.target,
            backend: backend,
            ticket: request.ticket
        )
        _ = try BlockFile.create(self.stage.log, size: .zero)
        try self.makeDigests(record)
        try self.hook(.stageFilesCreated)
        try StateFile.store(record, to: self.stage.record)
        try DurableFile.syncDirectory(self.paths.directory)
        try self.hook(.stageRecorded)
        return try self.makeStage(record)
    }

    /// Opens a stage that an earlier process left, and computes its digests again from its bytes.
    func resume(_ record: StageRecord) throws(StageError) -> Stage {
        let stage = try storing { () throws(StoreError) in
            try PoolDirectory.remove(self.stage.digests)
            try self.makeDigests(record)
            // A journal is applied from them, and nothing else syncs their new name.
            try DurableFile.syncDirectory(self.stage.directory)
            return try self.makeStage(record)
        }
        try stage.restore()
        return stage
    }

    /// The stage over the files that lie there.
    private func makeStage(_ record: StageRecord) throws(StoreError) -> Stage {
        try Stage(
            record,
            volume: self.volume,
            directory: self.stage.directory,
            files: try self.open(record),
            trackedExtents: self.trackedExtents,
            hook: self.hook
        )
    }

    private func makeTarget(
        _ request: StageRequest,
        over visible: GenerationRecord?
    ) throws(StoreError) -> StageBackend {
        switch self.volume.backing {
        case .attached(let path, _):
            let device = try BlockFile.open(path, writable: true)
            if device.isBlockDevice, try device.size() < request.target.size {
                throw StoreError(
                    .noSpace,
                    "the device is smaller than \(request.target.size.bytes) bytes",
                    path: path
                )
            }
            if visible == nil {
                try device.resizeFile(to: request.target.size)
                return .direct
            }
        case .pool:
            guard request.mode.needsBase, let base = visible else {
                _ = try BlockFile.create(self.stage.image, size: request.target.size)
                return .fresh
            }
            if self.reflink == .automatic, try self.cloneImage(of: base, size: request.target.size)
            {
                return .clone
            }
        }
        _ = try BlockFile.create(self.stage.journal, size: .zero)
        return .journal
    }

    private func cloneImage(
        of base: GenerationRecord,
        size: ByteCount
    ) throws(StoreError) -> Bool {
        if self.spare == base {
            try PoolDirectory.rename(self.paths.spare, to: self.stage.image)
            try BlockFile.open(self.stage.image, writable: true).resize(to: size)
            return true
        }
        let image = try BlockFile.open(self.paths.image(of: base), writable: false)
        do {
            let clone = try image.clone(to: self.stage.image)
            try clone.resize(to: size)
            return true
        } catch let error where error.code == .unsupported {
            return false
        } catch {
            throw error
        }
    }

    private func makeDigests(_ record: StageRecord) throws(StoreError) {
        guard record.backend == .clone, let base = record.base else {
            _ = try DigestFile.create(self.stage.digests)
            return
        }
        let digests = try DigestFile.open(self.paths.digests(of: base), writable: false)
        _ = try digests.copy(to: self.stage.digests)
    }

    private func open(_ record: StageRecord) throws(StoreError) -> StageFiles {
        let target =
            switch record.backend {
            case .clone, .fresh: try BlockFile.open(self.stage.image, writable: true)
            case .journal: try BlockFile.open(self.stage.journal, writable: true)
            case .direct: try self.openInPlace(nil, writable: true)
            }
        let needsBase = record.mode.needsBase
        var base: BaseView?
        var baseDigests: DigestFile?
        if needsBase, let generation = record.base {
            base = BaseView(
                try self.openInPlace(generation, writable: false),
                baseSize: generation.generation.size,
                targetSize: record.target.size
            )
            baseDigests = try DigestFile.open(
                self.paths.digests(of: generation),
                writable: false
            )
        }
        return StageFiles(
            target: target,
            direct: self.openDirect(target.path, record.backend),
            log: try BlockFile.open(self.stage.log, writable: true),
            digests: try DigestFile.open(self.stage.digests, writable: true),
            base: base,
            baseDigests: baseDigests,
            inheritsDigests: needsBase,
            mustBeWritten: self.foreignBytes(record)
        )
    }

    private func openDirect(_ path: String, _ backend: StageBackend) -> BlockFile? {
        switch backend {
        case .journal:
            // Read again soon, when it is applied: that should find it in memory.
            nil
        case .clone, .fresh, .direct:
            // Where that fails the page cache takes everything, as it does for what is small.
            try? BlockFile.openDirect(path, writable: true)
        }
    }

    /// The bytes of the target that are neither the base's nor zero.
    private func foreignBytes(_ record: StageRecord) -> Extent? {
        let size = ByteOffset(record.target.size.bytes)
        let start: ByteOffset
        switch record.backend {
        case .clone, .fresh:
            return nil
        case .direct:
            start = .zero
        case .journal:
            // After the end of the base a device has whatever was there before.
            start =
                record.mode.needsBase
                ? ByteOffset(record.base?.generation.size.bytes ?? 0) : .zero
        }
        return start < size ? Extent(start, size) : nil
    }

    /// The bytes of a generation: its image, or the device that the volume lies on.
    func openInPlace(
        _ generation: GenerationRecord?,
        writable: Bool
    ) throws(StoreError) -> BlockFile {
        switch self.volume.backing {
        case .attached(let path, _):
            return try BlockFile.open(path, writable: writable)
        case .pool:
            guard let generation else {
                throw StoreError(
                    .invalid,
                    "a direct stage needs an attached device",
                    path: self.paths.directory
                )
            }
            return try BlockFile.open(self.paths.image(of: generation), writable: writable)
        }
    }
}

extension StageFiles {
    /// Writes staged bytes; large aligned chunks past the page cache.
    ///
    /// Measured with three threads on ext4 and two busy cores: 0.5 s of system time for each GiB
    /// instead of 2, in a third of the time, and a sync that has nothing left to do. What is small goes
    /// through the cache, which makes large writes of it.
    func write(
        _ chunk: borrowing ChunkBuffer,
        _ range: Range<Int>,
        at place: ByteOffset,
        using scratch: inout StageScratch
    ) throws(StoreError) {
        if let direct = self.direct(for: range, at: place) {
            do throws(StoreError) {
                return try direct.write(chunk, range, at: place)
            } catch {
                // A device may ask for more than 4 KiB.
                guard error.code == .invalid || error.code == .unsupported else { throw error }
            }
        }
        try self.target.write(chunk, range, at: place)
        if let due = scratch.noteWritten(Extent(at: place, length: ByteCount(range.count))) {
            self.target.startWriteback(due)
        }
    }

    /// The target past the page cache, where a chunk is large and aligned enough for that.
    func direct(for range: Range<Int>, at place: ByteOffset) -> BlockFile? {
        let unit = Geometry.granule.bytes
        guard range.count >= ReplicaLimits.directWrite.bytes,
            range.lowerBound.isMultiple(of: unit), range.count.isMultiple(of: unit),
            place.bytes.isMultiple(of: unit)
        else { return nil }
        return self.direct
    }
}

extension BlockFile {
    /// Sets the size of a file; a device keeps its own, which may be larger than the volume.
    func resizeFile(to size: ByteCount) throws(StoreError) {
        if !self.isBlockDevice { try self.resize(to: size) }
    }
}
