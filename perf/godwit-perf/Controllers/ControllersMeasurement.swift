// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Kinds
import KubernetesClient
import ObjectModel

/// The phases of `godwit-perf controllers`; everything is in the namespace of administrators, as for
/// whoever moves a whole cluster.
final class ControllersMeasurement {
    /// Requests of the harness under way at once.
    private static let concurrency = 16
    private static let migrations = APIResource(
        StorkNames.groupVersion,
        "Migration",
        plural: "migrations"
    )
    private static let pairs = APIResource(
        StorkNames.groupVersion,
        "ClusterPair",
        plural: "clusterpairs"
    )

    private let source: ControlledSite
    private let destination: ControlledSite

    init(source: ControlledSite, destination: ControlledSite) {
        self.source = source
        self.destination = destination
    }

    /// Pairs the two sides, and waits until the pair is Ready.
    func pair() async throws {
        try await self.source.client.create(
            Self.pairs,
            KubeObject(
                Self.pairs.groupVersionKind,
                ObjectKey("kube-system", "remote"),
                ["spec": try self.destination.pairSpec().json]
            )
        )
        try await self.watch(Self.pairs) { pair in
            ClusterPairStatus(pair["status"]).conditions["Ready"]?.status == .yes
        }
    }

    // MARK: Many

    func many(_ count: Int, volumes: Int) async throws -> ControllersResults.Many {
        let image = Scratch.path("image")
        let bytes = Data((0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
        try bytes.write(to: URL(fileURLWithPath: image))
        for number in 0..<volumes {
            try self.source.agent.run(["volume", "create", "v-\(number)", "--from", image])
        }
        say("making \(count) namespaces")
        try await self.create((0..<count).map { SmallNamespace.namespace("app-\($0)") })
        try await self.create(
            (0..<count)
                .flatMap { number in
                    SmallNamespace.application(
                        "app-\(number)",
                        volume: number < volumes ? "v-\(number)" : nil
                    )
                }
        )
        let before = try await self.source.statistics()
        let resident = self.source.memory("VmRSS")
        let processor = self.source.agent.side.processorSeconds
        let start = ContinuousClock.now
        try await self.create((0..<count).map { Self.migration("move-\($0)", of: "app-\($0)") })
        let made = ContinuousClock.now
        try await self.waitForEnds((0..<count).map { "move-\($0)" })
        let wall = ContinuousClock.now - start
        let peak = self.source.memory("VmHWM")
        let after = try await self.settled()
        return ControllersResults.Many(
            migrations: count,
            volumes: volumes,
            objectsEach: 4,
            creationSeconds: seconds(made - start),
            wallSeconds: seconds(wall),
            sourceProcessorSeconds: self.source.agent.side.processorSeconds - processor,
            residentBytesBefore: resident,
            residentBytesPeak: peak,
            residentBytesAfter: self.source.memory("VmRSS"),
            destinationResidentBytesPeak: self.destination.memory("VmHWM"),
            lookP50Seconds: after["migration.look.p50.seconds"] ?? 0,
            lookP99Seconds: after["migration.look.p99.seconds"] ?? 0,
            waitP99Seconds: after["migration.wait.p99.seconds"] ?? 0,
            failedLooks: Int(after["migration.failures"] ?? 0),
            requestsPerMigration: Self.requests(before, after) { Double($0) / Double(count) }
        )
    }

    /// Nothing for a while; what the controllers asked of both clusters meanwhile.
    func steady(seconds: Int) async throws -> ControllersResults.Steady {
        let before = try await self.source.statistics()
        try await Task.sleep(for: .seconds(seconds))
        let after = try await self.source.statistics()
        return ControllersResults.Steady(
            seconds: seconds,
            residentBytes: self.source.memory("VmRSS"),
            requests: Self.requests(before, after) { Double($0) }
        )
    }

    /// One namespace with many objects: brought, and brought again where nothing has changed.
    func large(_ count: Int, _ number: Int) async throws -> ControllersResults.Large {
        let namespace = "large-\(number)"
        try await self.create([SmallNamespace.namespace(namespace)])
        try await self.create(SmallNamespace.many(namespace, count: count))
        var walls: [Double] = []
        for pass in ["first", "again"] {
            let name = "\(namespace)-\(pass)"
            let start = ContinuousClock.now
            try await self.create([Self.migration(name, of: namespace)])
            try await self.waitForEnds([name])
            walls.append(seconds(ContinuousClock.now - start))
        }
        return ControllersResults.Large(
            configMaps: count,
            wallSeconds: walls[0],
            unchangedWallSeconds: walls[1]
        )
    }

    // MARK: Parts

    private static func migration(_ name: String, of namespace: String) -> (APIResource, KubeObject)
    {
        var spec = MigrationSpec()
        spec.clusterPair = "remote"
        spec.namespaces = [namespace]
        let key = ObjectKey("kube-system", name)
        let object = KubeObject(self.migrations.groupVersionKind, key, ["spec": spec.json])
        return (self.migrations, object)
    }

    /// Makes objects of the source, several at once.
    private func create(_ objects: [(APIResource, KubeObject)]) async throws {
        let client = self.source.client
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, (resource, object)) in objects.enumerated() {
                if index >= Self.concurrency { try await group.next() }
                group.addTask { try await client.create(resource, object) }
            }
            try await group.waitForAll()
        }
    }

    /// Waits until every one of these Migrations was successful.
    private func waitForEnds(_ names: [String]) async throws {
        var open = Set(names)
        try await self.watch(Self.migrations) { migration in
            let status = MigrationStatus(migration["status"])
            guard status.isFinal else { return false }
            guard status.status == .successful else {
                throw HarnessError("\(migration.name): \(status.json.compact.suffix(2000))")
            }
            open.remove(migration.name)
            return open.isEmpty
        }
    }

    private func watch(
        _ resource: APIResource,
        until isEnough: (KubeObject) throws -> Bool
    ) async throws {
        var version = ""
        while true {
            let events = self.source.client.watch(
                resource,
                namespace: "kube-system",
                from: version
            )
            do {
                for try await event in events {
                    version = event.resourceVersion
                    if let object = event.object, try isEnough(object) { return }
                }
            } catch let error as ClusterError where error.reason == .gone {
                // The server has forgotten our version: once more from all that is there.
                version = ""
            }
        }
    }

    /// The figures once they stand still: events are written after what they tell of.
    ///
    /// - Throws: `HarnessError` where they have not after five minutes.
    private func settled() async throws -> [String: Double] {
        var last = try await self.source.statistics()
        for _ in 0..<100 {
            try await Task.sleep(for: .seconds(3))
            let now = try await self.source.statistics()
            if now["own.create"] == last["own.create"] { return now }
            last = now
        }
        throw HarnessError("the controllers still write five minutes after the last end")
    }

    private static func requests(
        _ before: [String: Double],
        _ after: [String: Double],
        _ figure: (Int) -> Double
    ) -> [String: Double] {
        var requests: [String: Double] = [:]
        for (name, value) in after where name.hasPrefix("own.") || name.hasPrefix("remote.") {
            requests[name] = figure(Int(value - (before[name] ?? 0)))
        }
        return requests
    }
}

private func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }
