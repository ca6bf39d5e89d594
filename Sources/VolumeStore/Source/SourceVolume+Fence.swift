// SPDX-License-Identifier: Apache-2.0

import Locks

// A fence: the volume is not replicated, and the pair for which it was fenced may take it over.
// Durable, because a source that comes back after a failover must not send what nobody wants.

extension SourceVolume {
    /// Why the volume is not replicated; nil where it is.
    public var fence: FenceRecord? { self.state.withLock { $0.fence } }

    /// Ends the replication of the volume; durable when it returns.
    ///
    /// Runs that are under way end at their next attempt; the caller cancels them.
    ///
    /// - Parameters:
    ///   - cluster: for whom; nil lets any pair of the volume take it over.
    ///   - seconds: now, since 1970 in UTC; an earlier fence keeps its time.
    /// - Returns: the fence that holds.
    /// - Throws: what storing it failed with.
    @discardableResult
    public func fence(by cluster: String?, at seconds: UInt64) throws(StoreError) -> FenceRecord {
        try self.locked { (state) throws(StoreError) in
            try self.checkPresent(state)
            let fence = FenceRecord(by: cluster, since: state.fence?.since ?? seconds)
            try StateFile.store(fence, to: Self.fencePath(in: self.directory))
            state.fence = fence
            return fence
        }
    }

    /// Lets the volume be replicated again; durable when it returns.
    ///
    /// - Throws: what removing the record failed with.
    public func unfence() throws(StoreError) {
        try self.locked { (state) throws(StoreError) in
            try self.checkPresent(state)
            try DurableFile.remove(Self.fencePath(in: self.directory))
            state.fence = nil
        }
    }

    /// Notes, durably, whether the former owner may have become a replica of this volume.
    ///
    /// - Throws: what storing it failed with.
    public func noteTakeOver(asked: Bool) throws(StoreError) {
        try self.locked { (state) throws(StoreError) in
            try self.checkPresent(state)
            guard let fork = state.volume.fork, fork.askedTakeOver != asked else { return }
            var volume = state.volume
            volume.fork?.askedTakeOver = asked
            try StateFile.store(volume, to: Self.volumePath(in: self.directory))
            state.volume = volume
        }
    }

    /// Throws where the volume is not a source any more, or is just about not to be.
    func checkPresent(_ state: State) throws(StoreError) {
        guard !state.isDeleted else {
            throw StoreError(.notFound, "the volume was deleted", path: self.directory)
        }
        guard !state.isChanging else {
            throw StoreError(.busy, "the volume changes its role", path: self.directory)
        }
    }

    // MARK: Changing the role

    /// Keeps runs, snapshots and deletions away while the volume's directory is exchanged.
    ///
    /// - Throws: `busy` while it is sent or a snapshot of it is read.
    func beginChange() throws(StoreError) {
        try self.locked { (state) throws(StoreError) in
            try self.checkPresent(state)
            guard state.busyPairs.isEmpty, state.users.isEmpty else {
                throw StoreError(.busy, "the volume is being sent", path: self.directory)
            }
            state.isChanging = true
        }
    }

    /// Ends a change; the object stands for nothing any more where it has succeeded.
    func endChange(isGone: Bool) {
        self.state.withLock { state in
            state.isChanging = false
            if isGone { state.isDeleted = true }
        }
    }
}
