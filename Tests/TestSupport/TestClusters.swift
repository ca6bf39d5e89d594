// SPDX-License-Identifier: Apache-2.0

import Foundation
package import Testing

/// The two real Kubernetes clusters that `make test-kubernetes` has brought up for this run.
///
/// They are shared by all tests of a run: each test makes its own namespace. Suites that need them
/// say so with `.enabled(if: TestClusters.areGiven, TestClusters.reason)`.
package struct TestClusters {
    package static let reason: Comment = "needs the clusters of `make test-kubernetes`"

    private static let variable = "GODWIT_TEST_CLUSTERS"

    package let a: TestCluster
    package let b: TestCluster

    /// Whether there are clusters; true where CI is set: there missing ones are a failure.
    package static var areGiven: Bool {
        let environment = ProcessInfo.processInfo.environment
        return environment["CI"] == "true" || environment[Self.variable] != nil
    }

    /// The clusters of this run, for suites that make some of their own where there are none.
    package static var given: Self? { try? Self() }

    /// Finds the clusters; throws `Missing` where there are none.
    package init() throws {
        guard let directory = ProcessInfo.processInfo.environment[Self.variable] else {
            throw Missing()
        }
        self.a = TestCluster(name: "a", directory: "\(directory)/a")
        self.b = TestCluster(name: "b", directory: "\(directory)/b")
    }

    package var both: [TestCluster] { [self.a, self.b] }

    struct Missing: Error, CustomStringConvertible {
        var description: String {
            "\(TestClusters.variable) is not set: run these tests with `make test-kubernetes`"
        }
    }
}

/// One cluster: an API server with RBAC and the controllers that delete, without nodes.
package struct TestCluster: Sendable {
    /// Whom the cluster knows by a certificate.
    package enum User: String {
        case admin
        /// Allowed nothing until a role is bound to `user`.
        case unprivileged = "user"
    }

    package let name: String

    /// Where its kubeconfigs, certificates (`pki`) and logs are.
    package let directory: String

    package func kubeconfig(of user: User) -> String {
        "\(self.directory)/\(user.rawValue).kubeconfig"
    }

    /// Runs the kubectl of the clusters; what it printed, or an error with what it said.
    @discardableResult
    package func kubectl(_ arguments: String..., as user: User = .admin) throws -> String {
        try self.kubectl(arguments, as: user)
    }

    /// What kubectl says where it fails; nil where it succeeds.
    package func complaint(_ arguments: String..., as user: User = .admin) -> String? {
        do {
            try self.kubectl(arguments, as: user)
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// What kubectl says to someone who shows other credentials than a kubeconfig's.
    package func complaint(showing credentials: [String], _ arguments: String...) -> String? {
        do {
            let server = try self.server
            let authority = "\(self.directory)/pki/ca.crt"
            try self.kubectl(
                ["--kubeconfig", "/dev/null", "--server", server]
                    + ["--certificate-authority", authority] + credentials + arguments,
                as: .unprivileged
            )
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// The address of the API server.
    package var server: String {
        get throws {
            try self.kubectl(
                "config",
                "view",
                "--output",
                "jsonpath={.clusters[0].cluster.server}"
            )
        }
    }

    /// Applies a manifest on the server, as deploy/README.md tells; what kubectl says of each object.
    @discardableResult
    package func applyOnServer(_ manifest: String) throws -> String {
        try self.withFile(manifest) { try self.kubectl("apply", "--server-side", "-f", $0) }
    }

    /// Creates or changes the objects of a manifest.
    package func apply(_ manifest: String) throws {
        try self.withFile(manifest) { try self.kubectl("apply", "-f", $0) }
    }

    /// The answer to a POST of a body to a path of the API.
    package func post(_ body: String, to path: String) throws -> String {
        try self.withFile(body) { try self.kubectl("create", "--raw", path, "-f", $0) }
    }

    /// A token of a service account, good for an hour.
    package func token(ofAccount account: String, in namespace: String) throws -> String {
        struct Answer: Decodable {
            struct Status: Decodable { let token: String }
            let status: Status
        }
        let answer = try self.post(
            #"{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}"#,
            to: "/api/v1/namespaces/\(namespace)/serviceaccounts/\(account)/token"
        )
        return try JSONDecoder().decode(Answer.self, from: Data(answer.utf8)).status.token
    }

    /// A kubeconfig of a service account, with a token in it.
    package func kubeconfig(ofAccount account: String, in namespace: String) throws -> String {
        let authority = try Data(
            contentsOf: URL(fileURLWithPath: "\(self.directory)/pki/ca.crt")
        )
        return """
            apiVersion: v1
            kind: Config
            clusters:
            - name: \(self.name)
              cluster:
                server: \(try self.server)
                certificate-authority-data: \(authority.base64EncodedString())
            users:
            - name: \(account)
              user:
                token: \(try self.token(ofAccount: account, in: namespace))
            contexts:
            - name: \(account)@\(self.name)
              context:
                cluster: \(self.name)
                user: \(account)
            current-context: \(account)@\(self.name)
            """
    }

    /// A namespace for one test; it stays, as deleting one takes seconds and the run ends soon.
    package func newNamespace() throws -> String {
        let name = "test-\(UUID().uuidString.lowercased())"
        try self.kubectl("create", "namespace", name)
        return name
    }

    @discardableResult
    private func kubectl(_ arguments: [String], as user: User) throws -> String {
        // A cache of its own: ports, by which kubectl's own cache goes, are given again.
        let shared = [
            "--kubeconfig", self.kubeconfig(of: user), "--cache-dir", "\(self.directory)/cache",
        ]
        return try Shell.run(["\(self.directory)/../bin/kubectl"] + shared + arguments)
    }

    @discardableResult
    private func withFile<Result>(
        _ text: String,
        _ body: (String) throws -> Result
    ) throws -> Result {
        let place = try TemporaryDirectory()
        let path = "\(place.path)/text"
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        return try withExtendedLifetime(place) { try body(path) }
    }
}
