// SPDX-License-Identifier: Apache-2.0

import Locks

extension ReplicaVolume {
    /// Clones the visible image ahead of the next incremental, which begins with such a clone.
    ///
    /// XFS takes about 15 µs for each extent of a file, so a sender would wait 50 ms for an image in
    /// some thousand pieces, and seconds for a badly fragmented one. Between two transfers nobody
    /// waits. The spare shares every block with the visible image and is believed only by the process
    /// that made it: at the next opening of the volume it is garbage.
    ///
    /// The caller has the session: call it after ``commit(_:expecting:)``, before ``close(_:)``.
    /// Whatever prevents the clone is no failure: the next stage makes its own.
    public func prepareNext() {
        let (record, visible) = self.state.withLock { ($0.record, $0.commit.visible) }
        guard record.backing == .pool, self.options.reflink == .automatic, let visible,
            self.state.withLock({ $0.spare == nil && !$0.isDeleted })
        else { return }
        let made: Void? = try? {
            try PoolDirectory.remove(self.paths.spare)
            let image = try BlockFile.open(self.paths.image(of: visible), writable: false)
            _ = try image.clone(to: self.paths.spare)
        }()
        guard made != nil else { return }
        self.state.withLock { $0.spare = visible }
    }
}
