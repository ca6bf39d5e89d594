// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// Writes how far the objects of a Migration are, seldom: each write carries all of them.
actor ResourceProgress {
    private let interval: Duration
    private let elapsed: @Sendable () -> Duration
    private let write: @Sendable (KubeObject, [MigratedResource]) async throws -> KubeObject
    private var last: Duration
    private var isWriting = false

    /// The Migration as it was written last.
    private(set) var migration: KubeObject

    /// Nothing is written before `interval` has passed.
    ///
    /// - Parameters:
    ///   - migration: as it is now.
    ///   - interval: the least time between two writes.
    ///   - elapsed: a clock that nobody sets.
    ///   - write: writes the entries over a version, and returns the next one.
    init(
        _ migration: KubeObject,
        every interval: Duration,
        elapsed: @escaping @Sendable () -> Duration,
        write: @escaping @Sendable (KubeObject, [MigratedResource]) async throws -> KubeObject
    ) {
        self.migration = migration
        self.interval = interval
        self.elapsed = elapsed
        self.write = write
        self.last = elapsed()
    }

    /// Hears that an object has come to its end.
    ///
    /// - Parameter entries: all objects as they are now; not asked for where nothing is written.
    func heard(_ entries: @Sendable () -> [MigratedResource]) async {
        guard !self.isWriting, self.elapsed() - self.last >= self.interval else { return }
        self.isWriting = true
        // What cannot be written now stands in the way of the last write too, and is told there.
        if let written = try? await self.write(self.migration, entries()) {
            self.migration = written
        }
        self.last = self.elapsed()
        self.isWriting = false
    }
}
