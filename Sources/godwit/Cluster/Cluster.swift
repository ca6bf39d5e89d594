// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import KubernetesClient
import ObjectModel

/// The API server that a command talks to; failures are in the words of the command line.
struct Cluster: Sendable {
    let client: KubernetesClient
    /// That was given, or that of the context.
    let namespace: String

    /// A cluster as the arguments name it; nothing is sent yet.
    ///
    /// - Throws: `GW6008` where no kubeconfig leads anywhere.
    init(
        kubeconfig: String?,
        context: String?,
        namespace: String?,
        limits: ClientLimits = ClientLimits()
    ) throws(APIError) {
        let environment = ClientEnvironment.live(
            variables: ProcessInfo.processInfo.environment
        )
        do {
            let connection = try ClusterConnection.find(
                kubeconfig: kubeconfig,
                context: context,
                environment: environment
            )
            self.client = try KubernetesClient(
                connection,
                environment: environment,
                program: "godwit",
                limits: limits
            )
            self.namespace = namespace ?? connection.namespace
        } catch { throw APIError(error) }
    }

    func close() async { await self.client.shutdown() }

    /// What a person should know before anything is sent.
    var warnings: [String] { self.client.connection.warnings }

    // MARK: Reading

    /// An object as it is now; without a namespace for kinds that have none.
    func get(
        _ resource: APIResource,
        _ name: String,
        _ namespace: String?
    ) async throws(APIError) -> KubeObject {
        try await self.asking { () throws(ClusterError) in
            try await self.client.get(resource, ObjectKey(namespace ?? "", name))
        }
    }

    /// The same; nil where there is none.
    func find(
        _ resource: APIResource,
        _ name: String,
        _ namespace: String?
    ) async throws(APIError) -> KubeObject? {
        do { return try await self.get(resource, name, namespace) } catch {
            guard error.id == .objectNotFound else { throw error }
            return nil
        }
    }

    /// All objects of a kind in one namespace or, for nil, in all, and where watching them goes on.
    func list(
        _ resource: APIResource,
        namespace: String?,
        _ selection: ObjectSelection = .all
    ) async throws(APIError) -> ObjectList {
        try await self.asking { () throws(ClusterError) in
            try await self.client.list(
                resource,
                namespace: resource.isNamespaced ? namespace : nil,
                selection
            )
        }
    }

    /// What happened to an object, oldest first; nothing where events may not be read.
    func events(of object: KubeObject) async throws(APIError) -> [KubeObject] {
        let selection = ObjectSelection(
            fields: "involvedObject.name=\(object.name),involvedObject.kind=\(object.kind)"
        )
        // Those of objects without a namespace are in the default one.
        let namespace = object.namespace.isEmpty ? "default" : object.namespace
        do throws(APIError) {
            let list = try await self.list(CoreResource.events, namespace: namespace, selection)
            // Some servers take the fields and do not look at them.
            return list.items
                .filter { $0["involvedObject", "name"]?.string == object.name }
                .filter { $0["involvedObject", "kind"]?.string == object.kind }
                .sorted { Self.time(of: $0) < Self.time(of: $1) }
        } catch {
            guard error.id == .clusterDenied else { throw error }
            return []
        }
    }

    private static func time(of event: KubeObject) -> String {
        event["lastTimestamp"]?.string ?? event["eventTime"]?.string
            ?? event.creationTimestamp ?? ""
    }

    /// The kinds that the cluster serves.
    func resources() async throws(APIError) -> [APIResource] {
        try await self.asking { () throws(ClusterError) in
            try await self.client.discovery().all.map(\.resource)
        }
    }

    // MARK: Writing

    /// Makes an object.
    ///
    /// - Throws: `GW6003` where there is one of its name, `GW6006` where it breaks a rule of its kind.
    func create(
        _ resource: APIResource,
        _ object: KubeObject,
        _ namespace: String?,
        isDryRun: Bool = false
    ) async throws(APIError) -> KubeObject {
        var object = object
        if let namespace, resource.isNamespaced {
            object.set(.string(namespace), at: "metadata", "namespace")
        }
        return try await self.asking { [object] () throws(ClusterError) in
            try await self.client.create(
                resource,
                object,
                WriteOptions(dryRun: isDryRun, fieldValidation: .strict)
            )
        }
    }

    /// Makes an object have what a manifest says, by server-side apply.
    ///
    /// - Throws: `GW6004` where another writer owns a field, `GW6006` where it breaks a rule of its kind.
    func apply(
        _ resource: APIResource,
        _ object: KubeObject,
        force: Bool,
        isDryRun: Bool
    ) async throws(APIError) -> KubeObject {
        try await self.asking { () throws(ClusterError) in
            try await self.client.patch(
                resource,
                object.key,
                .apply(object.json, force: force),
                WriteOptions(dryRun: isDryRun, fieldValidation: .strict)
            )
        }
    }

    func delete(
        _ resource: APIResource,
        _ name: String,
        _ namespace: String?
    ) async throws(APIError) {
        try await self.asking { () throws(ClusterError) in
            _ = try await self.client.delete(resource, ObjectKey(namespace ?? "", name))
        }
    }

    func asking<Answer: Sendable>(
        _ question: () async throws(ClusterError) -> Answer
    ) async throws(APIError) -> Answer {
        do { return try await question() } catch { throw APIError(error) }
    }
}
