// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes

/// Performs a switch that a commit record has decided; may be stopped anywhere and begun again.
///
/// ```
///  commit record ─▶ rename, adopt:  stage/ becomes generations/<target>/
///                   apply:          journal into the base's bytes, digests into the base's
///                                   digests, generations/<base>/ becomes generations/<target>/
///               ─▶ sync of both directories ─▶ final record ─▶ older generations removed
/// ```
/// Each step looks at what is there and does what is left: P1 holds because nobody reads before the
/// final record, and because every step gives the same result when it is done again.
struct CommitSwitcher {
    let volume: VolumeRecord
    let paths: ReplicaPaths
    let hook: CrashHook

    /// Finishes the switch, up to what readers need; the record is still the commit record.
    ///
    /// - Parameters:
    ///   - pending: what was decided.
    ///   - stage: what it was staged as; nil where only the disk knows.
    /// - Throws: `corrupt` for a journal that cannot be applied whole; nothing has changed then. What
    ///   the disk refused.
    func perform(
        _ pending: CommitRecord.Pending,
        of stage: StageRecord?
    ) throws(StoreError) {
        switch pending.method {
        case .rename, .adopt: try self.rename(to: pending.target)
        case .apply: try self.apply(pending, of: stage)
        }
        try self.hook(.switched)
        try DurableFile.syncDirectory(self.paths.generations)
        switch pending.method {
        // The stage left it.
        case .rename, .adopt: try DurableFile.syncDirectory(self.paths.directory)
        case .apply: break
        }
        try self.hook(.switchSynced)
    }

    private func rename(to target: GenerationRecord) throws(StoreError) {
        let directory = self.paths.directory(of: target)
        guard !PoolDirectory.exists(directory) else { return }
        try PoolDirectory.rename(self.paths.stage.directory, to: directory)
    }

    private func apply(
        _ pending: CommitRecord.Pending,
        of staged: StageRecord?
    ) throws(StoreError) {
        let target = pending.target
        if !PoolDirectory.exists(self.paths.directory(of: target)) {
            let stage = if let staged { staged } else { try self.loadStage() }
            try self.applyJournal(pending, of: stage)
        }
        try StateFile.store(target, to: self.paths.record(of: target))
    }

    private func loadStage() throws(StoreError) -> StageRecord {
        let path = self.paths.stage.record
        guard let stage = try StateFile.load(StageRecord.self, from: path) else {
            throw StoreError(
                .corrupt,
                "the commit record names a journal that is not there",
                path: path
            )
        }
        return stage
    }

    private func applyJournal(
        _ pending: CommitRecord.Pending,
        of stage: StageRecord
    ) throws(StoreError) {
        let target = pending.target
        let stagePaths = self.paths.stage
        guard let base = stage.visible else {
            throw StoreError(
                .corrupt,
                "the journal does not say what it is applied to",
                path: stagePaths.record
            )
        }
        let factory = StageFactory(
            volume: self.volume,
            paths: self.paths,
            reflink: .never,
            spare: nil,
            hook: self.hook
        )
        let journal = try StageJournal(of: stage, in: stagePaths)
        // First, and all of it: while nothing is applied, the base is still whole on the disk.
        try journal.check(pending)
        let staged =
            stage.mode.needsBase ? try DigestFile.open(stagePaths.digests, writable: false) : nil
        let pages = try staged.map { (file) throws(StoreError) in try DigestPageMap(of: file) }
        let image = try factory.openInPlace(base, writable: true)
        try image.resizeFile(to: target.generation.size)
        try self.replay(journal, pending, onto: image)
        try self.hook(.journalApplied)
        try image.sync()
        if let staged, let pages {
            try self.apply(pages, of: staged, over: base)
        } else {
            try self.adoptDigests(over: base)
        }
        try self.hook(.journalSynced)
        // Last, because it is what tells that nothing is left to be done here.
        try PoolDirectory.rename(
            self.paths.directory(of: base),
            to: self.paths.directory(of: target)
        )
    }

    private func replay(
        _ journal: StageJournal,
        _ pending: CommitRecord.Pending,
        onto image: BlockFile
    ) throws(StoreError) {
        var buffer = ChunkBuffer(capacity: ReplicaLimits.copyStep, isKept: true)
        var written: Extent?
        try journal.visit(pending.journalRecords) { (record) throws(StoreError) in
            switch record.kind {
            case .data:
                try self.copy(record, from: journal.bytes, to: image, through: &buffer)
                written = self.writeBack(record.extent, after: written, in: image)
            case .zeros:
                try image.zero(record.extent)
            case .drifted:
                break
            }
        }
    }

    private func copy(
        _ record: StageLogRecord,
        from journal: BlockFile,
        to image: BlockFile,
        through buffer: inout ChunkBuffer
    ) throws(StoreError) {
        var done = 0
        while done < record.extent.length.bytes {
            let length = min(record.extent.length.bytes - done, buffer.capacity)
            let place = record.extent.start + ByteCount(done)
            try journal.read(
                at: record.position + ByteCount(done),
                length: length,
                into: &buffer,
                at: 0
            )
            try image.write(buffer, 0..<length, at: place)
            done += length
        }
    }

    /// Lets the disk begin with what was written, some MiB at a time: a request for each page would cost
    /// more than the page.
    ///
    /// - Returns: what it was not told of yet.
    private func writeBack(_ extent: Extent, after written: Extent?, in image: BlockFile) -> Extent
    {
        guard let written else { return extent }
        if extent.start >= written.end {
            let both = Extent(written.start, extent.end)
            if both.length <= ReplicaLimits.writebackStep { return both }
        }
        image.startWriteback(written)
        return extent
    }

    private func apply(
        _ pages: DigestPageMap,
        of staged: DigestFile,
        over base: GenerationRecord
    ) throws(StoreError) {
        let digests = try DigestFile.open(self.paths.digests(of: base), writable: true)
        try pages.visit { (level, index) throws(StoreError) in
            let page = try staged.read(level: level, index: index) ?? DigestPage.zero
            try digests.write(page, level: level, index: index)
        }
        try digests.sync()
    }

    /// Nothing was inherited: the stage's digests are all that there are.
    private func adoptDigests(over base: GenerationRecord) throws(StoreError) {
        guard PoolDirectory.exists(self.paths.stage.digests) else { return }
        try PoolDirectory.rename(self.paths.stage.digests, to: self.paths.digests(of: base))
        try DurableFile.syncDirectory(self.paths.directory(of: base))
    }
}
