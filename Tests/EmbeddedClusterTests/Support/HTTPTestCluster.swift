// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import ObjectModel
import TestSupport
import Testing

@testable import EmbeddedCluster

/// An embedded cluster that answers on a free port of loopback while a test's body runs.
struct HTTPTestCluster: Sendable {
    let server: EmbeddedServer
    let directory: String

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Starts a cluster in a directory of its own, and stops it when the body is over.
    static func running(
        users: [String] = [],
        _ body: @escaping @Sendable (Self) async throws -> Void
    ) async throws {
        let place = try TemporaryDirectory()
        try await Self.running(in: "\(place.path)/cluster", users: users, body)
        withExtendedLifetime(place) {}
    }

    static func running(
        in directory: String,
        users: [String] = [],
        port: Int? = nil,
        environment: StoreEnvironment = .system,
        _ body: @escaping @Sendable (Self) async throws -> Void
    ) async throws {
        var options = EmbeddedServerOptions(directory: directory)
        options.userNamespaces = users
        // A test that starts it again in the same directory needs the same port.
        let isNew = !FileManager.default.fileExists(atPath: directory)
        options.port = try port ?? (isNew ? Int(Loopback.lastingPort()) : nil)
        let (ready, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let server = try await EmbeddedServer(
            options,
            environment: environment,
            logger: Self.logger
        ) { _ in signal.yield() }
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
            try await body(Self(server: server, directory: directory))
            group.cancelAll()
            // What a cancelled server throws says nothing.
            while let result = await group.nextResult() { _ = result }
        }
    }

    var admin: String { "\(self.directory)/admin.kubeconfig" }

    func user(_ namespace: String) -> String { "\(self.directory)/user-\(namespace).kubeconfig" }

    /// What the server answers to a request, without a connection.
    func answer(
        _ method: String,
        _ path: String,
        _ body: JSON? = nil,
        type: String = "application/json",
        accept: String = "application/json",
        user: ClusterUser = .admin
    ) async throws(APIStatus) -> (code: Int, json: JSON) {
        let parts = path.split(separator: "?", maxSplits: 1).map(String.init)
        guard let target = RequestTarget(path: parts[0]) else { throw .noResource }
        let tokens: TokenFile
        do { tokens = try self.tokens() } catch { throw APIStatus(.internalError, "\(error)") }
        let api = ClusterAPI(store: self.server.store, tokens: tokens, version: "1.2.3")
        let answer = try await api.answer(
            APIRequest(
                method: method,
                target: target,
                options: QueryOptions(parts.count > 1 ? parts[1] : nil),
                accepted: MediaType.accepted(accept),
                contentType: MediaType(type),
                body: body?.bytes ?? [],
                user: user,
                address: "127.0.0.1:6443"
            )
        )
        guard case .document(let code, let json, _, _) = answer else {
            throw APIStatus(.internalError, "the answer is no document")
        }
        return (code, json)
    }

    /// Of a directory beside the cluster's, whose lock the server has.
    private func tokens() throws -> TokenFile {
        TokenFile(try ClusterDirectory("\(self.directory)-\(UUID().uuidString)"))
    }
}

/// Runs a body that blocks on a thread of its own: the threads of the tests' tasks are few, and the
/// server in this process needs them.
func onOwnThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}
