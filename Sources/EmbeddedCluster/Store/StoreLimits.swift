// SPDX-License-Identifier: Apache-2.0

/// What the store refuses to exceed, and why each bound has its value.
public struct StoreLimits: Sendable, Hashable {
    /// Bytes of one object's JSON: what the real server takes in one request.
    public var objectBytes = 3 << 20

    /// Changes that are kept for watches and for lists in pages.
    ///
    /// The real server keeps five minutes. This is a few minutes of two thousand migrations at once.
    public var historyChanges = 20_000

    /// Bytes that the kept changes may take, for clusters of large objects.
    public var historyBytes = 128 << 20

    /// Watches at one time: each costs a task and its buffer.
    public var watchers = 4096

    /// Changes that wait for one slow watcher before it is ended with 410.
    public var watcherChanges = 4096

    /// Objects in one page of a list that asks for pages.
    public var listPage = 10_000

    /// Writes that share one commit, and so one flush of the disk.
    public var writesPerCommit = 64

    /// The default bounds.
    public init() {}
}
