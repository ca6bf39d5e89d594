// SPDX-License-Identifier: Apache-2.0

import ControlPlane
import EmbeddedCluster
import Foundation
import KubernetesClient
import ObjectModel

/// Two clusters and a migration of the namespace `shop` between them.
struct MoveWorld: Sendable {
    let source: StoreCluster
    let destination: StoreCluster
    /// Seconds after the machine's clock.
    var later: TimeInterval = 0

    init(thingsAtDestination: Bool = true) async throws {
        self.source = try await StoreCluster()
        self.destination = try await StoreCluster(things: thingsAtDestination)
        try await self.source.namespace("shop")
    }

    /// The objects of the documents: a database with its volume, its client, and what they need.
    static func application() throws -> [KubeObject] {
        let template =
            #"{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}"#
        let selector = #""selector":{"matchLabels":{"a":"b"}}"#
        return try Sample.claim("shop/data").reversed() + [
            Sample.object("ConfigMap", "shop/settings", #"{"data":{"a":"1","b":"2"}}"#),
            Sample.object("Secret", "shop/keys", #"{"data":{"k":"AAEC"},"type":"Opaque"}"#),
            Sample.object(
                "Service",
                "shop/db",
                #"{"spec":{"clusterIP":"None","selector":{"a":"b"},"ports":[{"port":80}]}}"#
            ),
            Sample.object(
                "Deployment",
                "shop/web",
                #"{"spec":{"replicas":3,\#(selector),"template":\#(template)}}"#
            ),
            Sample.object(
                "StatefulSet",
                "shop/db",
                #"{"spec":{"replicas":1,"serviceName":"db",\#(selector),"template":\#(template)}}"#
            ),
            Sample.object(
                "StorageClass",
                "fast",
                #"{"provisioner":"pool.godwit.io","reclaimPolicy":"Delete"}"#
            ),
        ]
    }

    func work(
        _ options: (inout CollectionOptions) -> Void = { _ in },
        prepared: (inout PreparationOptions) -> Void = { _ in }
    ) async throws -> (ApplyWork, SourceSnapshot) {
        var collection = CollectionOptions(namespaces: ["shop"])
        options(&collection)
        let snapshot = try await SourceReader(self.source).read(collection)
        var preparation = PreparationOptions(
            migration: ObjectKey("shop", "move"),
            time: "2026-11-21-170000"
        )
        prepared(&preparation)
        let collector = ResourceCollector(collection, custom: snapshot.custom)
        let work = ApplyWork(
            collector.collect(snapshot.objects),
            support: snapshot.support,
            namespaces: collection.namespaces,
            ResourcePreparation(preparation)
        )
        return (work, snapshot)
    }

    /// Time passes: the controllers of the destination do their work.
    var environment: ApplyEnvironment {
        let (store, later) = (self.destination.store, self.later)
        return ApplyEnvironment(
            now: { Date().addingTimeInterval(later) },
            pause: { _ in try await store.converge() }
        )
    }

    var applier: ResourceApplier {
        ResourceApplier(self.destination, environment: self.environment)
    }

    /// Collects, prepares and applies once.
    func move(
        _ options: (inout CollectionOptions) -> Void = { _ in },
        prepared: (inout PreparationOptions) -> Void = { _ in }
    ) async throws -> ApplyReport {
        let (work, _) = try await self.work(options, prepared: prepared)
        return await self.applier.apply(work)
    }

    /// What the destination has in the namespace and of volumes, without what differs by nature.
    func destinationState() async throws -> JSONFields {
        var state: JSONFields = [:]
        for resource in try await self.destination.served(isNew: false)
        where ["Lease", "Event", "EndpointSlice"].allSatisfy({ $0 != resource.kind }) {
            for object in try await self.destination.listed(resource, namespace: nil)
            where object.namespace == "shop" || resource.kind == "PersistentVolume" {
                var bare = object
                for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
                    bare.set(nil, at: "metadata", field)
                }
                bare.set(nil, at: "metadata", "generation")
                if resource.kind == "PersistentVolume" {
                    bare.set(nil, at: "spec", "claimRef", "uid")
                    bare.set(nil, at: "spec", "claimRef", "resourceVersion")
                }
                let owners = object.ownerReferences.map(\.name)
                bare.set(JSON(owners), at: "metadata", "ownerReferences")
                state[object.label] = bare.json
            }
        }
        return state
    }
}
