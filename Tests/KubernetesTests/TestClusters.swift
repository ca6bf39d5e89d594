// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// The two real Kubernetes clusters that `make test-kubernetes` has brought up for this run.
///
/// They are shared by all tests of a run: each test makes its own namespace. Suites that need them
/// say so with `.enabled(if: TestClusters.areGiven, TestClusters.reason)`.
struct TestClusters {
    static let reason: Comment = "needs the clusters of `make test-kubernetes`"

    private static let variable = "GODWIT_TEST_CLUSTERS"

    let a: TestCluster
    let b: TestCluster

    /// Whether there are clusters; true where CI is set: there missing ones are a failure.
    static var areGiven: Bool {
        let environment = ProcessInfo.processInfo.environment
        return environment["CI"] == "true" || environment[Self.variable] != nil
    }

    /// Finds the clusters; throws `Missing` where there are none.
    init() throws {
        guard let directory = ProcessInfo.processInfo.environment[Self.variable] else {
            throw Missing()
        }
        self.a = TestCluster(name: "a", directory: "\(directory)/a")
        self.b = TestCluster(name: "b", directory: "\(directory)/b")
    }

    var both: [TestCluster] { [self.a, self.b] }

    struct Missing: Error, CustomStringConvertible {
        var description: String {
            "\(TestClusters.variable) is not set: run these tests with `make test-kubernetes`"
        }
    }
}

/// One cluster: an API server with RBAC and the controllers that delete, without nodes.
struct TestCluster: Sendable {
    /// Whom the cluster knows by a certificate.
    enum User: String {
        case admin
        /// Allowed nothing until a role is bound to `user`.
        case unprivileged = "user"
    }

    let name: String

    /// Where its kubeconfigs, certificates (`pki`) and logs are.
    let directory: String

    func kubeconfig(of user: User) -> String { "\(self.directory)/\(user.rawValue).kubeconfig" }

    /// Runs the kubectl of the clusters; what it printed, or an error with what it said.
    @discardableResult
    func kubectl(_ arguments: String..., as user: User = .admin) throws -> String {
        try self.kubectl(arguments, as: user)
    }

    /// What kubectl says where it fails; nil where it succeeds.
    func complaint(_ arguments: String..., as user: User = .admin) -> String? {
        do {
            try self.kubectl(arguments, as: user)
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// What kubectl says to someone who shows other credentials than a kubeconfig's.
    func complaint(showing credentials: [String], _ arguments: String...) -> String? {
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
    var server: String {
        get throws {
            try self.kubectl(
                "config",
                "view",
                "--output",
                "jsonpath={.clusters[0].cluster.server}"
            )
        }
    }

    /// Creates or changes the objects of a manifest.
    func apply(_ manifest: String) throws {
        try self.withFile(manifest) { try self.kubectl("apply", "-f", $0) }
    }

    /// The answer to a POST of a body to a path of the API.
    func post(_ body: String, to path: String) throws -> String {
        try self.withFile(body) { try self.kubectl("create", "--raw", path, "-f", $0) }
    }

    /// A namespace for one test; it stays, as deleting one takes seconds and the run ends soon.
    func newNamespace() throws -> String {
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

/// Asks again and again until it is so; the limit is for a product that hangs.
///
/// For what a server learns by watching itself, such as roles. Each question of a test starts a
/// process or waits for an answer, so nobody spins.
func eventually(_ what: String, _ isSo: () throws -> Bool) throws {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(180)
    while try !isSo() {
        try #require(clock.now < end, "never: \(what)")
    }
}
