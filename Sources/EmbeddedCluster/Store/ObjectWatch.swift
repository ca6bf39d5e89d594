// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// What a watch asks for.
public struct WatchQuery: Sendable, Hashable {
    /// Which objects.
    public var selection: ObjectSelection
    /// The version after which changes are told; nil or "0" to begin with what is there now.
    public var resourceVersion: String?
    /// Whether to tell what is there first, and then a bookmark that says so.
    public var sendsInitialEvents = false
    /// Whether the client understands bookmarks.
    public var allowsBookmarks = false

    /// A watch of a selection; everything by default.
    public init(
        _ selection: ObjectSelection = ObjectSelection(),
        from resourceVersion: String? = nil
    ) {
        self.selection = selection
        self.resourceVersion = resourceVersion
    }
}

/// The changes of a selection, one after the other, without a gap and without repeats.
///
/// It ends after an event of the kind `.error`, when the store closes, or when the task that iterates
/// is cancelled. One iteration only; letting go of it ends the watch.
public struct ObjectWatch: AsyncSequence, Sendable {
    /// What is told.
    public typealias Element = WatchEvent

    let subscription: Subscription
    let start: Start

    /// Where a watch begins.
    enum Start: Sendable {
        /// After a version that the history still has.
        case after(Int)
        /// With these objects of one version.
        case with([KubeObject], version: Int, marksEnd: Bool)
    }

    /// Takes the watcher out of the hub when nobody listens any more.
    final class Subscription: Sendable {
        let watcher: Watcher
        let hub: WatchHub
        let store: ObjectStore

        init(_ watcher: Watcher, _ hub: WatchHub, _ store: ObjectStore) {
            self.watcher = watcher
            self.hub = hub
            self.store = store
        }

        deinit { self.hub.remove(self.watcher) }
    }

    /// Begins to listen.
    public func makeAsyncIterator() -> Iterator { Iterator(self.subscription, self.start) }

    /// Goes through the events.
    public struct Iterator: AsyncIteratorProtocol {
        private static let pageSize = 256

        private let subscription: Subscription
        private var pending: ArraySlice<WatchEvent> = []
        /// Changes up to this version were told or are pending.
        private var through: Int
        private var isReplaying: Bool

        init(_ subscription: Subscription, _ start: Start) {
            self.subscription = subscription
            let filter = subscription.watcher.filter
            switch start {
            case .after(let version):
                self.through = version
                self.isReplaying = true
            case .with(let objects, let version, let marksEnd):
                self.through = version
                self.isReplaying = false
                self.pending = objects.map { filter.event(.added, $0, version) }[...]
                if marksEnd {
                    self.pending.append(filter.bookmark(version, endsInitialEvents: true))
                }
            }
        }

        /// The next event; nil when the watch is over.
        public mutating func next() async -> WatchEvent? {
            while true {
                if let event = self.pending.popFirst() { return event }
                if self.isReplaying {
                    await self.replay()
                    continue
                }
                guard let event = await self.subscription.watcher.next() else { return nil }
                // The buffer begins before the replay or the list ended.
                if event.kind == .error || event.version > self.through { return event }
                if event.kind == .bookmark, event.version == self.through { return event }
            }
        }

        /// Reads the next changes out of the history; live ones follow when it has no more.
        private mutating func replay() async {
            let watcher = self.subscription.watcher
            do {
                let (changes, through) = try await self.subscription.store.history(
                    of: watcher.filter.kind.storage,
                    after: self.through,
                    limit: Self.pageSize
                )
                self.pending = changes.compactMap(watcher.filter.event)[...]
                self.isReplaying = changes.count == Self.pageSize
                self.through = self.isReplaying ? changes.last?.version ?? through : through
            } catch {
                self.pending = [WatchEvent(error)]
                self.isReplaying = false
                watcher.end()
            }
        }
    }
}
