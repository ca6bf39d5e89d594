// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import Foundation
import Kinds
import KubernetesClient
import Locks
import Logging
import ObjectModel
import TestSupport

@testable import ControlPlane

/// Two embedded clusters in this process, controllers on the first, storage in memory, and a pair.
struct PairedClusters: Sendable {
    /// For what a person does; the controllers have a client of their own, which is counted.
    let source: KubernetesClient
    let destination: KubernetesClient
    let statistics: ControlPlaneStatistics
    let driver: FakeDriver
    let clock: JumpingClock

    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs `body` when the controllers are ready and the pair `kube-system/remote` is.
    static func running(
        _ body: @escaping @Sendable (Self) async throws -> Void
    ) async throws {
        try await Self.cluster { source, sourceConfig in
            try await Self.cluster { destination, destinationConfig in
                let world = Self(
                    source: source,
                    destination: destination,
                    statistics: ControlPlaneStatistics(),
                    driver: FakeDriver(),
                    clock: JumpingClock()
                )
                try await world.controlled(sourceConfig) {
                    try await Self.pair(source, destinationConfig)
                    try await body(world)
                }
            }
        }
    }

    /// As ``running(_:)``, with controllers on the second cluster too, over a storage of their own, and
    /// a pair that leads back.
    static func runningBoth(
        _ body: @escaping @Sendable (_ source: Self, _ destination: Self) async throws -> Void
    ) async throws {
        try await Self.cluster { first, firstConfig in
            try await Self.cluster { second, secondConfig in
                let clock = JumpingClock()
                func world(_ own: KubernetesClient, _ other: KubernetesClient) -> Self {
                    Self(
                        source: own,
                        destination: other,
                        statistics: ControlPlaneStatistics(),
                        driver: FakeDriver(),
                        clock: clock
                    )
                }
                let (there, here) = (world(first, second), world(second, first))
                try await there.controlled(firstConfig) {
                    try await here.controlled(secondConfig) {
                        try await Self.pair(first, secondConfig)
                        try await Self.pair(second, firstConfig)
                        try await body(there, here)
                    }
                }
            }
        }
    }

    private static func cluster(
        _ body: @escaping @Sendable (KubernetesClient, String) async throws -> Void
    ) async throws {
        let place = try TemporaryDirectory(inMemory: true)
        let options = EmbeddedServerOptions(directory: "\(place.path)/cluster")
        let (ready, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let server = try await EmbeddedServer(options, logger: Self.logger) { _ in signal.yield() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { signal.finish() }
                try await server.run()
            }
            var iterator = ready.makeAsyncIterator()
            guard await iterator.next() != nil else {
                try await group.next()
                throw CancellationError()
            }
            let client = try Self.client(
                server.adminKubeconfig,
                ClientEnvironment.live(variables: [:])
            )
            let result: Result<Void, any Error>
            do { result = .success(try await body(client, server.adminKubeconfig)) } catch {
                result = .failure(error)
            }
            await client.shutdown()
            group.cancelAll()
            // What a cancelled server throws says nothing.
            while let result = await group.nextResult() { _ = result }
            try result.get()
        }
        withExtendedLifetime(place) {}
    }

    private static func client(
        _ kubeconfig: String,
        _ environment: ClientEnvironment
    ) throws -> KubernetesClient {
        try KubernetesClient(
            try Kubeconfig.load(path: kubeconfig, environment: environment).connection(),
            environment: environment
        )
    }

    private func controlled(
        _ kubeconfig: String,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let client = try Self.client(kubeconfig, self.clock.environment)
        let plane = ControlPlane(
            client: client,
            driver: self.driver,
            identity: "test",
            logger: Self.logger,
            statistics: self.statistics
        )
        let result: Result<Void, any Error>
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                let (ready, signal) = AsyncStream<Void>
                    .makeStream(
                        bufferingPolicy: .bufferingNewest(1)
                    )
                group.addTask {
                    defer { signal.finish() }
                    try await plane.run { signal.yield() }
                }
                var iterator = ready.makeAsyncIterator()
                _ = await iterator.next()
                try await body()
                group.cancelAll()
                while let result = await group.nextResult() { _ = result }
            }
            result = .success(())
        } catch { result = .failure(error) }
        await client.shutdown()
        try result.get()
    }

    private static func pair(_ cluster: KubernetesClient, _ kubeconfig: String) async throws {
        let file = try JSON(yaml: String(contentsOfFile: kubeconfig, encoding: .utf8))
        let spec = ClusterPairSpec(
            config: ClusterPairSpec.config(ofKubeconfig: file),
            options: ["ip": "127.0.0.1", "token": "t"]
        )
        try await cluster.create(
            StorkResource.clusterPairs,
            KubeObject(
                StorkResource.clusterPairs.groupVersionKind,
                ObjectKey("kube-system", "remote"),
                ["spec": spec.json]
            )
        )
        _ = try await Self.object(cluster, StorkResource.clusterPairs, "kube-system", "remote") {
            ClusterPairStatus($0["status"]).conditions["Ready"]?.status == .yes
        }
    }

    // MARK: What tests do and wait for

    /// The object at the source as soon as it is as `isSo` says.
    func object(
        _ resource: APIResource,
        _ namespace: String,
        _ name: String,
        where isSo: @Sendable (KubeObject) -> Bool
    ) async throws -> KubeObject {
        try await Self.object(self.source, resource, namespace, name, where: isSo)
    }

    private static func object(
        _ cluster: KubernetesClient,
        _ resource: APIResource,
        _ namespace: String,
        _ name: String,
        where isSo: @Sendable (KubeObject) -> Bool
    ) async throws -> KubeObject {
        var version = ""
        while true {
            try Task.checkCancellation()
            let events = cluster.watch(
                resource,
                namespace: namespace,
                .named(name),
                from: version
            )
            for try await event in events {
                version = event.resourceVersion
                if let object = event.object, isSo(object) { return object }
            }
        }
    }

    /// Lets so much time pass that the pair is looked at so many times more, once a minute.
    func passTime(checks: Int) async throws {
        func count() -> Int { self.driver.state.withLock { $0.checks } }
        let wanted = count() + checks
        while count() < wanted {
            try Task.checkCancellation()
            self.clock.pass(.seconds(10))
            await Task.yield()
        }
    }

    /// Waits until there are so many events about a kind.
    func events(about kind: String, count: Int) async throws {
        let resource = APIResource(BuiltIn.core, "Event", plural: "events")
        var names: Set<String> = []
        var version = ""
        while names.count < count {
            try Task.checkCancellation()
            let events = self.source.watch(resource, namespace: "kube-system", from: version)
            for try await event in events {
                version = event.resourceVersion
                guard let object = event.object,
                    object["involvedObject", "kind"]?.string == kind
                else { continue }
                names.insert(object.name)
                if names.count == count { return }
            }
        }
    }

    /// A Migration of a namespace, in the namespace of administrators.
    func migrate(_ namespace: String, named name: String) async throws {
        var spec = MigrationSpec()
        spec.clusterPair = "remote"
        spec.namespaces = [namespace]
        try await self.source.create(
            StorkResource.migrations,
            KubeObject(
                StorkResource.migrations.groupVersionKind,
                ObjectKey("kube-system", name),
                ["spec": spec.json]
            )
        )
    }

    func final(_ name: String) async throws -> MigrationStatus {
        let object = try await self.object(StorkResource.migrations, "kube-system", name) {
            MigrationStatus($0["status"]).isFinal
        }
        return MigrationStatus(object["status"])
    }
}

/// A clock for controllers: short waits pass at once, long ones when the test lets time pass.
final class JumpingClock: Sendable {
    private struct State {
        var now = Duration.zero
        var waiting: [(due: Duration, pass: AsyncStream<Void>.Continuation)] = []
    }

    /// What is polled is seldom waited for longer.
    private static let short = Duration.seconds(1)

    private let start = ContinuousClock.now
    private let state = Locked(State())

    var environment: ClientEnvironment {
        ClientEnvironment(
            variables: [:],
            now: {
                Timestamp(microseconds: 1_790_000_000_000_000 + Int(self.now / .microseconds(1)))
            },
            instant: { self.start + self.now },
            wait: { try await self.wait($0) },
            jitter: { 0.5 }
        )
    }

    private var now: Duration { self.state.withLock { $0.now } }

    /// Lets time pass.
    func pass(_ duration: Duration) {
        let due = self.state.withLock { state in
            state.now += duration
            let now = state.now
            let due = state.waiting.filter { $0.due <= now }
            state.waiting.removeAll { $0.due <= now }
            return due
        }
        for waiter in due { waiter.pass.finish() }
    }

    private func wait(_ duration: Duration) async throws {
        try Task.checkCancellation()
        guard duration > Self.short else {
            self.pass(duration)
            await Task.yield()
            return
        }
        let (passed, pass) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.state.withLock { $0.waiting.append(($0.now + duration, pass)) }
        for await _ in passed {}
        try Task.checkCancellation()
    }
}
