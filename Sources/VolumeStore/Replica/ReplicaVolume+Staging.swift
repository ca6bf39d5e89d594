// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Locks
import Synchronization

extension ReplicaVolume {
    /// Opens the stage for a transfer: continues one that brings the same, or begins a new one.
    ///
    /// A stage of another transfer is thrown away. The caller has the volume for itself until
    /// ``close(_:)``.
    ///
    /// - Returns: the stage, with what is already durable.
    /// - Throws: `store` with `busy` while another session has the volume, or while a switch is not
    ///   finished; with `wrongBase` when the base is not the visible generation, or the target not
    ///   newer than it (P4).
    public func openStage(_ request: StageRequest) throws(StageError) -> Stage {
        let (record, commit, kept) = try storing { () throws(StoreError) in
            try self.beginStaging()
        }
        do throws(StageError) {
            let stage = try self.stage(for: request, record, commit, kept)
            self.state.withLock { $0.stage = stage }
            return stage
        } catch {
            self.state.withLock { state in
                state.isStaging = false
                state.stage = nil
            }
            throw error
        }
    }

    func beginStaging() throws(StoreError) -> (VolumeRecord, CommitRecord, Stage?) {
        try self.state.withLock { (state) throws(StoreError) in
            guard !state.isDeleted else {
                throw StoreError(.notFound, "the volume was deleted", path: self.directory)
            }
            guard !state.isStaging, state.commit.pending == nil else {
                throw StoreError(.busy, "the volume has a session already", path: self.directory)
            }
            state.isStaging = true
            // Whoever has the stage may write to it: what was proven of it has to be proven again.
            state.prepared = nil
            return (state.record, state.commit, state.stage)
        }
    }

    private func stage(
        for request: StageRequest,
        _ record: VolumeRecord,
        _ commit: CommitRecord,
        _ kept: Stage?
    ) throws(StageError) -> Stage {
        let visible = commit.visible
        let isBase = request.base == visible?.generation
        // An incremental builds on bytes that were proven; a verifying run proves them.
        let isUsable = commit.isProven || request.mode != .incremental
        guard !request.mode.needsBase || (isBase && isUsable), record.fits(request) else {
            throw .store(
                StoreError(
                    .wrongBase,
                    "the visible generation is not the base of the transfer",
                    path: self.directory
                )
            )
        }
        // Its directory could be that of a generation that is shown.
        if let visible, request.target.number <= visible.generation.number {
            throw .store(
                StoreError(
                    .wrongBase,
                    "generation \(visible.generation.number.number) is visible, the transfer "
                        + "brings \(request.target.number.number), which is not newer",
                    path: self.directory
                )
            )
        }
        let spare = self.state.withLock { state in
            defer { state.spare = nil }
            return state.spare
        }
        let factory = self.factory(for: record, spare: spare)
        let stored = try storing { () throws(StoreError) in try self.usableStage(visible) }
        let base = request.mode.needsBase ? request.base : nil
        if !request.discardsPartial, let stored,
            stored.continues(as: request.mode, base: base, target: request.target)
        {
            if let kept, kept.record == stored, !kept.isFailed, !kept.isTorn {
                kept.resumed.store(true, ordering: .releasing)
                return kept
            }
            do throws(StageError) {
                return try factory.resume(stored)
            } catch {
                // A file of it is missing: it costs a new start, not every start from now on.
                guard case .store(let failure) = error, failure.code == .notFound else {
                    throw error
                }
            }
        }
        return try storing { () throws(StoreError) in
            try factory.begin(request, over: visible)
        }
    }

    /// The stage on the disk, when it was made over what is visible now and can be read.
    private func usableStage(
        _ visible: GenerationRecord?
    ) throws(StoreError) -> StageRecord? {
        do {
            let stored = try self.stagedTransfer()
            return stored?.visible == visible ? stored : nil
        } catch let error where error.code == .corrupt || error.code == .unsupported {
            // Costs a new start; what was staged cannot be believed.
            return nil
        } catch {
            throw error
        }
    }

    /// Ends a session: the stage stays for a resumption unless it failed or can only start again.
    ///
    /// No writer may be at work. Does nothing after a commit. Who keeps the object saves the next
    /// session of this process from reading everything again.
    ///
    /// - Throws: `store` when the last flush or the removal of a failed stage failed.
    public func close(_ stage: Stage) throws(StageError) {
        defer { self.state.withLock { $0.isStaging = false } }
        guard self.owns(stage) else { return }
        do throws(StageError) {
            try stage.suspend()
        } catch {
            try self.remove(stage)
            throw error
        }
        let isWhole = stage.ledger.withLock { !$0.isTruncated }
        // What is not remembered extent by extent must be read from the disk again.
        if !isWhole { self.state.withLock { $0.stage = nil } }
    }

    /// Throws a stage away and ends its session.
    ///
    /// - Throws: `store` when its files could not be removed; the next stage will try again.
    public func discard(_ stage: Stage) throws(StageError) {
        defer { self.state.withLock { $0.isStaging = false } }
        guard self.owns(stage) else { return }
        try self.remove(stage)
    }

    /// Throws away what an ended session left; nothing happens while one is open.
    ///
    /// - Returns: whether there was something.
    /// - Throws: when its files could not be removed.
    @discardableResult
    public func discardLeftover() throws(StoreError) -> Bool {
        let isFree = self.state.withLock { state in
            guard !state.isStaging, !state.isDeleted, state.commit.pending == nil else {
                return false
            }
            state.isStaging = true
            state.stage = nil
            state.prepared = nil
            return true
        }
        guard isFree else { return false }
        defer { self.state.withLock { $0.isStaging = false } }
        guard PoolDirectory.exists(self.paths.stage.directory) else { return false }
        try self.paths.stage.remove()
        return true
    }

    private func owns(_ stage: Stage) -> Bool {
        self.state.withLock { $0.stage === stage }
    }

    private func remove(_ stage: Stage) throws(StageError) {
        // A decided switch needs the stage, whatever became of the session.
        guard !self.needsRecovery else { return }
        self.state.withLock { state in
            state.stage = nil
            state.prepared = nil
        }
        try storing { () throws(StoreError) in
            try self.paths.stage.remove()
        }
    }
}

extension VolumeRecord {
    /// Whether the request speaks of this volume and its history (P4).
    fileprivate func fits(_ request: StageRequest) -> Bool {
        request.target.volume == self.volume && request.target.lineage == self.lineage
    }
}
