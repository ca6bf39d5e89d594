// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

/// Our client against a real API server: what only a real one can show.
@Suite(.enabled(if: TestClusters.areGiven, TestClusters.reason), .timeLimit(.minutes(10)))
struct ClientTests {
    private static let configMap = APIResource(
        GroupVersion("", "v1"),
        "ConfigMap",
        plural: "configmaps"
    )
    private static let namespace = APIResource(
        GroupVersion("", "v1"),
        "Namespace",
        plural: "namespaces",
        isNamespaced: false
    )
    private static let serviceAccount = APIResource(
        GroupVersion("", "v1"),
        "ServiceAccount",
        plural: "serviceaccounts"
    )

    private let clusters: TestClusters
    private let namespace: String

    init() throws {
        self.clusters = try TestClusters()
        self.namespace = try self.clusters.a.newNamespace()
    }

    private func client(
        of user: TestCluster.User = .admin,
        limits: ClientLimits = ClientLimits()
    ) throws -> KubernetesClient {
        let environment = ClientEnvironment.live(variables: [:])
        let file = self.clusters.a.kubeconfig(of: user)
        let connection = try ClusterConnection.find(kubeconfig: file, environment: environment)
        return try KubernetesClient(connection, environment: environment, limits: limits)
    }

    private func map(_ name: String, _ data: [String: String] = [:]) -> KubeObject {
        KubeObject(
            Self.configMap.groupVersionKind,
            ObjectKey(self.namespace, name),
            ["data": JSON(data)]
        )
    }

    private func reason(_ body: () async throws -> Void) async throws -> ClusterError.Reason? {
        do {
            try await body()
            return nil
        } catch let error as ClusterError { return error.reason }
    }

    @Test func anObjectLivesFromItsBirthToItsEnd() async throws {
        let client = try self.client()
        let key = ObjectKey(self.namespace, "a")
        let made = try await client.create(Self.configMap, self.map("a", ["x": "1"]))
        #expect(!made.uid.isEmpty)
        let again = try await self.reason {
            try await client.create(Self.configMap, self.map("a"))
        }
        #expect(again == .alreadyExists)
        var changed = try await client.get(Self.configMap, key)
        changed.set("2", at: "data", "x")
        try await client.replace(Self.configMap, changed)
        let stale = try await self.reason { try await client.replace(Self.configMap, changed) }
        #expect(stale == .conflict)
        try await client.patch(Self.configMap, key, .merge(["data": ["x": .null, "y": "3"]]))
        let operations: [JSON] = [["op": "add", "path": "/data/z", "value": "4"]]
        let patched = try await client.patch(Self.configMap, key, .operations(operations))
        #expect(patched["data"] == ["y": "3", "z": "4"])
        let other = try await self.reason {
            try await client.delete(Self.configMap, key, DeleteOptions(uid: "another"))
        }
        #expect(other == .conflict)
        #expect(try await client.delete(Self.configMap, key) == nil)
        let gone = try await self.reason { _ = try await client.get(Self.configMap, key) }
        #expect(gone == .notFound)
    }

    @Test func whatIsOnlyTriedIsNotDone() async throws {
        let client = try self.client()
        let options = WriteOptions(dryRun: true)
        try await client.create(Self.configMap, self.map("a"), options)
        let list = try await client.list(Self.configMap, namespace: self.namespace)
        #expect(!list.items.contains { $0.name == "a" })
    }

    @Test func appliedFieldsHaveTheirOwner() async throws {
        let client = try self.client()
        let key = ObjectKey(self.namespace, "a")
        func apply(_ value: String, by manager: String, force: Bool) async throws {
            try await client.patch(
                Self.configMap,
                key,
                .apply(self.map("a", ["x": value]).json, force: force),
                WriteOptions(fieldManager: manager)
            )
        }
        try await apply("1", by: "one", force: false)
        let conflict = try await self.reason { try await apply("2", by: "two", force: false) }
        #expect(conflict == .conflict)
        try await apply("2", by: "two", force: true)
        let object = try await client.get(Self.configMap, key)
        #expect(object["data", "x"] == "2")
        let owners = object["metadata", "managedFields"]?.array?.map { $0["manager"] }
        #expect(owners?.contains("two") == true)
    }

    @Test func aListComesInPagesAndItsItemsHaveTheirKind() async throws {
        var limits = ClientLimits()
        limits.pageObjects = 3
        let client = try self.client(limits: limits)
        for number in 0..<8 {
            var map = self.map("m\(number)")
            map.labels = ["odd": "\(number % 2)"]
            try await client.create(Self.configMap, map)
        }
        let selection = ObjectSelection(labels: ["odd": "1"])
        let odd = try await client.list(Self.configMap, namespace: self.namespace, selection)
        #expect(odd.items.map(\.name) == ["m1", "m3", "m5", "m7"])
        #expect(odd.items.allSatisfy { $0.kind == "ConfigMap" && $0.apiVersion == "v1" })
        let one = try await client.list(
            Self.configMap,
            namespace: self.namespace,
            .named("m4")
        )
        #expect(one.items.map(\.name) == ["m4"])
    }

    @Test func theServerSaysWhatItServes() async throws {
        let client = try self.client()
        #expect(try await client.version().major == 1)
        let discovery = try await client.discovery()
        #expect(discovery.failures.isEmpty)
        #expect(discovery.resource(named: "deploy")?.qualifiedPlural == "deployments.apps")
        #expect(discovery.resource(named: "cm") == discovery.resource(named: "ConfigMap"))
        // 1.20 has it in a beta version only, newer servers in v1.
        #expect(discovery.resource(named: "cronjobs")?.groupVersion.group == "batch")
        let plurals = discovery.resources.map(\.qualifiedPlural)
        #expect(Set(plurals).count == plurals.count)
    }

    @Test func whoMayNotIsTold() async throws {
        let client = try self.client(of: .unprivileged)
        let error = await #expect(throws: ClusterError.self) {
            try await client.list(Self.configMap, namespace: self.namespace)
        }
        #expect(error?.reason == .forbidden)
        #expect(error?.description.hasPrefix("Error from server (Forbidden): configmaps") == true)
    }

    @Test func anInvalidObjectNamesItsFields() async throws {
        let client = try self.client()
        let error = await #expect(throws: ClusterError.self) {
            try await client.create(Self.configMap, self.map("Not A Name"))
        }
        #expect(error?.reason == .invalid)
        #expect(error?.causes.map(\.field).contains("metadata.name") == true)
        #expect(error?.description.contains("is invalid: metadata.name") == true)
    }

    @Test func anObjectThatIsHeldComesBackFromItsDeletion() async throws {
        let client = try self.client()
        var map = self.map("a")
        map.finalizers = ["godwit.io/test"]
        try await client.create(Self.configMap, map)
        let key = ObjectKey(self.namespace, "a")
        let held = try await client.delete(Self.configMap, key)
        #expect(held?.finalizers == ["godwit.io/test"])
        try await client.patch(
            Self.configMap,
            key,
            .merge(["metadata": ["finalizers": .null]])
        )
        let gone = try await self.reason { _ = try await client.get(Self.configMap, key) }
        #expect(gone == .notFound)
    }

    @Test func aCopyFollowsTheClusterWithoutFurtherLists() async throws {
        var limits = ClientLimits()
        // Several watches end and begin during the test.
        limits.watchTimeout = .seconds(1)
        let client = try self.client(limits: limits)
        let (changes, told) = AsyncStream<String>.makeStream()
        let reflector = Reflector(client, Self.configMap, namespace: self.namespace) { change in
            switch change {
            case .added(let object): told.yield("+\(object.name)")
            case .modified(_, let object): told.yield("~\(object.name)")
            case .deleted(let object): told.yield("-\(object.name)")
            }
        }
        let run = Task { await reflector.run() }
        defer { run.cancel() }
        try await reflector.waitUntilSynced()
        var next = changes.makeAsyncIterator()
        func expect(_ change: String) async {
            while let told = await next.next(), told != change {
                // Newer servers put a ConfigMap of their own into every namespace.
                #expect(told.hasSuffix("kube-root-ca.crt"), "\(told) came before \(change)")
            }
        }
        for round in 0..<4 {
            let key = ObjectKey(self.namespace, "m\(round)")
            try await client.create(Self.configMap, self.map(key.name))
            await expect("+\(key.name)")
            try await client.patch(Self.configMap, key, .merge(["data": ["x": "1"]]))
            await expect("~\(key.name)")
            #expect(reflector.object(key)?["data", "x"] == "1")
            try await client.delete(Self.configMap, key)
            await expect("-\(key.name)")
        }
        #expect(reflector.listCount == 1)
    }

    @Test func oneOfTwoLeadsAndTheOtherFollows() async throws {
        let client = try self.client()
        let lease = ObjectKey(self.namespace, "controller")
        let elections = ["one", "two"].map { LeaseElection(client, lease: lease, identity: $0) }
        let (led, leading) = AsyncStream<Int>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, election) in elections.enumerated() {
                group.addTask {
                    try await election.run {
                        leading.yield(index)
                        let (never, _) = AsyncStream<Void>.makeStream()
                        for await _ in never {}
                    }
                }
            }
            var leaders = led.makeAsyncIterator()
            let first = try #require(await leaders.next())
            #expect(elections.map(\.isLeading).filter { $0 }.count == 1)
            elections[first].stop()
            let second = await leaders.next()
            #expect(second == 1 - first)
            elections[1 - first].stop()
            try await group.waitForAll()
        }
    }

    @Test func whatIsRecordedIsShownByDescribe() async throws {
        let client = try self.client()
        let map = try await client.create(Self.configMap, self.map("a"))
        let recorder = EventRecorder(client, instance: "test")
        for _ in 0..<3 { recorder.record(.warning, "Failed", "The line is cut.", about: map) }
        recorder.finish()
        await recorder.run()
        #expect(recorder.dropped == 0)
        let shown = try self.clusters.a.kubectl("describe", "cm", "a", "-n", self.namespace)
        let line = shown.split(separator: "\n").first { $0.contains("The line is cut.") }
        let words = try #require(line).split(separator: " ").map(String.init)
        #expect(words.prefix(2) == ["Warning", "Failed"])
        #expect(words.contains("(x3"))
        #expect(words.contains("stork"))
    }
}
