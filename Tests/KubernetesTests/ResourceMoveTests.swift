// SPDX-License-Identifier: Apache-2.0

import ControlPlane
import Foundation
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

/// Objects moved between two real API servers: what only those know of applying and refusing.
@Suite(.enabled(if: TestClusters.areGiven, TestClusters.reason), .timeLimit(.minutes(10)))
struct ResourceMoveTests {
    private let source: KubernetesClient
    private let destination: KubernetesClient
    private let namespace: String

    init() throws {
        let clusters = try TestClusters()
        self.namespace = try clusters.a.newNamespace()
        self.source = try Self.client(clusters.a)
        self.destination = try Self.client(clusters.b)
    }

    private static func client(_ cluster: TestCluster) throws -> KubernetesClient {
        let environment = ClientEnvironment.live(variables: [:])
        let file = cluster.kubeconfig(of: .admin)
        let connection = try ClusterConnection.find(kubeconfig: file, environment: environment)
        return try KubernetesClient(connection, environment: environment)
    }

    private func resource(_ kind: String, _ client: KubernetesClient) async throws -> APIResource {
        try #require(try await client.served(isNew: false).first { $0.kind == kind })
    }

    private func object(_ kind: String, _ name: String) async throws -> KubeObject {
        let resource = try await self.resource(kind, self.destination)
        return try await self.destination.get(
            resource,
            ObjectKey(resource.isNamespaced ? self.namespace : "", name)
        )
    }

    /// Stores an object at the source, with its status.
    private func add(_ text: String) async throws {
        var object = KubeObject(try JSON(parsing: text))
        let resource = try await self.resource(object.kind, self.source)
        if resource.isNamespaced {
            object.set(.string(self.namespace), at: "metadata", "namespace")
        }
        _ = try await self.source.create(resource, object)
        guard let status = object["status"] else { return }
        let key = ObjectKey(object.namespace, object.name)
        _ = try await self.source.change(resource, key, ["status": status], isStatus: true)
    }

    private func addApplication() async throws {
        let template =
            #"{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}"#
        let selector = #""selector":{"matchLabels":{"a":"b"}}"#
        let volume = "pv-\(self.namespace)"
        try await self.add(
            """
            {"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"\(volume)"},
             "spec":{"accessModes":["ReadWriteOnce"],"capacity":{"storage":"1Gi"},
             "csi":{"driver":"pool.godwit.io","volumeHandle":"handle-1"},"claimRef":{"apiVersion":"v1",
             "kind":"PersistentVolumeClaim","namespace":"\(self.namespace)","name":"data"},
             "persistentVolumeReclaimPolicy":"Delete","storageClassName":"fast"},
             "status":{"phase":"Bound"}}
            """
        )
        try await self.add(
            """
            {"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"data"},
             "spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}},
             "storageClassName":"fast","volumeName":"\(volume)"},"status":{"phase":"Bound"}}
            """
        )
        try await self.add(
            #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"1","b":"2"}}"#
        )
        try await self.add(
            """
            {"apiVersion":"v1","kind":"Service","metadata":{"name":"dns"},"spec":{"type":"NodePort",
             "selector":{"a":"b"},"ports":[{"name":"u","port":53,"protocol":"UDP"},
             {"name":"t","port":53,"protocol":"TCP"}]}}
            """
        )
        try await self.add(
            """
            {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},
             "spec":{"replicas":3,\(selector),"template":\(template)}}
            """
        )
        try await self.add(
            """
            {"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db"},
             "spec":{"replicas":1,"serviceName":"db",\(selector),"template":\(template)}}
            """
        )
    }

    private func move() async throws -> ApplyReport {
        let options = CollectionOptions(namespaces: [self.namespace])
        let snapshot = try await SourceReader(self.source).read(options)
        let preparation = PreparationOptions(
            migration: ObjectKey(self.namespace, "move"),
            time: "2026-11-21-170000"
        )
        let collector = ResourceCollector(options, custom: snapshot.custom)
        let work = ApplyWork(
            collector.collect(snapshot.objects),
            support: snapshot.support,
            namespaces: options.namespaces,
            ResourcePreparation(preparation)
        )
        return await ResourceApplier(self.destination).apply(work)
    }

    @Test func anApplicationArrivesAndWhatDidNotChangeIsNotTouched() async throws {
        try await self.addApplication()
        let report = try await self.move()
        #expect(report.isComplete && report.volumeFailure == nil, "\(report)")
        #expect(report.outcomes.count == 6)
        #expect(report.outcomes.allSatisfy { $0.status == .successful }, "\(report.outcomes)")
        let web = try await self.object("Deployment", "web")
        #expect(web["spec", "replicas"] == 0)
        #expect(web.annotations["stork.libopenstorage.org/migrationReplicas"] == "3")
        let claim = try await self.object("PersistentVolumeClaim", "data")
        let volume = try await self.object("PersistentVolume", "pv-\(self.namespace)")
        #expect(claim["status", "phase"]?.string == "Bound")
        #expect(volume["spec", "claimRef", "uid"]?.string == claim.uid)
        #expect(volume["spec", "csi", "volumeHandle"]?.string == volume.name)
        #expect(volume["spec", "persistentVolumeReclaimPolicy"]?.string == "Delete")
        #expect(volume["spec", "storageClassName"]?.string == "fast")
        let service = try await self.object("Service", "dns")
        #expect(service["spec", "ports"]?.array?.count == 2)

        let maps = try await self.resource("ConfigMap", self.source)
        let change: JSON = ["data": ["a": .null, "c": "3"]]
        _ = try await self.source.change(
            maps,
            ObjectKey(self.namespace, "c"),
            change,
            isStatus: false
        )
        #expect(try await self.move().isComplete)
        let map = try await self.object("ConfigMap", "c")
        #expect(map["data"] == ["b": "2", "c": "3"])
        for former in [web, claim, volume, service] {
            let now = try await self.object(former.kind, former.name)
            #expect(now.resourceVersion == former.resourceVersion, "\(former.kind) was touched")
        }
        await self.source.shutdown()
        await self.destination.shutdown()
    }

    @Test func whatTheServerDoesNotLetChangeIsMadeAgain() async throws {
        try await self.addApplication()
        #expect(try await self.move().isComplete)
        let former = try await self.object("StatefulSet", "db")
        let sets = try await self.resource("StatefulSet", self.source)
        let key = ObjectKey(self.namespace, "db")
        var changed = try await self.source.get(sets, key)
        try await self.source.remove(sets, key, uid: changed.uid)
        for field in ["uid", "resourceVersion", "managedFields", "creationTimestamp"] {
            changed.set(nil, at: "metadata", field)
        }
        changed.set("another", at: "spec", "serviceName")
        _ = try await self.source.create(sets, changed)
        let report = try await self.move()
        #expect(report.isComplete, "\(report.waiting)")
        #expect(report.outcomes.allSatisfy { $0.status == .successful }, "\(report.outcomes)")
        let remade = try await self.object("StatefulSet", "db")
        #expect(remade.uid != former.uid)
        #expect(remade["spec", "serviceName"]?.string == "another")
        await self.source.shutdown()
        await self.destination.shutdown()
    }
}
