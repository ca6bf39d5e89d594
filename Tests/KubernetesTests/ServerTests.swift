// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// That the servers were built and started right: each of these went wrong once, or could.
@Suite(.enabled(if: TestClusters.areGiven, TestClusters.reason))
struct ServerTests {
    private let clusters: TestClusters

    init() throws { self.clusters = try TestClusters() }

    /// With the reflect2 that Kubernetes 1.20 vendors, the first custom resource ends the server.
    @Test func customResourcesAreServed() throws {
        let cluster = self.clusters.a
        let namespace = try cluster.newNamespace()
        let group = "\(namespace).example"
        try cluster.apply(Self.definition(in: group))
        try cluster.kubectl(
            "wait",
            "--for",
            "condition=Established",
            "--timeout",
            "120s",
            "customresourcedefinition/things.\(group)"
        )
        try cluster.apply(
            """
            apiVersion: \(group)/v1
            kind: Thing
            metadata: {name: one, namespace: \(namespace)}
            spec: {labels: {a: b}}
            status: {phase: Ignored}
            """
        )
        // The status is a resource of its own, and what the schema has a default for is there.
        let shown = try cluster.kubectl(
            "get",
            "things.\(group)",
            "one",
            "-n",
            namespace,
            "--output",
            "jsonpath={.spec.size} {.spec.labels.a} {.status.phase}"
        )
        #expect(shown == "3 b")
        #expect(try cluster.kubectl("get", "--raw", "/readyz") == "ok")
    }

    /// `make test-kubernetes` gives them to both clusters before anything collects garbage there.
    @Test func ourKindsAreServedByBoth() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let files = try FileManager.default
            .contentsOfDirectory(atPath: "\(root.path)/deploy/crds-without-rules")
        #expect(files.contains("migrations.yaml"))
        for cluster in self.clusters.both {
            let defined = try cluster.kubectl("get", "customresourcedefinitions", "-o", "name")
            for file in files where file.hasSuffix(".yaml") {
                let kind = "\(file.dropLast(5)).stork.libopenstorage.org"
                #expect(defined.contains("/\(kind)"))
                #expect(cluster.complaint("get", kind, "--all-namespaces") == nil)
            }
        }
    }

    @Test func theChildrenOfADeletedOwnerGo() throws {
        for cluster in self.clusters.both {
            let namespace = try cluster.newNamespace()
            try cluster.kubectl("create", "configmap", "owner", "-n", namespace)
            let identity = try cluster.kubectl(
                "get",
                "configmap",
                "owner",
                "-n",
                namespace,
                "--output",
                "jsonpath={.metadata.uid}"
            )
            try cluster.apply(
                """
                apiVersion: v1
                kind: ConfigMap
                metadata:
                  name: child
                  namespace: \(namespace)
                  ownerReferences:
                  - {apiVersion: v1, kind: ConfigMap, name: owner, uid: \(identity),
                     blockOwnerDeletion: true}
                """
            )
            // In the foreground: the owner is gone once its children are, and kubectl waits for it.
            try cluster.kubectl(
                "delete",
                "configmap",
                "owner",
                "-n",
                namespace,
                "--cascade=foreground",
                "--timeout",
                "120s"
            )
            let child = cluster.complaint("get", "configmap", "child", "-n", namespace)
            #expect(try #require(child).contains("NotFound"))
        }
    }

    /// Claims have a finalizer: without the controller that takes it off, this never ends.
    @Test func aNamespaceWithAClaimCanBeDeleted() throws {
        let cluster = self.clusters.b
        let namespace = try cluster.newNamespace()
        try cluster.apply(
            """
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: {name: data, namespace: \(namespace)}
            spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
            """
        )
        try cluster.kubectl("delete", "namespace", namespace, "--timeout", "180s")
        #expect(try #require(cluster.complaint("get", "namespace", namespace)).contains("NotFound"))
    }

    @Test func allPortsAreOnLoopbackAndTheControllersHaveNone() throws {
        let expected = [
            "kube-controller-manager": [], "kube-apiserver": ["0100007F"],
            // One for the API server, one for other members, of which there are none.
            "etcd": ["0100007F", "0100007F"],
        ]
        for cluster in self.clusters.both {
            // The kernel's table is read in pieces: a row is missed where others come and go.
            try eventually("\(cluster.name) listens on loopback only") {
                try Self.listeners(of: cluster) == expected
            }
        }
    }

    private static func definition(in group: String) -> String {
        """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: things.\(group)}
        spec:
          group: \(group)
          scope: Namespaced
          names: {kind: Thing, plural: things, singular: thing}
          versions:
          - name: v1
            served: true
            storage: true
            subresources: {status: {}}
            schema:
              openAPIV3Schema:
                type: object
                properties:
                  spec:
                    type: object
                    properties:
                      size: {type: integer, default: 3}
                      labels: {type: object, additionalProperties: {type: string}}
                  status:
                    type: object
                    properties: {phase: {type: string}}
        """
    }

    /// For each server that runs, the addresses it listens on.
    private static func listeners(of cluster: TestCluster) throws -> [String: [String]] {
        let all = try Listener.all()
        var found: [String: [String]] = [:]
        for process in try StartedProcess.recorded(in: cluster.directory) where process.runs {
            let sockets = try process.sockets
            found[process.name] = all.filter { sockets.contains($0.socket) }.map(\.address)
        }
        return found
    }
}

/// A TCP socket of this machine that takes connections.
private struct Listener {
    /// As the kernel writes it: 127.0.0.1 is 0100007F.
    let address: String

    /// What the descriptor of a process that has it leads to.
    let socket: String

    static func all() throws -> [Self] {
        var found: [Self] = []
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            for line in try KernelTable.lines(of: table) {
                let fields = line.split(separator: " ")
                // Field 3 is the state, and 0A the one of a listener; field 9 is the inode.
                guard fields.count > 9, fields[3] == "0A" else { continue }
                let address = fields[1].prefix { $0 != ":" }
                found.append(Self(address: String(address), socket: "socket:[\(fields[9])]"))
            }
        }
        return found
    }
}
