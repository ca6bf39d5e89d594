// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// What measurements do with the objects of a side; those of our kinds are in the namespace of
/// administrators, as for whoever moves a whole cluster.
extension ControlledSite {
    static let home = "kube-system"
    static let migrations = APIResource(
        StorkNames.groupVersion,
        "Migration",
        plural: "migrations"
    )
    private static let pairs = APIResource(
        StorkNames.groupVersion,
        "ClusterPair",
        plural: "clusterpairs"
    )
    /// Requests of the harness under way at once.
    private static let concurrency = 16

    /// Pairs this side, as the source, with a destination, and waits until the pair is Ready.
    func pair(with destination: ControlledSite) async throws {
        try await self.client.create(
            Self.pairs,
            KubeObject(
                Self.pairs.groupVersionKind,
                ObjectKey(Self.home, "remote"),
                ["spec": try destination.pairSpec().json]
            )
        )
        try await self.watch(Self.pairs) { pair in
            ClusterPairStatus(pair["status"]).conditions["Ready"]?.status == .yes
        }
    }

    /// Does something for each element, several at once.
    static func each<Element: Sendable>(
        _ elements: [Element],
        of client: KubernetesClient,
        _ body: @escaping @Sendable (KubernetesClient, Element) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, element) in elements.enumerated() {
                if index >= Self.concurrency { try await group.next() }
                group.addTask { try await body(client, element) }
            }
            try await group.waitForAll()
        }
    }

    /// Makes objects, several at once.
    func create(_ objects: [(APIResource, KubeObject)]) async throws {
        try await Self.each(objects, of: self.client) { client, object in
            try await client.create(object.0, object.1)
        }
    }

    /// Waits until every one of these Migrations was successful.
    func waitForEnds(_ names: [String]) async throws {
        var open = Set(names)
        guard !open.isEmpty else { return }
        try await self.watch(Self.migrations) { migration in
            let status = MigrationStatus(migration["status"])
            guard status.isFinal, open.contains(migration.name) else { return false }
            guard status.status == .successful else {
                throw HarnessError("\(migration.name): \(status.json.compact.suffix(2000))")
            }
            open.remove(migration.name)
            return open.isEmpty
        }
    }

    /// Watches all objects of a kind, from a version or from all that are there, until one is enough.
    func watch(
        _ resource: APIResource,
        from start: String = "",
        until isEnough: (KubeObject) throws -> Bool
    ) async throws {
        var version = start
        while true {
            let events = self.client.watch(resource, namespace: Self.home, from: version)
            do {
                for try await event in events {
                    version = event.resourceVersion
                    if let object = event.object, try isEnough(object) { return }
                }
            } catch let error as ClusterError where error.reason == .gone {
                // The server has forgotten our version: once more from all that is there.
                version = ""
            }
        }
    }

    /// The figures once they stand still: events are written after what they tell of.
    ///
    /// - Throws: `HarnessError` where they have not after five minutes.
    func settled() async throws -> [String: Double] {
        var last = try await self.statistics()
        for _ in 0..<100 {
            try await Task.sleep(for: .seconds(3))
            let now = try await self.statistics()
            if now["own.create"] == last["own.create"] { return now }
            last = now
        }
        throw HarnessError("the controllers still write five minutes after the last end")
    }

    /// What was asked of both clusters between two looks at the figures.
    static func requests(
        _ before: [String: Double],
        _ after: [String: Double],
        _ figure: (Int) -> Double
    ) -> [String: Double] {
        var requests: [String: Double] = [:]
        for (name, value) in after where name.hasPrefix("own.") || name.hasPrefix("remote.") {
            requests[name] = figure(Int(value - (before[name] ?? 0)))
        }
        return requests
    }
}
