// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// What goes wrong in the tests of Actions.
extension ActionWorld {
    private static let events = APIResource(BuiltIn.core, "Event", plural: "events")

    /// Removes an object of the administrators' namespace, and waits until it is gone.
    func remove(_ resource: APIResource, _ name: String, _ world: PairedClusters) async throws {
        let key = ObjectKey("kube-system", name)
        _ = try await world.source.delete(resource, key)
        while try await world.source.find(resource, key) != nil {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    /// A volume and its claim in the namespace of the application, bound.
    func makeVolume(_ world: PairedClusters) async throws {
        try await world.source.create(
            BuiltIn.volumes,
            KubeObject(
                BuiltIn.volumes.groupVersionKind,
                ObjectKey("", "pv-data"),
                [
                    "spec": [
                        "capacity": ["storage": "1Gi"], "accessModes": ["ReadWriteOnce"],
                        "csi": ["driver": "pool.godwit.io", "volumeHandle": "pvc-1"],
                    ]
                ]
            )
        )
        try await world.source.create(
            BuiltIn.claims,
            KubeObject(
                BuiltIn.claims.groupVersionKind,
                ObjectKey("shop", "data"),
                [
                    "spec": [
                        "accessModes": ["ReadWriteOnce"], "volumeName": "pv-data",
                        "storageClassName": "", "resources": ["requests": ["storage": "1Gi"]],
                    ]
                ]
            )
        )
    }

    /// As where somebody makes pods of workloads: what is there has been looked at.
    func lookAfterWorkloads(_ world: PairedClusters) async throws {
        _ = try await world.source.change(
            Self.deployments,
            ObjectKey("shop", "web"),
            ["status": ["observedGeneration": 1]],
            isStatus: true
        )
    }

    /// The pair leads to nobody from now on.
    ///
    /// - Returns: where it led.
    @discardableResult
    func breakPair(_ world: PairedClusters) async throws -> JSON {
        let key = ObjectKey("kube-system", "remote")
        let pair = try #require(try await world.source.find(StorkResource.clusterPairs, key))
        let former = try #require(pair["spec", "config"])
        var config = former
        let clusters = config["clusters"]?.object ?? [:]
        for name in clusters.keys {
            config.set("https://127.0.0.1:1", at: "clusters", name, "server")
        }
        try await self.lead(to: config, world)
        return former
    }

    /// The pair leads there from now on.
    func lead(to config: JSON, _ world: PairedClusters) async throws {
        _ = try await world.source.change(
            StorkResource.clusterPairs,
            ObjectKey("kube-system", "remote"),
            ["spec": ["config": config]],
            isStatus: false
        )
    }

    /// What the schedule says of its only run.
    func run(_ state: String, secondsAgo: Int, _ world: PairedClusters) async throws {
        let now = world.clock.environment.now()
        let created = Timestamp(seconds: now.seconds - secondsAgo)
        let item: JSON = [
            "name": "s-interval-1", "status": .string(state),
            "creationTimestamp": .string(created.description),
            "finishTimestamp": .string(created.description),
        ]
        _ = try await world.source.change(
            StorkResource.migrationSchedules,
            ObjectKey("kube-system", "s"),
            ["status": ["items": ["Interval": [item]]]],
            isStatus: true
        )
    }

    /// The policy of the schedule: every hour; nothing is due, for it is suspended.
    func makePolicy(_ world: PairedClusters) async throws {
        _ = try await world.source.change(
            StorkResource.migrationSchedules,
            ObjectKey("kube-system", "s"),
            ["spec": ["suspend": true]],
            isStatus: false
        )
        try await world.source.create(
            StorkResource.namespacedSchedulePolicies,
            KubeObject(
                StorkResource.namespacedSchedulePolicies.groupVersionKind,
                ObjectKey("kube-system", "none"),
                ["policy": ["interval": ["intervalMinutes": 60]]]
            )
        )
    }

    /// The schedule as it stands; nil where it is gone.
    func standing(_ world: PairedClusters) async throws -> KubeObject? {
        try await world.source.find(
            StorkResource.migrationSchedules,
            ObjectKey("kube-system", "s")
        )
    }

    /// Lets time pass for what waits, again and again, until an Action is at its end.
    func pass(_ seconds: Int, _ world: PairedClusters, until action: String) async throws {
        let key = ObjectKey("kube-system", action)
        while true {
            let found = try await world.source.find(StorkResource.actions, key)
            if found?["status", "stage"]?.string == ActionStage.final.rawValue { return }
            try Task.checkCancellation()
            world.clock.pass(.seconds(seconds))
        }
    }

    /// Waits for a warning about an Action with these words.
    func isWarned(of words: String, _ world: PairedClusters) async throws {
        var version = ""
        while true {
            try Task.checkCancellation()
            let events = world.source.watch(Self.events, namespace: "kube-system", from: version)
            for try await event in events {
                version = event.resourceVersion
                guard let object = event.object, object["type"] == "Warning",
                    object["involvedObject", "kind"] == "Action",
                    object["message"]?.string?.contains(words) == true
                else { continue }
                return
            }
        }
    }
}
