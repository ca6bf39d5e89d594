// SPDX-License-Identifier: Apache-2.0

import BlockDiff
public import BlockTypes
import Locks
import Synchronization

// The commit, in the order that P1, P2 and P3 ask for:
//
//   1 everything staged durable          Stage.prove
//   2 root computed here = sender's      a wrong one changes nothing
//   3 digests durable
//   4 the stage is a whole generation
//   5 commit record durable              from here on the target is the volume's generation
//   6 switch, directories synced         repeated after a crash (CommitSwitcher)
//   7 final record durable               readers may come; only now COMMITTED is said
//   8 older generations removed
//
// A failure before 5 leaves the base visible and the stage as it was; after 5, the target, once
// ``ReplicaVolume/recover()`` has succeeded.

extension ReplicaVolume {
    /// Makes a stage the visible generation, if it is what the sender says (P1, P2, P3).
    ///
    /// No writer may be at work. Nothing is cleaned up on failure: the caller closes or discards.
    ///
    /// - Parameters:
    ///   - stage: what was staged.
    ///   - expected: the sender's root.
    ///   - whenVisible: called with the generation as soon as it is visible and durable. What is left
    ///     then is tidying, for which nobody has to wait: XFS takes some 15 ms to remove an image in
    ///     some thousand pieces.
    /// - Returns: the generation, which is visible and durable.
    /// - Throws: `rootMismatch`: nothing has changed, the stage can only be discarded. `store`: with
    ///   `busy` while readers hold a target that is changed in place; nothing has changed, try again.
    ///   For other codes see ``needsRecovery``.
    public func commit(
        _ stage: Stage,
        expecting expected: RootDigest,
        whenVisible: (Generation) -> Void = { _ in }
    ) throws(StageError) -> Generation {
        let found = try stage.prove(isShownNext: true)
        guard found == expected else {
            throw .rootMismatch(expected: expected, found: found)
        }
        let generation = stage.record.target.generation(root: found)
        try storing { () throws(StoreError) in
            try self.options.hook(.rootProven)
            let wasProven = self.isProven
            let pending = try self.seal(stage, as: generation)
            try self.beginSwitch(pending)
            try self.finish(pending, of: stage.record) { whenVisible(generation) }
            if !wasProven { self.noteLostLeaves(stage) }
        }
        return generation
    }

    /// Steps 3 and 4: the stage gets everything that it needs as a generation.
    func seal(
        _ stage: Stage,
        as generation: Generation
    ) throws(StoreError) -> CommitRecord.Pending {
        let paths = self.paths.stage
        let backend = stage.record.backend
        do throws(StoreError) {
            try stage.digests.withLock { (tree) throws(StoreError) in
                try tree.flush()
                try tree.store.sync()
            }
        } catch {
            stage.failed.store(true, ordering: .releasing)
            throw error
        }
        try self.options.hook(.digestsSynced)
        let base = backend == .clone ? stage.record.visible?.generation.number : nil
        let target = GenerationRecord(
            generation,
            algorithm: self.record.algorithm,
            clonedFrom: base
        )
        var records: Int?
        switch backend {
        case .clone, .fresh, .direct: try StateFile.store(target, to: paths.generation)
        case .journal: records = try self.sealJournal(stage)
        }
        // The record came last: with it the stage's directory was synced, as a journal's when it began.
        // What an earlier, undecided commit of the same target may have left must not be mistaken
        // for the finished switch.
        if PoolDirectory.exists(self.paths.directory(of: target)) {
            try PoolDirectory.remove(self.paths.directory(of: target))
            try DurableFile.syncDirectory(self.paths.generations)
        }
        try self.options.hook(.generationRecorded)
        let method: CommitSwitch =
            switch backend {
            case .clone, .fresh: .rename
            case .journal: .apply
            case .direct: .adopt
            }
        return CommitRecord.Pending(target, by: method, journalRecords: records)
    }

    /// What applying a journal needs, made sure of while the commit can still be refused.
    ///
    /// - Returns: the number of records that will have to be applied.
    /// - Throws: `noSpace` where they could not be applied; nothing has changed then.
    private func sealJournal(_ stage: Stage) throws(StoreError) -> Int {
        let pages = stage.digests.withLock { $0.store.present }
        let records = stage.log.withLock { $0.count }
        if let base = stage.record.visible {
            let image = try self.factory(for: self.record).openInPlace(base, writable: true)
            let digests =
                stage.record.mode.needsBase
                ? try DigestFile.open(self.paths.digests(of: base), writable: true) : nil
            try StageJournal(of: stage.record, in: self.paths.stage)
                .reserve(records, in: image, pages, in: digests)
        }
        return records
    }

    /// Step 5; before it, readers of bytes that will change in place are kept out.
    func beginSwitch(_ pending: CommitRecord.Pending) throws(StoreError) {
        let record = try self.state.withLock { (state) throws(StoreError) in
            guard state.readers == 0 || pending.method != .apply else {
                throw StoreError(
                    .busy,
                    "the visible generation is being read by \(state.readers)",
                    path: self.directory
                )
            }
            state.isSwitching = true
            var record = state.commit
            record.pending = pending
            return record
        }
        do throws(StoreError) {
            try StateFile.store(record, to: self.paths.commit)
            self.state.withLock { $0.commit = record }
            try self.options.hook(.commitRecorded)
        } catch {
            // Nobody knows whether the record is there. What is on the disk decides, and it may
            // only be read after everything else of ours has stopped.
            self.state.withLock { $0.commit = record }
            throw error
        }
    }

    /// Steps 6 to 8; also what ``recover()`` does after a crash.
    ///
    /// - Parameters:
    ///   - pending: what was decided.
    ///   - stage: what it was staged as; nil where only the disk knows.
    ///   - whenVisible: called before the tidying.
    /// - Throws: what the disk refused; ``recover()`` goes on with what is left.
    func finish(
        _ pending: CommitRecord.Pending,
        of stage: StageRecord? = nil,
        whenVisible: () -> Void = {}
    ) throws(StoreError) {
        let (volume, commit) = self.state.withLock { ($0.record, $0.commit) }
        let switcher = CommitSwitcher(
            volume: volume,
            paths: self.paths,
            hook: self.options.hook
        )
        try switcher.perform(pending, of: stage)
        let final = CommitRecord(
            visible: pending.target,
            kept: self.keptGenerations(after: pending, commit)
        )
        try StateFile.store(final, to: self.paths.commit)
        try self.options.hook(.commitFinished)
        self.state.withLock { state in
            state.commit = final
            state.isSwitching = false
            state.stage = nil
            state.prepared = nil
            state.spare = nil
            state.record.size = pending.target.generation.size
        }
        whenVisible()
        // The rest is tidying: what fails here is tried again when the volume is opened.
        try? self.tidy(isSizeNew: volume.size != pending.target.generation.size)
        try self.options.hook(.oldGenerationsRemoved)
    }

    /// The generations to keep: those that share blocks with the target, one clone after the other.
    private func keptGenerations(
        after pending: CommitRecord.Pending,
        _ commit: CommitRecord
    ) -> [GenerationRecord] {
        // What nobody has proven is no generation to keep.
        guard pending.method == .rename, commit.isProven else { return [] }
        var kept: [GenerationRecord] = []
        var newest = pending.target
        let older = [commit.visible].compactMap(\.self) + commit.kept
        let wanted = self.options.keptGenerations()
        for generation in older where kept.count + 1 < wanted {
            guard newest.clonedFrom == generation.generation.number else { break }
            kept.append(generation)
            newest = generation
        }
        return kept
    }

    /// Removes what a switch leaves that has just been finished.
    private func tidy(isSizeNew: Bool) throws(StoreError) {
        try self.removeGenerations()
        if isSizeNew { try StateFile.store(self.record, to: self.paths.volume) }
        // Whatever lies there is over a generation that is not shown any more.
        try self.paths.stage.remove()
        try self.removeLeftovers()
    }

    /// Removes what no record names, whoever left it.
    private func removeGarbage() throws(StoreError) {
        try self.removeGenerations()
        let (record, visible) = self.state.withLock { ($0.record, $0.commit.visible) }
        if let visible {
            // The record of the volume follows the generation; it decides nothing.
            let stored = try StateFile.load(VolumeRecord.self, from: self.paths.volume)
            if stored?.size != visible.generation.size {
                try StateFile.store(record, to: self.paths.volume)
            }
        }
        let staged = try? self.stagedTransfer()
        if staged == nil || staged?.visible != visible { try self.paths.stage.remove() }
        try self.removeLeftovers()
    }

    /// Removes generations that no record names, and what a stage leaves beside its image.
    private func removeGenerations() throws(StoreError) {
        let commit = self.state.withLock { $0.commit }
        let named = ([commit.visible].compactMap(\.self) + commit.kept).map(\.directory)
        for name in try PoolDirectory.names(in: self.paths.generations)
        where !named.contains(name) {
            try PoolDirectory.remove("\(self.paths.generations)/\(name)")
        }
        guard let visible = commit.visible else { return }
        let rest = StagePaths(directory: self.paths.directory(of: visible))
        for path in [rest.record, rest.log, rest.journal, rest.prepared] {
            try PoolDirectory.remove(path)
        }
    }

    private func removeLeftovers() throws(StoreError) {
        // A verification that is running has its file open, and needs no name.
        for name in try PoolDirectory.names(in: self.directory)
        where name.hasPrefix(ReplicaPaths.verificationPrefix) {
            try PoolDirectory.remove("\(self.directory)/\(name)")
        }
        if self.state.withLock({ $0.spare == nil }) {
            try PoolDirectory.remove(self.paths.spare)
        }
    }

    /// Finishes what a crash interrupted; after it the volume shows its base or its target (P1).
    ///
    /// Called when the store opens the volume, before anybody reads; may be called again.
    ///
    /// - Throws: what the disk refused; nothing can be read until a later call succeeds.
    public func recover() throws(StoreError) {
        let isFree = self.state.withLock { state in
            guard !state.isStaging, !state.isDeleted, state.readers == 0 else { return false }
            state.isStaging = true
            return true
        }
        guard isFree else {
            throw StoreError(.busy, "the volume is in use", path: self.directory)
        }
        defer { self.state.withLock { $0.isStaging = false } }
        // From the disk, not from memory: a record whose write failed may be there or not.
        let commit = try self.paths.loadCommit()
        self.state.withLock { state in
            state.commit = commit
            state.isSwitching = commit.pending != nil
            state.record.size = commit.visible?.generation.size ?? state.record.size
        }
        if let pending = commit.pending {
            try self.finish(pending)
        } else {
            try self.fitUnproven()
        }
        try self.removeGarbage()
    }
}
