// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Kinds
import KubernetesClient
import ObjectModel

/// The phases of `godwit-perf controllers`; everything is in the namespace of administrators, as for
/// whoever moves a whole cluster.
final class ControllersMeasurement {
    private let source: ControlledSite
    private let destination: ControlledSite

    init(source: ControlledSite, destination: ControlledSite) {
        self.source = source
        self.destination = destination
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
        try await self.source.create((0..<count).map { SmallNamespace.namespace("app-\($0)") })
        try await self.source.create(
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
        try await self.source.create(
            (0..<count).map { Self.migration("move-\($0)", of: "app-\($0)") }
        )
        let made = ContinuousClock.now
        try await self.source.waitForEnds((0..<count).map { "move-\($0)" })
        let wall = ContinuousClock.now - start
        let peak = self.source.memory("VmHWM")
        let after = try await self.source.settled()
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
            requestsPerMigration: ControlledSite.requests(before, after) {
                Double($0) / Double(count)
            }
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
            requests: ControlledSite.requests(before, after) { Double($0) }
        )
    }

    /// One namespace with many objects: brought, and brought again where nothing has changed.
    func large(_ count: Int, _ number: Int) async throws -> ControllersResults.Large {
        let namespace = "large-\(number)"
        try await self.source.create([SmallNamespace.namespace(namespace)])
        try await self.source.create(SmallNamespace.many(namespace, count: count))
        var walls: [Double] = []
        for pass in ["first", "again"] {
            let name = "\(namespace)-\(pass)"
            let start = ContinuousClock.now
            try await self.source.create([Self.migration(name, of: namespace)])
            try await self.source.waitForEnds([name])
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
        let object = KubeObject(
            ControlledSite.migrations.groupVersionKind,
            key,
            ["spec": spec.json]
        )
        return (ControlledSite.migrations, object)
    }
}

private func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }
