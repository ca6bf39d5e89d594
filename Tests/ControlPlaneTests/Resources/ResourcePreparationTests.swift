// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import Testing

@testable import ControlPlane

@Suite struct ResourcePreparationTests {
    static let prefix = "stork.libopenstorage.org/"

    static func prepare(
        _ object: KubeObject,
        _ change: (inout PreparationOptions) -> Void = { _ in }
    ) throws -> PreparedResource {
        var options = PreparationOptions(
            migration: ObjectKey("admin", "move"),
            time: "2026-11-21-170000"
        )
        change(&options)
        return try ResourcePreparation(options).prepare(object)
    }

    private func annotation(_ object: KubeObject, _ name: String) -> String? {
        object.annotations[Self.prefix + name]
    }

    // MARK: Every kind

    @Test func awkwardObjectsComeThroughUnchanged() throws {
        let objects = try AwkwardObjects.all()
        for start in [false, true] {
            for object in objects {
                let prepared = try Self.prepare(object) { $0.startApplications = start }
                var expected = object.json.object ?? [:]
                var actual = prepared.object.json.object ?? [:]
                expected["status"] = nil
                expected["metadata"] = nil
                actual["metadata"] = nil
                #expect(actual == expected, "\(object.label)")
                #expect(prepared.object.labels == object.labels)
                var annotations = prepared.object.annotations
                for (name, value) in [
                    ("migrated", "true"), ("migrationName", "move"),
                    ("migrationNamespace", "admin"), ("migrationTime", "2026-11-21-170000"),
                    ("resource-hash", prepared.hash),
                ] { #expect(annotations.removeValue(forKey: Self.prefix + name) == value) }
                #expect(annotations == object.annotations)
                let metadata = prepared.object["metadata"]?.object ?? [:]
                #expect(
                    Set(metadata.keys).isSubset(of: ["name", "namespace", "labels", "annotations"])
                )
            }
        }
    }

    @Test func theHashIsOfTheContentAndNotOfTheMigration() throws {
        var object = try Sample.object("ConfigMap", "shop/a", #"{"data":{"a":"1"}}"#)
        let first = try Self.prepare(object)
        object.set("99", at: "metadata", "resourceVersion")
        let second = try Self.prepare(object) {
            $0.migration = ObjectKey("admin", "another")
            $0.time = "2027-01-01-000000"
        }
        #expect(first.hash == second.hash && first.hash.count == 64)
        object.set("2", at: "data", "a")
        #expect(try Self.prepare(object).hash != first.hash)
        object.set("1", at: "data", "a")
        object.labels["new"] = ""
        #expect(try Self.prepare(object).hash != first.hash)
    }

    @Test func preparingWhatWasPreparedChangesNothing() throws {
        let objects = try AwkwardObjects.all() + [Sample.claim("shop/data")[0]]
        for object in objects {
            let once = try Self.prepare(object)
            #expect(try Self.prepare(once.object).object == once.object, "\(object.label)")
        }
    }

    @Test func theStatusOfARegisteredKindIsKept() throws {
        let thing = try Sample.object("Thing", "shop/a", #"{"status":{"x":1}}"#)
        #expect(try Self.prepare(thing).status == nil)
        let kept = try Self.prepare(thing) {
            $0.registrations.append(
                ApplicationRegistration(GroupKind("example.org", "Thing"), keepStatus: true)
            )
        }
        #expect(kept.status == ["x": 1] && kept.object["status"] == nil)
    }

    // MARK: Services

    @Test(arguments: [
        (#"{"clusterIP":"10.0.0.7","clusterIPs":["10.0.0.7"],"a":1}"#, #"{"a":1}"#),
        (#"{"clusterIP":"None","clusterIPs":["None"]}"#, #"{"clusterIP":"None"}"#),
        (#"{"loadBalancerIP":"192.0.2.1","type":"LoadBalancer"}"#, #"{"type":"LoadBalancer"}"#),
        (
            #"{"ports":[{"port":80,"nodePort":30080}]}"#,
            #"{"ports":[{"nodePort":30080,"port":80}]}"#
        ),
    ])
    func aServiceLosesTheAddressesOfItsCluster(spec: String, expected: String) throws {
        var service = try Sample.object("Service", "shop/web", #"{"spec":\#(spec)}"#)
        #expect(try Self.prepare(service).object["spec"]?.compact == expected)
        let source = service["spec"]
        #expect(try Self.prepare(service) { $0.skipServiceUpdate = true }.object["spec"] == source)
        service.annotations[Self.prefix + "skip-modify-resource"] = "true"
        #expect(try Self.prepare(service).object["spec"] == source)
    }

    // MARK: Volumes

    @Test func aVolumeIsReservedKeptAndNamedAfterItself() throws {
        let prepared = try Self.prepare(Sample.claim("shop/data")[1]).object
        #expect(prepared["spec", "csi", "volumeHandle"]?.string == "pvc-1")
        #expect(prepared["spec", "csi", "fsType"]?.string == "ext4")
        #expect(prepared["spec", "persistentVolumeReclaimPolicy"]?.string == "Retain")
        #expect(self.annotation(prepared, "reclaimPolicy") == "Delete")
        #expect(prepared["spec", "storageClassName"] == nil)
        #expect(self.annotation(prepared, "current-storage-class-name") == "fast")
        #expect(
            prepared["spec", "claimRef"]?.compact
                == #"{"apiVersion":"v1","kind":"PersistentVolumeClaim","name":"data","namespace":"shop"}"#
        )
        #expect(prepared["status"] == nil)
    }

    /// Or the destination's binder takes the claim for lost until the volume names its UID.
    @Test func whatTheSourcesBinderWroteStaysThere() throws {
        for var object in try Sample.claim("shop/data") {
            object.annotations["pv.kubernetes.io/bind-completed"] = "yes"
            object.annotations["pv.kubernetes.io/bound-by-controller"] = "yes"
            object.annotations["pv.kubernetes.io/provisioned-by"] = "pool.godwit.io"
            let prepared = try Self.prepare(object).object
            #expect(
                prepared.annotations.keys.filter { $0.hasPrefix("pv.kubernetes.io/") }
                    == ["pv.kubernetes.io/provisioned-by"]
            )
        }
    }

    @Test func aClaimKeepsItsVolumeAndRemembersItsOwners() throws {
        let source = Sample.owned(try Sample.claim("shop/data")[0], by: "StatefulSet", "shop/db")
        let prepared = try Self.prepare(source)
        #expect(prepared.object["spec"] == source["spec"])
        #expect(prepared.object.ownerReferences.isEmpty)
        #expect(prepared.owners.map(\.name) == ["db"])
    }

    // MARK: Jobs

    @Test func aJobLosesWhatItsClusterGaveIt() throws {
        let job = try Sample.object(
            "Job",
            "shop/import",
            """
            {"metadata":{"labels":{"controller-uid":"u","app":"a"}},"spec":{
             "selector":{"matchLabels":{"controller-uid":"u"}},"template":{"metadata":{"labels":
             {"controller-uid":"u","batch.kubernetes.io/controller-uid":"u","app":"a"}}}}}
            """
        )
        let prepared = try Self.prepare(job) { $0.startApplications = true }.object
        #expect(
            prepared["spec"]?.compact == #"{"template":{"metadata":{"labels":{"app":"a"}}}}"#
        )
        #expect(prepared.labels == ["app": "a"])
        var manual = job
        manual.set(true, at: "spec", "manualSelector")
        let kept = try Self.prepare(manual).object
        #expect(kept["spec", "selector"]?.compact == #"{"matchLabels":{}}"#)
        #expect(kept["spec", "suspend"] == true)
    }

    // MARK: What others need

    @Test func aNamespaceBelongsToTheProjectOfTheDestination() throws {
        var options = PreparationOptions(migration: ObjectKey("a", "b"), time: "t")
        options.projectMappings = ["p-1": "c-2:p-9"]
        let namespace = try Sample.object(
            "Namespace",
            "shop",
            """
            {"metadata":{"labels":{"field.cattle.io/projectId":"p-1","team":"x"},"annotations":
             {"field.cattle.io/projectId":"c-1:p-1","lifecycle.cattle.io/create":"true"}},
             "spec":{"finalizers":["kubernetes"]},"status":{"phase":"Active"}}
            """
        )
        let prepared = ResourcePreparation(options).namespace(namespace).object
        #expect(prepared.labels == ["field.cattle.io/projectId": "c-2:p-9", "team": "x"])
        #expect(prepared.annotations["field.cattle.io/projectId"] == "c-2:p-9")
        #expect(prepared.annotations["lifecycle.cattle.io/create"] == nil)
        #expect(prepared["spec"] == nil && prepared["status"] == nil)
    }

    @Test func aStorageClassIsNotMadeTheDefaultOfTheDestination() throws {
        let options = PreparationOptions(migration: ObjectKey("a", "b"), time: "t")
        let storage = try Sample.object(
            "StorageClass",
            "fast",
            """
            {"metadata":{"annotations":{"storageclass.kubernetes.io/is-default-class":"true"}},
             "provisioner":"pool.godwit.io","parameters":{"a":"b"}}
            """
        )
        let prepared = ResourcePreparation(options).storageClass(storage).object
        #expect(prepared.annotations["storageclass.kubernetes.io/is-default-class"] == nil)
        #expect(prepared["parameters"] == ["a": "b"])
        #expect(prepared["provisioner"]?.string == "pool.godwit.io")
    }
}
