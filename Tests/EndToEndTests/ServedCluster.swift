// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import Kinds
import KubernetesClient
import Logging
import ObjectModel

/// A cluster in this process that no controller looks after, for several that share it.
struct ServedCluster: Sendable {
    let client: KubernetesClient
    /// The kubeconfig of its administrator.
    let kubeconfig: String

    /// Serves a cluster out of a directory while `body` runs.
    static func running(
        in directory: String,
        _ body: @escaping @Sendable (Self) async throws -> Void
    ) async throws {
        let (ready, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let options = EmbeddedServerOptions(directory: directory)
        let server = try await EmbeddedServer(options, logger: logger) { _ in signal.yield() }
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
            let client = try Site.Parts.client(kubeconfig: server.adminKubeconfig)
            let cluster = Self(client: client, kubeconfig: server.adminKubeconfig)
            let result: Result<Void, any Error>
            do { result = .success(try await body(cluster)) } catch { result = .failure(error) }
            await client.shutdown()
            group.cancelAll()
            // What a cancelled server throws says nothing.
            while let ended = await group.nextResult() { _ = ended }
            try result.get()
        }
    }

    /// The object as soon as it is as `isSo` says; waits for it.
    func object(
        _ resource: APIResource,
        _ key: ObjectKey,
        where isSo: @Sendable (KubeObject) -> Bool
    ) async throws -> KubeObject {
        var version = ""
        while true {
            try Task.checkCancellation()
            let events = self.client.watch(
                resource,
                namespace: key.namespace,
                .named(key.name),
                from: version
            )
            for try await event in events {
                version = event.resourceVersion
                if let object = event.object, isSo(object) { return object }
            }
        }
    }
}
