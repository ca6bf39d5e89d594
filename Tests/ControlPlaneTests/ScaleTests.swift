// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// What many objects cost, as far as it does not depend on a machine.
@Suite(.serialized, .timeLimit(.minutes(10))) struct ScaleTests {
    private static let configMaps = APIResource(BuiltIn.core, "ConfigMap", plural: "configmaps")
    private static let services = APIResource(BuiltIn.core, "Service", plural: "services")
    private static let deployments = APIResource(
        GroupVersion("apps", "v1"),
        "Deployment",
        plural: "deployments"
    )
    /// Objects of each namespace that move.
    private static let objects = 4

    private func fill(_ namespace: String, _ world: PairedClusters) async throws {
        let space = KubeObject(BuiltIn.namespaces.groupVersionKind, ObjectKey("", namespace))
        try await world.source.create(BuiltIn.namespaces, space)
        let app: JSON = ["app": "web"]
        let bodies: [(APIResource, JSONFields)] = [
            (Self.configMaps, ["data": ["mode": "fast"]]),
            (BuiltIn.secrets, ["data": ["password": "c2VjcmV0"]]),
            (Self.services, ["spec": ["selector": app, "ports": [["port": 80]]]]),
            (
                Self.deployments,
                [
                    "spec": [
                        "replicas": 2, "selector": ["matchLabels": app],
                        "template": [
                            "metadata": ["labels": app],
                            "spec": ["containers": [["name": "main", "image": "example/web:1"]]],
                        ],
                    ]
                ]
            ),
        ]
        for (resource, fields) in bodies {
            let key = ObjectKey(namespace, "web")
            let object = KubeObject(resource.groupVersionKind, key, fields)
            try await world.source.create(resource, object)
        }
    }

    /// Migrates this many small namespaces, and waits until nothing is to be done any more.
    private func migrate(_ count: Int, _ world: PairedClusters) async throws {
        for number in 1...count { try await self.fill("app-\(number)", world) }
        for number in 1...count {
            try await world.migrate("app-\(number)", named: "move-\(number)")
        }
        for number in 1...count {
            let status = try await world.final("move-\(number)")
            #expect(status.status == .successful, "\(status.json.pretty)")
            #expect(status.resourcesDone == Self.objects)
        }
        // Events come after what they tell of: one for each object that moved.
        try await world.events(about: "Migration", count: count * Self.objects)
    }

    @Test func theSteadyStateCostsNoListAndNoWrite() async throws {
        try await PairedClusters.running { world in
            try await self.migrate(3, world)
            // The check of the pair that is under way now is not counted as one of the ten.
            try await world.passTime(checks: 1)
            let (own, remote) = (world.statistics.ownRequests, world.statistics.remoteRequests)
            try await world.passTime(checks: 10)
            let ownSince = world.statistics.ownRequests - own
            let remoteSince = world.statistics.remoteRequests - remote
            #expect(ownSince.total == 0, "ten minutes and more: \(ownSince)")
            #expect(remoteSince[.list] == 0 && remoteSince.writes == 0, "\(remoteSince)")
            // The destination is asked for its version, and for nothing else.
            #expect(remoteSince.total == remoteSince[.document] && remoteSince.total <= 11)
        }
    }

    @Test func aSmallMigrationCostsABoundedNumberOfRequests() async throws {
        try await PairedClusters.running { world in
            let (own, remote) = (world.statistics.ownRequests, world.statistics.remoteRequests)
            let count = 8
            try await self.migrate(count, world)
            let ownEach = world.statistics.ownRequests - own
            let remoteEach = world.statistics.remoteRequests - remote
            func expect(_ counts: RequestCounts, _ verb: RequestCounts.Verb, _ bound: Int) {
                #expect(counts[verb] <= bound * count, "\(verb): \(counts)")
            }
            // Its namespaced kinds, once each, and what lies in no namespace.
            expect(ownEach, .list, 26)
            // The namespace, and whether it is there.
            expect(ownEach, .get, 3)
            // Its finalizer and its stages.
            expect(ownEach, .patch, 6)
            // Events: one for each object, and those about the pair.
            expect(ownEach, .create, Self.objects + 1)
            // What the server serves is asked once for all of them.
            expect(ownEach, .document, 4)
            // Each object is read and applied, and its namespace.
            expect(remoteEach, .get, Self.objects + 1)
            expect(remoteEach, .patch, Self.objects + 1)
            expect(remoteEach, .document, 4)
            #expect(remoteEach[.list] == 0 && remoteEach[.watch] == 0 && ownEach[.watch] == 0)
        }
    }
}
