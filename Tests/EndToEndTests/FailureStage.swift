// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// Two sites with an application on the first, and a person who looks with `godwit` at what is wrong.
///
/// `@unchecked`: one test uses it, from one task.
final class FailureStage: @unchecked Sendable {
    static let pair = "remote"
    static let events = APIResource(BuiltIn.core, "Event", plural: "events")

    let scratch: ScratchDirectory
    let source: Site
    let destination: Site
    let application: Application
    private var agents: [Program] = []

    var namespace: String { self.application.namespace }

    /// Starts both sites; the second one below a directory of its own where one is given.
    init(
        _ namespace: String,
        destinationIn directory: String? = nil,
        controller arguments: [String] = []
    ) async throws {
        let scratch = try ScratchDirectory()
        self.scratch = scratch
        async let source = Site("a", in: scratch.path, controller: arguments)
        async let destination = Site("b", in: directory ?? scratch.path)
        self.source = try await source
        self.destination = try await destination
        self.application = Application(namespace: namespace)
    }

    /// Ends every process of both sides.
    func end() async {
        for site in [self.source, self.destination] {
            await site.end()
            site.controller.kill9()
            site.agentProcess.kill9()
        }
        for agent in self.agents { agent.kill9() }
    }

    /// Runs a test on a stage of its own.
    static func with(
        _ namespace: String,
        destinationIn directory: String? = nil,
        controller arguments: [String] = [],
        _ body: (FailureStage) async throws -> Void
    ) async throws {
        let stage = try await FailureStage(
            namespace,
            destinationIn: directory,
            controller: arguments
        )
        do { try await body(stage) } catch {
            await stage.end()
            throw error
        }
        await stage.end()
    }

    // MARK: What is there

    /// The application with its volume, bound.
    func install() async throws {
        try await self.makeVolume(seed: 1)
        for (resource, object) in self.application.objects {
            try await self.source.create(resource, object)
        }
        _ = try await self.source.object(BuiltIn.claims, self.namespace, "data") {
            $0["status", "phase"] == "Bound"
        }
    }

    /// The volume of the application with noise of a seed; returns that.
    @discardableResult
    func makeVolume(seed: UInt64) async throws -> Data {
        var generator = SeededGenerator(seed: seed)
        let image = Data(noise(4 << 20, using: &generator))
        let path = "\(self.scratch.path)/image-\(seed)"
        try image.write(to: URL(fileURLWithPath: path))
        try await self.source.createVolume(self.application.volume, from: path)
        return image
    }

    /// The namespace and objects of the test's own, without volumes.
    func install(_ objects: [(APIResource, KubeObject)]) async throws {
        let namespace = KubeObject(
            BuiltIn.namespaces.groupVersionKind,
            ObjectKey("", self.namespace)
        )
        try await self.source.create(BuiltIn.namespaces, namespace)
        for (resource, object) in objects { try await self.source.create(resource, object) }
    }

    /// Starts an agent that was killed, where it was before.
    func startAgent(of site: Site) async throws {
        let before = try await site.agentProcess.logged("agent ready")
        let agent = try Program(
            "godwit-agent",
            [
                "run", "--pool", "\(site.directory)/pool",
                "--data", try #require(before["data"]?.string),
                "--api", try #require(before["api"]?.string),
            ]
        )
        self.agents.append(agent)
        _ = try await agent.logged("agent ready")
    }

    // MARK: Pairs

    /// Creates the pair, as `change` makes it.
    func pair(_ change: (inout ClusterPairSpec) -> Void = { _ in }) async throws {
        var spec = try await self.destination.pairSpec()
        change(&spec)
        try await self.source.create(
            StorkResource.clusterPairs,
            KubeObject(
                StorkResource.clusterPairs.groupVersionKind,
                ObjectKey(self.namespace, Self.pair),
                ["spec": spec.json]
            )
        )
    }

    /// Changes the pair's specification.
    func correct(_ spec: ClusterPairSpec) async throws {
        try await self.source.client.patch(
            StorkResource.clusterPairs,
            ObjectKey(self.namespace, Self.pair),
            .merge(["spec": spec.json])
        )
    }

    /// The pair's status as soon as it is as `isSo` says.
    func pairStatus(
        where isSo: @escaping @Sendable (ClusterPairStatus) -> Bool
    ) async throws -> ClusterPairStatus {
        let pair = try await self.source.object(
            StorkResource.clusterPairs,
            self.namespace,
            Self.pair
        ) { isSo(ClusterPairStatus($0["status"])) }
        return ClusterPairStatus(pair["status"])
    }

    /// Waits until what was asked for is paired.
    func pairIsReady() async throws {
        let status = try await self.pairStatus { $0.conditions["Ready"]?.status == .yes }
        #expect(status.schedulerStatus == .ready)
    }

    // MARK: Migrations

    func migrate(
        _ name: String,
        _ change: (inout MigrationSpec) -> Void = { _ in }
    ) async throws {
        try await self.source.create(
            migration: name,
            of: [self.namespace],
            to: Self.pair,
            in: self.namespace,
            change
        )
    }

    /// The end of a Migration, which has to be a success.
    func succeeds(_ name: String) async throws {
        let end = try await self.source.final(name, in: self.namespace)
        #expect(end.status == .successful, "\(name): \(end.json.pretty)")
        #expect(end.conditions["Succeeded"]?.status == .yes)
        let result = try self.godwit("wait", "migration", name)
        #expect(result.status == 0, "\(result.errors)")
    }

    // MARK: What a person sees

    func godwit(_ arguments: String...) throws -> Program.Result {
        try Program.run(
            "godwit",
            arguments + [
                "-n", self.namespace, "--kubeconfig",
                "\(self.source.directory)/cluster/admin.kubeconfig",
            ],
            in: self.scratch.path
        )
    }

    /// The first warning about an object with these words in it; waits for it.
    @discardableResult
    func warning(about name: String, saying words: String) async throws -> KubeObject {
        var version = ""
        while true {
            try Task.checkCancellation()
            let happened = self.source.client.watch(
                Self.events,
                namespace: self.namespace,
                .all,
                from: version
            )
            for try await event in happened {
                version = event.resourceVersion
                guard let object = event.object, object["type"] == "Warning",
                    object["involvedObject", "name"]?.string == name,
                    object["message"]?.string?.contains(words) == true
                else { continue }
                return object
            }
        }
    }

    /// A Migration that is held up by something: what it says, that it says so in an event and at the
    /// command line, and that nothing calls it a success.
    ///
    /// - Parameters:
    ///   - name: of the Migration.
    ///   - reasons: any of which its condition has.
    ///   - words: in the condition, the event, and what `godwit` prints.
    /// - Throws: what a process or a cluster fails with.
    func waits(_ name: String, _ reasons: Set<String>, saying words: String) async throws {
        try await self.isHeldUp(name, reasons, saying: words)
        let waited = try self.godwit("wait", "migration", name, "--timeout", "1")
        #expect(waited.status == 7, "\(waited.errors)")
        #expect(waited.errors.contains(words), "\(waited.errors)")
        try self.describes(name, words)
    }

    /// The same without the command line, for what may be over soon.
    func isHeldUp(_ name: String, _ reasons: Set<String>, saying words: String) async throws {
        let held = try await self.source.object(
            StorkResource.migrations,
            self.namespace,
            name
        ) {
            let condition = MigrationStatus($0["status"]).conditions["Succeeded"]
            return condition.map { reasons.contains($0.reason) } ?? false
        }
        let status = MigrationStatus(held["status"])
        let condition = try #require(status.conditions["Succeeded"])
        #expect(condition.status == .unknown, "there is hope")
        #expect(condition.message.contains(words), "\(condition.message)")
        #expect(condition.message.contains(" Try: "), "what to do: \(condition.message)")
        #expect(!status.isFinal && status.status != .successful)
        #expect(try await self.warning(about: name, saying: words)["reason"] == "Failed")
    }

    /// A Migration that has failed: its status, condition, event, and the command line with its code.
    func fails(
        _ name: String,
        _ state: MigrationState,
        _ reason: String,
        saying words: String
    ) async throws -> MigrationStatus {
        let end = try await self.source.final(name, in: self.namespace)
        #expect(end.status == state, "\(end.json.pretty)")
        let condition = try #require(end.conditions["Succeeded"])
        #expect(condition.status == .no && condition.reason == reason, "\(condition)")
        #expect(condition.message.contains(words), "\(condition.message)")
        #expect(condition.message.contains(" Try: "), "what to do: \(condition.message)")
        #expect(try await self.warning(about: name, saying: words)["reason"] == "Failed")
        let waited = try self.godwit("wait", "migration", name)
        #expect(waited.status == (state == .partialSuccess ? 3 : 1), "\(waited.errors)")
        #expect(waited.errors.contains(words), "\(waited.errors)")
        try self.describes(name, words)
        return end
    }

    private func describes(_ name: String, _ words: String) throws {
        let described = try self.godwit("describe", "migration", name)
        #expect(described.status == 0)
        #expect(described.output.contains("Warning"), "\(described.output)")
        #expect(described.output.contains(words), "\(described.output)")
    }
}

/// Which clusters the tests of this run have.
enum TestKind {
    /// Embedded ones, that are killed and whose authority is at hand; else real API servers.
    static let isEmbedded = ProcessInfo.processInfo.environment["GODWIT_TEST_CLUSTERS"] == nil
    static let reason: Comment =
        "kills clusters, signs with their authority, needs rights that deploy/ does not give"
}
