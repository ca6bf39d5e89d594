// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What the suites beside this one rely on: two clusters that are real and share nothing.
@Suite(.enabled(if: TestClusters.areGiven, TestClusters.reason))
struct ClusterTests {
    private let clusters: TestClusters

    init() throws { self.clusters = try TestClusters() }

    @Test func bothAnswerWithTheirVersionAndNamespaces() throws {
        for cluster in self.clusters.both {
            let version = try cluster.kubectl("version")
            // A server that was built without its version says v0.0.0.
            #expect(version.contains(/Server Version: .*v1\.[0-9]{2}\./), "\(version)")
            let namespaces = try cluster.kubectl("get", "namespaces", "--output", "name")
            #expect(namespaces.contains("namespace/kube-system"))
            #expect(namespaces.contains("namespace/default"))
        }
    }

    @Test func whatIsMadeInOneIsNotInTheOther() throws {
        let namespace = try self.clusters.a.newNamespace()
        #expect(try self.clusters.a.kubectl("get", "namespace", namespace).contains("Active"))
        let complaint = try #require(self.clusters.b.complaint("get", "namespace", namespace))
        #expect(complaint.contains("NotFound"))
    }

    @Test func neitherTrustsTheOthersAuthority() throws {
        for (own, other) in [
            (self.clusters.a, self.clusters.b), (self.clusters.b, self.clusters.a),
        ] {
            let untrusted = try #require(
                own.complaint("--server", try other.server, "get", "namespaces")
            )
            #expect(untrusted.contains("certificate signed by unknown authority"), "\(untrusted)")
            // The server is trusted now, and the other administrator is still nobody here.
            let refused = try #require(
                other.complaint(
                    showing: [
                        "--client-certificate", "\(own.directory)/pki/admin.crt",
                        "--client-key", "\(own.directory)/pki/admin.key",
                    ],
                    "get",
                    "namespaces"
                )
            )
            #expect(refused.contains("Unauthorized"), "\(refused)")
        }
    }

    @Test func aUserIsRefusedUntilARoleIsBound() throws {
        for cluster in self.clusters.both {
            let namespace = try cluster.newNamespace()
            let get = { (namespace: String) in
                cluster.complaint("get", "configmaps", "-n", namespace, as: .unprivileged)
            }
            #expect(try #require(get(namespace)).contains("Forbidden"))
            try cluster.kubectl(
                "create",
                "rolebinding",
                "reader",
                "-n",
                namespace,
                "--clusterrole",
                "view",
                "--user",
                "user"
            )
            try eventually("the API server obeys the binding") { get(namespace) == nil }
            #expect(try #require(get("default")).contains("Forbidden"))
        }
    }

    @Test func aServiceAccountIsKnownByItsToken() throws {
        let cluster = self.clusters.a
        let namespace = try cluster.newNamespace()
        try cluster.kubectl("create", "serviceaccount", "mover", "-n", namespace)
        let token = try cluster.token(ofAccount: "mover", in: namespace)
        let complaint = try #require(
            cluster.complaint(showing: ["--token", token], "get", "secrets", "-n", namespace)
        )
        #expect(complaint.contains("system:serviceaccount:\(namespace):mover"), "\(complaint)")
        #expect(complaint.contains("Forbidden"))
    }
}
