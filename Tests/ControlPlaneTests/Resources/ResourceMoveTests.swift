// SPDX-License-Identifier: Apache-2.0

import ControlPlane
import KubernetesClient
import ObjectModel
import Testing

@Suite struct ResourceMoveTests {
    private let prefix = "stork.libopenstorage.org/"

    @Test func anApplicationArrivesAsTheRulesSay() async throws {
        let world = try await MoveWorld()
        try await world.source.add(try MoveWorld.application())
        let report = try await world.move()
        #expect(report.isComplete && report.volumeFailure == nil, "\(report.waiting)")
        #expect(report.outcomes.map(\.status) == Array(repeating: .successful, count: 7))
        #expect(Set(report.outcomes.map(\.reason)) == ["Resource migrated successfully"])
        #expect(
            report.outcomes.first?.notice
                == "/v1, Kind=PersistentVolume /pvc-1: Resource migrated successfully"
        )
        let web = try await world.destination.object("Deployment", "shop/web")
        #expect(web["spec", "replicas"] == 0)
        #expect(web.annotations["\(self.prefix)migrationReplicas"] == "3")
        let settings = try await world.destination.object("ConfigMap", "shop/settings")
        #expect(settings["data"] == ["a": "1", "b": "2"])
        #expect(try await world.destination.has("StorageClass", "fast"))
        let claim = try await world.destination.object("PersistentVolumeClaim", "shop/data")
        let volume = try await world.destination.object("PersistentVolume", "pvc-1")
        #expect(claim["status", "phase"]?.string == "Bound")
        #expect(volume["status", "phase"]?.string == "Bound")
        #expect(volume["spec", "claimRef", "uid"]?.string == claim.uid)
        #expect(volume["spec", "persistentVolumeReclaimPolicy"]?.string == "Delete")
        #expect(volume["spec", "storageClassName"]?.string == "fast")
        #expect(volume["spec", "csi", "volumeHandle"]?.string == "pvc-1")
    }

    @Test func whatDidNotChangeIsNotTouched() async throws {
        let world = try await MoveWorld()
        try await world.source.add(try MoveWorld.application())
        _ = try await world.move()
        let before = try await world.destinationState()
        _ = world.destination.requests()
        let again = try await world.move(prepared: {
            $0.migration = ObjectKey("shop", "move-2")
            $0.time = "2027-01-01-000000"
        })
        #expect(again.outcomes.allSatisfy { $0.status == .successful })
        #expect(world.destination.requests().filter(\.isWrite) == [])
        try await world.source.edit(
            "ConfigMap",
            "shop/settings",
            #"{"data":{"a":null,"c":"3"}}"#
        )
        _ = try await world.move()
        let writes = world.destination.requests().filter(\.isWrite)
        #expect(writes == [.init(verb: "apply", kind: "ConfigMap", name: "shop/settings")])
        let settings = try await world.destination.object("ConfigMap", "shop/settings")
        #expect(settings["data"] == ["b": "2", "c": "3"])
        var after = try await world.destinationState()
        after["ConfigMap shop/settings"] = before["ConfigMap shop/settings"]
        #expect(after == before)
    }

    @Test func startedApplicationsRun() async throws {
        let world = try await MoveWorld()
        try await world.source.add(try MoveWorld.application())
        _ = try await world.move()
        _ = try await world.move(prepared: { $0.startApplications = true })
        let web = try await world.destination.object("Deployment", "shop/web")
        #expect(web["spec", "replicas"] == 3)
    }

    @Test func volumesAloneMoveToo() async throws {
        let world = try await MoveWorld()
        try await world.source.add(try MoveWorld.application())
        let report = try await world.move({ $0.volumesOnly = true })
        #expect(report.outcomes.map(\.kind.kind) == ["PersistentVolume", "PersistentVolumeClaim"])
        let claim = try await world.destination.object("PersistentVolumeClaim", "shop/data")
        #expect(claim["status", "phase"]?.string == "Bound")
        #expect(try await !world.destination.has("ConfigMap", "shop/settings"))
    }

    @Test func aVolumeWhoseDataWasNotMovedIsKept() async throws {
        let world = try await MoveWorld()
        try await world.source.add(try MoveWorld.application())
        var (work, _) = try await world.work()
        work.restoresReclaimPolicy = false
        #expect(await world.applier.apply(work).isComplete)
        let volume = try await world.destination.object("PersistentVolume", "pvc-1")
        #expect(volume["spec", "persistentVolumeReclaimPolicy"]?.string == "Retain")
        #expect(volume["spec", "storageClassName"]?.string == "fast")
    }

    @Test func awkwardObjectsArriveUnchanged() async throws {
        let world = try await MoveWorld()
        try await world.source.add(try Self.definition())
        var sent: [KubeObject] = []
        for object in try AwkwardObjects.all() {
            var object = object
            object.finalizers = []
            // What the source itself refuses or changes cannot arrive otherwise.
            do { try await world.source.add(object) } catch { continue }
            sent.append(try await world.source.object(object.kind, "shop/\(object.name)"))
        }
        #expect(sent.count > 15, "only \(sent.count) objects could be stored at the source")
        let report = try await world.move()
        #expect(report.isComplete)
        for object in sent {
            let arrived = try await world.destination.object(object.kind, "shop/\(object.name)")
            for (field, value) in object.json.object ?? [:]
            where field != "metadata" && field != "status" {
                // Nothing and null are the same for the kinds that every cluster has.
                #expect(arrived[field] ?? .null == value, "\(object.label): \(field)")
            }
            #expect(arrived.labels == object.labels)
        }
    }

    static func definition(of kind: String = "Thing") throws -> KubeObject {
        let singular = kind.lowercased()
        return try Sample.object(
            "CustomResourceDefinition",
            "\(singular)s.example.org",
            """
            {"spec":{"group":"example.org","scope":"Namespaced","names":{"kind":"\(kind)","plural":
             "\(singular)s","singular":"\(singular)","listKind":"\(kind)List"},"versions":[{"name":"v1",
             "served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object",
             "x-kubernetes-preserve-unknown-fields":true}}}]}}
            """
        )
    }

    @Test func definitionsOfCustomKindsComeFirst() async throws {
        let world = try await MoveWorld()
        try await world.source.add(try Self.definition())
        try await world.source.add(
            try Sample.object(
                "Thing",
                "shop/a",
                #"{"spec":{"one":1.0,"big":18446744073709551616}}"#
            )
        )
        let report = try await world.move()
        #expect(report.outcomes.map(\.reason) == ["Resource migrated successfully"])
        let arrived = try await world.destination.object("Thing", "shop/a")
        #expect(arrived["spec"]?.compact == #"{"big":18446744073709551616,"one":1.0}"#)
    }

    @Test func manyObjectsAreListedAndNotReadOneByOne() async throws {
        let world = try await MoveWorld()
        let objects = try (0..<200)
            .map {
                try Sample.object("ConfigMap", "shop/settings-\($0)", #"{"data":{"n":"\#($0)"}}"#)
            }
        try await world.source.add(objects)
        let first = try await world.move()
        #expect(first.outcomes.count == 200 && first.isComplete)
        let requests = world.destination.requests()
        #expect(requests.count { $0.verb == "apply" && $0.kind == "ConfigMap" } == 200)
        #expect(requests.count < 215, "\(requests.count) requests")
        _ = try await world.move()
        #expect(world.destination.requests().count < 15)
    }

    @Test func claimsGetTheirOwnersOfTheDestination() async throws {
        let world = try await MoveWorld()
        try await world.source.add(try MoveWorld.application())
        let set = try await world.source.object("StatefulSet", "shop/db")
        try await world.source.edit(
            "PersistentVolumeClaim",
            "shop/data",
            """
            {"metadata":{"ownerReferences":[\(OwnerReference(to: set).json.compact),
             {"apiVersion":"v1","kind":"ConfigMap","name":"gone","uid":"u"}]}}
            """
        )
        #expect(try await world.move().isComplete)
        let owner = try await world.destination.object("StatefulSet", "shop/db")
        let claim = try await world.destination.object("PersistentVolumeClaim", "shop/data")
        #expect(claim.ownerReferences.map(\.uid) == [owner.uid])
        #expect(owner.uid != set.uid)
        _ = world.destination.requests()
        _ = try await world.move()
        #expect(world.destination.requests().filter(\.isWrite) == [])
    }
}
