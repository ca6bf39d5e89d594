// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import VolumeStore

// Targets: frozen by the run itself, or given to it because they were frozen with others.

extension ReplicationRun {
    /// What there is to say where the given target was recorded as committed before.
    ///
    /// A kill may come between that record and whoever waits for the run.
    var knownResult: ReplicationResult? {
        guard let given = self.request.target, let committed = self.pair.committed,
            committed.snapshot == given.snapshot
        else { return nil }
        let commit = ReplicationCommit(
            generation: committed,
            mode: .incremental,
            reason: nil,
            outcome: .none,
            changeSource: .storedDigests
        )
        return self.result(of: commit, former: committed)
    }

    /// The given target, taken into use, or what the volume holds now.
    func newTarget() throws(ReplicationError) -> SourceSnapshot {
        guard let given = self.request.target else {
            var generator = self.environment.generator
            let snapshot = SnapshotID.random(using: &generator)
            return try self.stored { (volume, _) throws(StoreError) in
                try volume.freeze(snapshot)
            }
        }
        let target = try self.stored { (volume, _) throws(StoreError) in
            try volume.reopen(given.number, given.snapshot)
        }
        guard let target else {
            throw ReplicationError(
                .sourceChanged,
                "the frozen view \(given.snapshot) is gone",
                remedy: "Freeze the volume again."
            )
        }
        do throws(ReplicationError) {
            // Read where it lies, it may have been thawed and written since it was frozen.
            try self.stored { (_, _) throws(StoreError) in try target.checkUnwritten() }
        } catch {
            self.volume.release(target)
            throw error
        }
        return target
    }
}
