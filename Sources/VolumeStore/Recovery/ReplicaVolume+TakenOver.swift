// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Locks

// A replica that was a source before, while nobody has proven its bytes.

extension ReplicaVolume {
    /// Opens the bytes of a former source as they are, although nobody has proven them.
    ///
    /// For who wants them after all: the side that they were to follow may be gone for good.
    ///
    /// - Returns: a reader of what was written here, cut or grown to the common size.
    /// - Throws: `invalid` for a replica that is proven; `busy` while a switch is under way.
    func openUnproven() throws(StoreError) -> ReplicaReader {
        let (record, visible) = try self.state.withLock { (state) throws(StoreError) in
            guard !state.commit.isProven, let visible = state.commit.visible else {
                throw StoreError(.invalid, "its bytes are proven", path: self.directory)
            }
            guard !state.isSwitching, state.commit.pending == nil, !state.isDeleted else {
                throw StoreError(.busy, "the volume is being switched", path: self.directory)
            }
            state.readers += 1
            return (state.record, visible)
        }
        do throws(StoreError) {
            return ReplicaReader(
                of: visible.generation,
                volume: self,
                file: try self.factory(for: record).openInPlace(visible, writable: false),
                digests: try DigestFile.open(self.paths.digests(of: visible), writable: false)
            )
        } catch {
            self.endReading()
            throw error
        }
    }

    /// Gives the bytes that a verifying run will look at the size that its base has.
    ///
    /// What was cut off or added since must not come back as bytes of a later generation.
    func fitUnproven() throws(StoreError) {
        let (record, commit) = self.state.withLock { ($0.record, $0.commit) }
        guard !commit.isProven, let visible = commit.visible else { return }
        let file = try self.factory(for: record).openInPlace(visible, writable: true)
        guard !file.isBlockDevice, try file.size() != visible.generation.size else { return }
        try file.resizeFile(to: visible.generation.size)
        try file.sync()
    }

    /// Notes what the run that has proven the bytes found: the writes that the failback lost.
    ///
    /// Decides nothing, so that what fails here changes nothing. A transfer that was gone on with has
    /// not counted all of them: then the number stays unknown.
    func noteLostLeaves(_ stage: Stage) {
        let record = self.state.withLock { state -> VolumeRecord? in
            guard stage.record.mode == .fullVerify, !stage.isResumed,
                let taken = state.record.takenOver,
                taken.hasCommonDigests, taken.lostLeaves == nil
            else { return nil }
            state.record.takenOver?.lostLeaves = UInt64(stage.driftedLeaves)
            return state.record
        }
        if let record { try? StateFile.store(record, to: self.paths.volume) }
    }
}
