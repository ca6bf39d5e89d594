// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

extension Site {
    /// Creates the objects of a manifest, in its order.
    func create(manifest: String) async throws {
        let kinds = try await self.client.discovery()
        for document in try JSON.documents(yaml: manifest) {
            let object = KubeObject(document.json)
            let resource = try #require(
                kinds.resource(of: object.groupVersionKind),
                "\(object.kind) is not served"
            )
            try await self.create(resource, object)
        }
    }

    /// Creates a ClusterPair of a namespace to another site.
    func create(pair name: String, to other: Site, in namespace: String) async throws {
        try await self.create(
            StorkResource.clusterPairs,
            KubeObject(
                StorkResource.clusterPairs.groupVersionKind,
                ObjectKey(namespace, name),
                ["spec": try await other.pairSpec().json]
            )
        )
    }

    /// Creates a Migration; the object as the server has it.
    @discardableResult
    func create(
        migration name: String,
        of namespaces: [String],
        to pair: String,
        in namespace: String,
        _ change: (inout MigrationSpec) -> Void = { _ in }
    ) async throws -> KubeObject {
        var spec = MigrationSpec()
        spec.clusterPair = pair
        spec.namespaces = namespaces
        change(&spec)
        return try await self.client.create(
            StorkResource.migrations,
            KubeObject(
                StorkResource.migrations.groupVersionKind,
                ObjectKey(namespace, name),
                ["spec": spec.json]
            )
        )
    }

    /// Waits until an object is there no more.
    func gone(_ resource: APIResource, _ key: ObjectKey) async throws {
        while true {
            let object: KubeObject
            do { object = try await self.client.get(resource, key) } catch {
                guard error.reason == .notFound else { throw error }
                return
            }
            if self.isLetGo(object) { return }
            var version = object.resourceVersion
            let events = self.client.watch(
                resource,
                namespace: resource.isNamespaced ? key.namespace : nil,
                .named(key.name),
                from: version
            )
            for try await event in events {
                version = event.resourceVersion
                if case .deleted = event { return }
                if let object = event.object, self.isLetGo(object) { return }
            }
        }
    }

    /// Nobody empties and removes namespaces beside the real API servers of the tests.
    private func isLetGo(_ object: KubeObject) -> Bool {
        self.real != nil && object.kind == "Namespace" && object.isBeingDeleted
    }

    /// Waits until a namespace has so many objects of a kind.
    func objects(_ count: Int, of resource: APIResource, in namespace: String) async throws {
        while true {
            try Task.checkCancellation()
            var names: Set<String> = []
            let events = self.client.watch(resource, namespace: namespace, from: "")
            for try await event in events {
                guard case .added(let object) = event else { continue }
                names.insert(object.name)
                if names.count >= count { return }
            }
        }
    }

    /// The names of the agent's pairs with destinations.
    var outgoingPairs: [String] {
        get async throws {
            let pairs = try await self.agent { agent throws(APIError) in
                let list: ItemList<PairInfo> = try await agent.get(AgentRoute.pairs)
                return list.items
            }
            return pairs.filter { $0.direction == .outgoing }.map(\.name)
        }
    }

    /// The transfers, each as soon as it has ended, or as it is after five seconds.
    ///
    /// A copy that was cancelled takes a moment to say goodbye to the other side.
    var endedTransfers: [TransferInfo] {
        get async throws {
            var ended: [TransferInfo] = []
            for transfer in try await self.transfers {
                var info = transfer
                for _ in 0..<5 where !info.state.isFinal {
                    let route = AgentRoute.transfer(info.id, waitingMilliseconds: 1000)
                    info = try await self.agent { agent throws(APIError) in
                        let info: TransferInfo = try await agent.get(route)
                        return info
                    }
                }
                ended.append(info)
            }
            return ended
        }
    }
}
