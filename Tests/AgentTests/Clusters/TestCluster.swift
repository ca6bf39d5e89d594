// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import Foundation
import Kinds
import KubernetesClient
import Logging
import ObjectModel
import Testing

@testable import godwit

/// An embedded cluster in this process, and the command line beside it.
struct TestCluster: Sendable {
    let directory: String
    let client: KubernetesClient

    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs a body with a cluster that answers on a free port of loopback, and in which some namespaces
    /// have a user of their own.
    static func running(
        users: [String] = [],
        _ body: @escaping @Sendable (Self) async throws -> Void
    ) async throws {
        let scratch = try Scratch()
        var options = EmbeddedServerOptions(directory: "\(scratch.path)/cluster")
        options.userNamespaces = users
        let (ready, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let server = try await EmbeddedServer(options, logger: Self.logger) { _ in signal.yield() }
        let kubeconfig = server.adminKubeconfig
        let directory = options.directory
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { signal.finish() }
                try await server.run()
            }
            var iterator = ready.makeAsyncIterator()
            guard await iterator.next() != nil else {
                try await group.next()
                throw CancellationError()
            }
            let environment = ClientEnvironment.live(variables: [:])
            let connection = try ClusterConnection.find(
                kubeconfig: kubeconfig,
                environment: environment
            )
            let client = try KubernetesClient(connection, environment: environment)
            let cluster = Self(directory: directory, client: client)
            do {
                try await cluster.installKinds()
                try await body(cluster)
            } catch {
                await client.shutdown()
                throw error
            }
            await client.shutdown()
            group.cancelAll()
            // What a cancelled server throws says nothing.
            while let result = await group.nextResult() { _ = result }
        }
        withExtendedLifetime(scratch) {}
    }

    /// As a person does it.
    private func installKinds() async throws {
        let crds = "\(self.directory)-crds"
        try FileManager.default.createDirectory(
            atPath: crds,
            withIntermediateDirectories: true
        )
        for (name, text) in crdManifests() {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(crds)/\(name)"))
        }
        try await self.output("apply -f \(crds)")
    }

    var kubeconfig: String { "\(self.directory)/admin.kubeconfig" }

    func user(_ namespace: String) -> String { "\(self.directory)/user-\(namespace).kubeconfig" }

    /// Runs a command line against this cluster.
    @discardableResult
    func godwit(_ line: String, input: String = "") async throws -> CommandResult {
        try await Command.run(
            "godwit",
            line.split(separator: " ").map(String.init),
            input: input,
            environment: ["KUBECONFIG": self.kubeconfig, "GODWIT_AGENT": "/nowhere"]
        )
    }

    /// The same, expecting that it works; what it printed.
    @discardableResult
    func output(_ line: String, input: String = "") async throws -> String {
        let result = try await self.godwit(line, input: input)
        try #require(result.status == 0, "\(line): \(result.errors)")
        return result.output
    }

    /// The rows of a table that a command line prints, cell by cell.
    func table(_ line: String) async throws -> [[String]] {
        try await self.output(line).split(separator: "\n")
            .map { $0.split(separator: /\s{2,}/).map(String.init) }
    }

    /// Writes the status of an object, as its controller would.
    func set<Noun: ClusterNoun>(
        _ noun: Noun.Type,
        _ namespace: String,
        _ name: String,
        _ status: JSON
    ) async throws {
        try await self.client.patch(
            Noun.resource,
            ObjectKey(namespace, name),
            .merge(["status": status]),
            subresource: "status"
        )
    }
}
