// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel
import TestSupport
import Testing

@testable import KubernetesClient

/// Variables of tests, and clocks that nobody waits for.
func testEnvironment(_ variables: [String: String] = [:]) -> ClientEnvironment {
    var environment = ClientEnvironment.live(variables: variables)
    environment.wait = { _ in try Task.checkCancellation() }
    environment.jitter = { 0 }
    return environment
}

@Suite struct KubeconfigTests {
    private static func config(cluster: JSON = [:], user: JSON = [:]) -> JSON {
        var cluster = cluster
        if cluster["server"] == nil { cluster.set("https://a:6443/", at: "server") }
        return [
            "current-context": "one",
            "clusters": [["name": "c", "cluster": cluster]],
            "users": [["name": "u", "user": user]],
            "contexts": [
                ["name": "one", "context": ["cluster": "c", "user": "u", "namespace": "shop"]],
                ["name": "two", "context": ["cluster": "c", "user": "u"]],
            ],
        ]
    }

    private func connection(
        cluster: JSON = [:],
        user: JSON = [:],
        context: String? = nil,
        permissions: Kubeconfig.Permissions = .all
    ) throws -> ClusterConnection {
        try Kubeconfig(
            Self.config(cluster: cluster, user: user),
            source: "/etc/kube",
            directory: "/etc",
            permissions: permissions
        )
        .connection(context: context)
    }

    @Test func theCurrentContextGivesServerNamespaceAndName() throws {
        let connection = try self.connection()
        #expect(connection.server == "https://a:6443")
        #expect(connection.namespace == "shop")
        #expect(connection.context == "one")
        #expect(try self.connection(context: "two").namespace == "default")
    }

    @Test func dataIsDecodedAndWinsOverTheFile() throws {
        let connection = try self.connection(
            cluster: [
                "certificate-authority": "ca.pem", "certificate-authority-data": "QUJD",
            ]
        )
        #expect(connection.authority == .data([65, 66, 67]))
    }

    @Test func filesAreSeenFromTheFileThatNamesThem() throws {
        let connection = try self.connection(
            cluster: ["certificate-authority": "ca.pem"],
            user: ["client-certificate": "pki/me.pem", "client-key": "/secret/me.key"]
        )
        #expect(connection.authority == .file("/etc/ca.pem"))
        #expect(connection.user.certificate == .file("/etc/pki/me.pem"))
        #expect(connection.user.privateKey == .file("/secret/me.key"))
    }

    @Test func aTokenFileWinsOverTheToken() throws {
        let connection = try self.connection(user: ["token": "t", "tokenFile": "/run/token"])
        #expect(connection.user.token == .file("/run/token"))
        #expect(try self.connection(user: ["token": "t"]).user.token == .data([0x74]))
    }

    @Test func passwordsAndOtherIdentitiesAreRead() throws {
        let connection = try self.connection(
            user: ["username": "eve", "password": "p", "as": "ann", "as-groups": ["dev"]]
        )
        #expect(connection.user.basic == BasicCredentials(name: "eve", password: "p"))
        #expect(connection.user.impersonation == Impersonation(user: "ann", groups: ["dev"]))
    }

    @Test func aPluginIsReadWithAllThatItIsGiven() throws {
        let connection = try self.connection(
            cluster: ["certificate-authority-data": "QUJD"],
            user: [
                "exec": [
                    "apiVersion": "client.authentication.k8s.io/v1beta1", "command": "bin/aws",
                    "args": ["eks", "get-token"], "env": [["name": "AWS_PROFILE", "value": "x"]],
                    "installHint": "Install the aws program.", "provideClusterInfo": true,
                ]
            ]
        )
        let plugin = try #require(connection.user.exec)
        #expect(plugin.command == "/etc/bin/aws")
        #expect(plugin.arguments == ["eks", "get-token"])
        #expect(plugin.variables == ["AWS_PROFILE": "x"])
        #expect(plugin.installHint == "Install the aws program.")
        let info = try JSON(parsing: try #require(plugin.clusterInfo))
        #expect(info["server"] == "https://a:6443")
        #expect(info["certificate-authority-data"] == "QUJD")
    }

    @Test func withoutAnAuthorityTheConnectionSaysSo() throws {
        let connection = try self.connection(cluster: ["insecure-skip-tls-verify": true])
        #expect(connection.isInsecure)
        #expect(connection.warnings.count == 1)
        #expect(connection.warnings.first?.contains("insecure-skip-tls-verify") == true)
        #expect(try self.connection().warnings.isEmpty)
    }

    /// The form of `spec.config` of a ClusterPair: maps by name, and keys that only Stork writes.
    @Test func mapsByNameAreReadLikeLists() throws {
        let json: JSON = [
            "clusters": [
                "kubernetes": [
                    "LocationOfOrigin": "/etc/kubernetes/admin.conf",
                    "certificate-authority-data": "QUJD", "server": "https://b",
                ]
            ],
            "contexts": ["admin@k": ["cluster": "kubernetes", "user": "admin"]],
            "current-context": "admin@k", "preferences": [:],
            "users": ["admin": ["token": "t"]],
        ]
        let connection = try Kubeconfig(json, source: "spec.config", permissions: []).connection()
        #expect(connection.server == "https://b")
        #expect(connection.user.token == .data([0x74]))
    }

    @Test func filesAreYAML() throws {
        let text = """
            apiVersion: v1
            kind: Config
            current-context: one
            clusters:
            - name: c
              cluster: {server: "https://a:6443", tls-server-name: on}
            users:
            - name: u
              user: {token: "0123"}
            contexts:
            - name: one
              context: {cluster: c, user: u}
            """
        let connection = try Kubeconfig(parsing: text, source: "f").connection()
        #expect(connection.serverName == "on")
        #expect(connection.user.token == .data(Array("0123".utf8)))
        let error = #expect(throws: KubeconfigError.self) {
            try Kubeconfig(parsing: "a: [", source: "/etc/kube")
        }
        #expect(try #require(error).description.contains("/etc/kube: it cannot be read: line"))
    }

    @Test func severalFilesAreOneAndTheFirstToNameSomethingWins() throws {
        let directory = try TemporaryDirectory()
        let first = "\(directory.path)/first"
        let second = "\(directory.path)/second"
        var one = Self.config()
        one.set(nil, at: "users")
        try one.pretty.write(toFile: first, atomically: true, encoding: .utf8)
        try Self.config(
            cluster: ["server": "https://other"],
            user: ["client-certificate": "c", "client-key": "k"]
        )
        .pretty.write(toFile: second, atomically: true, encoding: .utf8)
        let environment = testEnvironment(["KUBECONFIG": "\(first):/nowhere/at/all:\(second)"])
        let connection = try ClusterConnection.find(environment: environment)
        #expect(connection.server == "https://a:6443")
        #expect(connection.user.certificate == .file("\(directory.path)/c"))
    }

    @Test func oneContextAloneMeansTheSameElsewhere() throws {
        let directory = try TemporaryDirectory()
        for (name, text) in [
            ("ca.pem", "ABC"), ("me.pem", "DEF"), ("me.key", "GHI"), ("t", "tok\n"),
        ] {
            let path = "\(directory.path)/\(name)"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let json = Self.config(
            cluster: ["certificate-authority": "ca.pem"],
            user: ["client-certificate": "me.pem", "client-key": "me.key", "tokenFile": "t"]
        )
        let config = try Kubeconfig(json, source: "/etc/kube", directory: directory.path)
        let pruned = try config.pruned(context: "two")
        #expect(pruned["clusters", "c", "LocationOfOrigin"] == "/etc/kube")
        #expect(pruned["contexts"]?.object?.keys.sorted() == ["two"])
        let there = try Kubeconfig(pruned, source: "spec.config", permissions: []).connection()
        #expect(there.server == "https://a:6443")
        #expect(there.authority == .data(Array("ABC".utf8)))
        #expect(there.user.certificate == .data(Array("DEF".utf8)))
        #expect(there.user.privateKey == .data(Array("GHI".utf8)))
        #expect(there.user.token == .data(Array("tok".utf8)))
        try FileManager.default.removeItem(atPath: "\(directory.path)/me.key")
        let error = #expect(throws: KubeconfigError.self) { try config.pruned() }
        #expect(try #require(error).description.contains("me.key"))
    }

    @Test func aServiceAccountIsFoundWhereNoFileIs() throws {
        let directory = try TemporaryDirectory()
        for (name, text) in [("token", "abc"), ("namespace", "godwit\n"), ("ca.crt", "x")] {
            let path = "\(directory.path)/\(name)"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let connection = try ClusterConnection.inCluster(
            environment: testEnvironment([
                "KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443",
            ]),
            directory: directory.path
        )
        #expect(connection.server == "https://[fd00::1]:443")
        #expect(connection.namespace == "godwit")
        #expect(connection.user.token == .file("\(directory.path)/token"))
    }

    /// A wrong entry, and what of the error a person needs.
    @Test(
        arguments: [
            (["proxy-url": "http://p"], [:], ["cluster \"c\"", "proxy-url"]),
            (["server": "a:6443"], [:], ["cluster \"c\"", "a:6443", "https://HOST:PORT"]),
            (["certificate-authority-data": "%"], [:], ["certificate-authority-data", "base64"]),
            (
                ["insecure-skip-tls-verify": true, "certificate-authority": "x"], [:],
                ["insecure-skip-tls-verify"]
            ),
            ([:], ["client-certificate": "x"], ["user \"u\"", "client-key"]),
            ([:], ["auth-provider": ["name": "gcp"]], ["user \"u\"", "gcp", "exec"]),
            ([:], ["exec": ["command": "x", "apiVersion": "v1alpha1"]], ["v1alpha1", "v1beta1"]),
            ([:], ["exec": ["apiVersion": "client.authentication.k8s.io/v1"]], ["no command"]),
            (
                [:],
                [
                    "exec": [
                        "apiVersion": "client.authentication.k8s.io/v1", "command": "x",
                        "interactiveMode": "Always",
                    ]
                ], ["interactiveMode"]
            ),
        ] as [(JSON, JSON, [String])]
    )
    func whatIsWrongIsSaidWithItsPlace(cluster: JSON, user: JSON, words: [String]) throws {
        let error = #expect(throws: KubeconfigError.self) {
            try self.connection(cluster: cluster, user: user)
        }
        let text = try #require(error).description
        for word in ["/etc/kube"] + words { #expect(text.contains(word), "\(text)") }
    }

    @Test func aContextThatIsMissingNamesThoseThatAreThere() throws {
        let error = #expect(throws: KubeconfigError.self) { try self.connection(context: "three") }
        #expect(try #require(error).description.contains("one, two"))
    }

    @Test func aStrangersConfigurationReadsNoFilesAndStartsNoPrograms() {
        #expect(throws: KubeconfigError.self) {
            try self.connection(user: ["tokenFile": "/etc/shadow"], permissions: [])
        }
        #expect(throws: KubeconfigError.self) {
            try self.connection(
                user: ["exec": ["apiVersion": "client.authentication.k8s.io/v1", "command": "x"]],
                permissions: [.files]
            )
        }
    }
}
