// SPDX-License-Identifier: Apache-2.0

import Locks
public import ObjectModel

/// Keeps a copy of the objects of a kind, and tells each change of it once.
///
/// One list at the beginning, then watches that each go on where the last one ended. Streams that
/// break and servers that restart are waited for with growing pauses; only where the server has
/// forgotten our version is everything listed again, and compared with the copy.
public final class Reflector: Sendable {
    private let client: KubernetesClient
    private let resource: APIResource
    private let namespace: String?
    private let selection: ObjectSelection
    private let onTrouble: @Sendable (ClusterError) -> Void
    private let onChange: @Sendable (ObjectChange) async -> Void
    private let core: Locked<ReflectorCore>
    private let synced = Latch()

    /// A reflector that has not begun.
    ///
    /// - Parameters:
    ///   - client: for the cluster.
    ///   - resource: the kind.
    ///   - namespace: nil for all namespaces, and for kinds that have none.
    ///   - selection: which objects.
    ///   - onChange: gets each change after the copy has it, one after the other, in their order.
    ///   - onTrouble: gets each failure; the reflector goes on by itself.
    ///   - transform: makes what is kept of an object, such as without `managedFields`; it keeps the
    ///     names, the `uid` and the `resourceVersion`.
    public init(
        _ client: KubernetesClient,
        _ resource: APIResource,
        namespace: String? = nil,
        _ selection: ObjectSelection = .all,
        onChange: @escaping @Sendable (ObjectChange) async -> Void = { _ in },
        onTrouble: @escaping @Sendable (ClusterError) -> Void = { _ in },
        transform: @escaping @Sendable (KubeObject) -> KubeObject = { $0 }
    ) {
        self.client = client
        self.resource = resource
        self.namespace = namespace
        self.selection = selection
        self.onTrouble = onTrouble
        self.onChange = onChange
        self.core = Locked(ReflectorCore(RetryPolicy(client.limits), transform: transform))
    }

    // MARK: The copy

    /// An object as it is in the copy; nil where there is none.
    public func object(_ key: ObjectKey) -> KubeObject? {
        self.core.withLock { $0.objects[key] }
    }

    /// All objects of the copy, in no order.
    public var objects: [KubeObject] { self.core.withLock { Array($0.objects.values) } }

    /// Whether the first list is in the copy, and its changes are told.
    public var isSynced: Bool { self.synced.isOpen }

    /// How many lists there were so far; it stays as it is in the steady state.
    public var listCount: Int { self.core.withLock { $0.lists } }

    /// Waits until ``isSynced``.
    ///
    /// - Throws: `CancellationError`.
    public func waitUntilSynced() async throws { try await self.synced.wait() }

    // MARK: Running

    /// Keeps the copy until the task is cancelled.
    public func run() async {
        while !Task.isCancelled {
            let pause: Duration
            switch self.core.withLock({ $0.step }) {
            case .list: pause = await self.list()
            case .watch(let version): pause = await self.follow(from: version)
            }
            guard pause > .zero, !Task.isCancelled else { continue }
            do { try await self.client.environment.wait(pause) } catch { return }
        }
    }

    private func list() async -> Duration {
        let list: ObjectList
        do {
            list = try await self.client.list(
                self.resource,
                namespace: self.namespace,
                self.selection
            )
        } catch { return self.failed(error, after: .zero) }
        let changes = self.core.withLock { $0.listed(list) }
        for change in changes { await self.onChange(change) }
        self.synced.open()
        return .zero
    }

    private func follow(from version: String) async -> Duration {
        let start = self.client.environment.instant()
        func life() -> Duration { self.client.environment.instant() - start }
        var events = self.client
            .watch(
                self.resource,
                namespace: self.namespace,
                self.selection,
                from: version
            )
            .makeAsyncIterator()
        do throws(ClusterError) {
            while let event = try await events.next() {
                let change = self.core.withLock { $0.received(event) }
                if let change { await self.onChange(change) }
            }
        } catch { return self.failed(error, after: life()) }
        let jitter = self.client.environment.jitter()
        return self.core.withLock { $0.ended(after: life(), jitter: jitter) }
    }

    private func failed(_ error: ClusterError, after life: Duration) -> Duration {
        if error.reason != .cancelled { self.onTrouble(error) }
        let jitter = self.client.environment.jitter()
        return self.core.withLock { $0.failed(error, after: life, jitter: jitter) }
    }
}
