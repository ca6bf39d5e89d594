// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What is applied to a cluster (deploy/): that a real API server takes it, and what it allows.
@Suite(.serialized, .enabled(if: TestClusters.areGiven, TestClusters.reason))
struct DeployTests {
    private static let root = #filePath
        .replacing("/Tests/KubernetesTests/DeployTests.swift", with: "")
    private static let controller = "system:serviceaccount:godwit-system:godwit-controller"
    private let cluster: TestCluster

    init() throws { self.cluster = try TestClusters().a }

    /// Whether the kubectl of this machine can render an overlay of a base: since 1.21.
    static let rendersOverlays =
        (try? Shell.run("kubectl", "kustomize", "\(root)/deploy/overlays/single-node")) != nil

    private func apply(_ folder: String) throws -> String {
        let path = "\(Self.root)/deploy/\(folder)"
        let manifest =
            folder.hasPrefix("overlays/")
            ? try Shell.run("kubectl", "kustomize", path)
            : try self.cluster.kubectl("kustomize", path)
        return try self.cluster.applyOnServer(manifest)
    }

    /// Whether the controllers may: a resource with the part behind the slash, such as `pods/exec`.
    private func may(_ verb: String, _ resource: String, in namespace: String) -> Bool {
        // What kubectl finds behind a slash it takes for a name.
        let parts = resource.split(separator: "/").map(String.init)
        return self.cluster.complaint(
            "auth",
            "can-i",
            verb,
            parts[0],
            "--subresource",
            parts.count > 1 ? parts[1] : "",
            "-n",
            namespace,
            "--as",
            Self.controller
        ) == nil
    }

    @Test func anAPIServerTakesEveryObjectTwice() throws { try self.expectTaken("base") }

    @Test(
        .enabled(if: rendersOverlays, "needs kubectl 1.21 or newer, which Debian 12 has not"),
        arguments: ["overlays/single-node", "overlays/all-namespaces"]
    )
    func anAPIServerTakesEveryOverlayTwice(folder: String) throws {
        try self.expectTaken(folder)
    }

    private func expectTaken(_ folder: String) throws {
        defer { _ = self.cluster.complaint("delete", "clusterrolebinding", "godwit-source") }
        let first = try self.apply(folder)
        for object in [
            "deployment.apps/godwit-controller", "daemonset.apps/godwit-agent",
            "service/godwit-agent", "networkpolicy.networking.k8s.io/godwit-agent",
        ] {
            #expect(first.contains(object), "\(first)")
        }
        #expect(try self.apply(folder) == first)
    }

    @Test func theControllersSeeANamespacesSecretsOnlyWhereTheyAreBound() throws {
        _ = try self.apply("base")
        let bound = try self.cluster.newNamespace()
        let other = try self.cluster.newNamespace()
        try eventually("the API server obeys the roles") {
            self.may("patch", "migrations.stork.libopenstorage.org", in: other)
        }
        #expect(self.may("patch", "clusterpairs.stork.libopenstorage.org/status", in: other))
        #expect(!self.may("list", "secrets", in: bound) && !self.may("list", "secrets", in: other))
        try self.cluster.kubectl(
            "create",
            "rolebinding",
            "godwit-source",
            "-n",
            bound,
            "--clusterrole",
            "godwit-source",
            "--serviceaccount",
            "godwit-system:godwit-controller"
        )
        try eventually("the API server obeys the binding") {
            self.may("list", "secrets", in: bound)
        }
        #expect(!self.may("list", "secrets", in: other))
        // Reading only: at the source nothing of an application is ever written.
        #expect(!self.may("delete", "deployments.apps", in: bound))
        #expect(!self.may("patch", "secrets", in: bound))
    }

    @Test func theControllersRunCommandsInPodsOnlyWhereThatIsBound() throws {
        _ = try self.apply("base")
        let bound = try self.cluster.newNamespace()
        let other = try self.cluster.newNamespace()
        for (role, namespace) in [("godwit-source-rules", bound), ("godwit-source", other)] {
            try self.cluster.kubectl(
                "create",
                "rolebinding",
                role,
                "-n",
                namespace,
                "--clusterrole",
                role,
                "--serviceaccount",
                "godwit-system:godwit-controller"
            )
        }
        try eventually("the API server obeys the bindings") {
            self.may("list", "pods", in: bound) && self.may("list", "secrets", in: other)
        }
        // Servers before 1.35 ask for get, later ones for create too.
        #expect(self.may("get", "pods/exec", in: bound))
        #expect(self.may("create", "pods/exec", in: bound))
        #expect(!self.may("delete", "pods", in: bound) && !self.may("list", "secrets", in: bound))
        #expect(!self.may("create", "pods/exec", in: other))
    }

    @Test func noRuleAllowsEverythingOfAKind() throws {
        let folder = "\(Self.root)/deploy/base"
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
            #expect(!text.contains("*"), "\(name) has a wildcard")
        }
    }
}
