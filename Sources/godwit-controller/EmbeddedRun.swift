// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import EmbeddedCluster
import Foundation
import Kinds
import KubernetesClient
import Logging
import ObjectModel

/// An embedded cluster with controllers in the same process.
struct EmbeddedRun: Sendable {
    private let options: EmbeddedServerOptions
    private let logger: Logger

    /// A cluster in a directory; without an address on loopback, at the port of last time.
    init(
        _ directory: String,
        listen: String?,
        users: [String],
        _ logger: Logger
    ) throws(APIError) {
        var options = EmbeddedServerOptions(directory: directory)
        options.version = Release.version
        options.userNamespaces = users
        if let listen {
            let (host, port) = try Self.address(listen)
            options.host = host
            options.port = port
        }
        self.options = options
        self.logger = logger
    }

    private static func address(_ text: String) throws(APIError) -> (host: String, port: Int) {
        guard let colon = text.lastIndex(of: ":"),
            let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port),
            colon != text.startIndex
        else {
            throw APIError(
                .invalidConfiguration,
                "'\(PlainText.line(text.prefix(100)))' is not an address.",
                try: "give one such as 127.0.0.1:6443"
            )
        }
        let host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        return (String(isBracketed ? host.dropFirst().dropLast() : host), port)
    }

    /// Serves the cluster, and runs `controllers` with a client of it once it answers.
    ///
    /// - Throws: ``APIError`` where the cluster cannot start or go on, and what `controllers` throws.
    func run(
        _ controllers: @escaping @Sendable (KubernetesClient) async throws -> Void
    ) async throws {
        let (ready, continuation) = AsyncStream<String>
            .makeStream(
                bufferingPolicy: .bufferingOldest(1)
            )
        do {
            let server = try await EmbeddedServer(self.options, logger: self.logger) { server in
                continuation.yield(server.adminKubeconfig)
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                group.addTask {
                    for await kubeconfig in ready {
                        self.logger.info(
                            "cluster ready",
                            metadata: [
                                "server": "\(server.url ?? "")", "kubeconfig": "\(kubeconfig)",
                            ]
                        )
                        try await Self.with(kubeconfig, controllers)
                        return
                    }
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch let error as EmbeddedServerError { throw APIError(error) }
    }

    /// Defines the kinds that the cluster does not serve yet.
    private static func define(_ client: KubernetesClient) async throws {
        let served = Set(try await client.discovery().all.map(\.resource.groupVersionKind))
        for kind in StorkKinds.all where !served.contains(kind.resource.groupVersionKind) {
            let definition = kind.customResourceDefinition()
            try await client.patch(
                Self.definitions,
                definition.key,
                .apply(definition.json, force: true)
            )
        }
    }

    private static let definitions = APIResource(
        GroupVersion("apiextensions.k8s.io", "v1"),
        "CustomResourceDefinition",
        plural: "customresourcedefinitions",
        isNamespaced: false
    )

    private static func with(
        _ kubeconfig: String,
        _ body: (KubernetesClient) async throws -> Void
    ) async throws {
        let environment = Composition.environment
        let connection = try Kubeconfig.load(path: kubeconfig, environment: environment)
            .connection()
        let client = try KubernetesClient(connection, environment: environment)
        let result: Result<Void, any Error>
        do {
            try await Self.define(client)
            result = .success(try await body(client))
        } catch { result = .failure(error) }
        await client.shutdown()
        try result.get()
    }
}

extension APIError {
    /// Why an embedded cluster does not run.
    init(_ error: EmbeddedServerError) {
        let id: ErrorID =
            switch error.code {
            case .directoryInUse: .poolInUse
            case .addressInUse: .addressInUse
            case .notWritable: .poolNotWritable
            case .damaged: .stateDamaged
            case .addressInvalid: .invalidConfiguration
            case .failed: .agentFailed
            }
        self.init(id, error.message, try: error.advice)
    }
}
