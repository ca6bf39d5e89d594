// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// What a command line of the documents is about: its program and the two words behind it.
///
/// A line that is none of these is one that nobody takes, and fails the walk.
enum Deed: String, CaseIterable {
    case token = "pxctl cluster token"
    case generate = "storkctl generate clusterpair"
    case apply = "kubectl apply -f"
    case pairs = "storkctl get clusterpair"
    case describePair = "kubectl describe clusterpair"
    case createMigration = "storkctl create migration"
    case migrations = "storkctl get migration"
    case describeMigration = "kubectl describe migration"
    case policies = "storkctl get schedulepolicy"
    case describeSchedules = "kubectl describe migrationschedules.stork.libopenstorage.org"
    case scheduledMigrations = "kubectl get migration"
}

/// Somebody who reads the documents from the top, types what they show, and compares what comes.
///
/// The namespaces are those of the documents, which no other suite has.
struct DocumentWalk {
    static let namespace = "migrationnamespace"
    /// Where the documents' schedules are.
    static let other = "mysql"
    static let migration = ObjectKey(Self.namespace, "mysqlmigration")
    static let pair = ObjectKey(Self.namespace, "remotecluster")
    /// As the documents name it.
    static let volume = "pvc-34bacd62-d7ee-11e8-ba98-0214683e8447"

    let source: Site
    let here: Person
    private let there: Person
    /// What the last line printed.
    var last = Program.Result(status: 0, output: "", errors: "")
    var deed: Deed?
    /// That was made last.
    var schedule = ObjectKey(Self.other, "")
    /// All rows about migrations that were printed.
    var rows: [[String]] = []
    private(set) var done: Set<Deed> = []
    private var token = ""
    private var generated: JSON = .null

    init(from source: Site, to destination: Site, scratch: String) throws {
        self.source = source
        self.here = try Person(at: source, in: Self.namespace, scratch: scratch)
        self.there = try Person(at: destination, in: Self.namespace, scratch: scratch)
    }

    /// Takes a block; those behind it say what becomes of a manifest.
    mutating func take(
        _ block: SeedDocuments.Block,
        before rest: ArraySlice<SeedDocuments.Block>
    ) async throws {
        switch block.content {
        case .installation: return
        case .commands(let lines):
            for words in lines { try await self.type(words, block) }
        case .manifest(let text):
            if self.deed == .generate, self.generated.isNull {
                try self.compareGenerated(text)
            } else {
                try await self.save(text, before: rest)
            }
        case .shown(let text): self.compare(text, block)
        }
    }

    // MARK: Typing

    private mutating func type(_ line: [String], _ block: SeedDocuments.Block) async throws {
        // Places to fill in have the word that is filled in.
        var words = line.map { $0.filter { !"<>".contains($0) } }
        let deed = try #require(
            Deed(rawValue: words.prefix(3).joined(separator: " ")),
            "\(block): nobody takes '\(line.joined(separator: " "))'"
        )
        self.deed = deed
        self.done.insert(deed)
        if deed == .describeSchedules {
            // One of the documents looks in another namespace than it fills.
            words[words.count - 1] = self.schedule.namespace
        }
        try await self.prepare(deed)
        switch deed {
        case .token:
            self.last = try await self.there.succeeds(words)
            self.token =
                self.last.output.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? ""
        case .generate:
            // The documents know no agent that would fill in the options.
            self.last = try await self.there.succeeds(words, withoutAgent: true)
        case .createMigration: try await self.createMigration(words)
        case .apply, .pairs, .describePair, .migrations, .describeMigration, .policies,
            .describeSchedules, .scheduledMigrations:
            self.last = try await self.here.succeeds(words)
        }
        if deed == .apply, words.last == Self.file(of: "Migration") {
            #expect(
                self.last.output == "migration.stork.libopenstorage.org/mysqlmigration created\n"
            )
            let end = try await self.source.final(Self.migration.name, in: Self.namespace)
            #expect(end.status == .successful, "\(end.json.pretty)")
        }
    }

    /// Waits for what a person waits for before such a line.
    private func prepare(_ deed: Deed) async throws {
        switch deed {
        case .pairs: try await self.isReady(Self.pair)
        case .describeMigration:
            try await self.eventsAreThere(4, of: StorkResource.migrations, Self.migration)
        case .describeSchedules: try await self.schedulesHaveRun()
        case .token, .generate, .apply, .describePair, .createMigration, .migrations, .policies,
            .scheduledMigrations:
            return
        }
    }

    func isReady(_ pair: ObjectKey) async throws {
        _ = try await self.source.object(
            StorkResource.clusterPairs,
            pair.namespace,
            pair.name
        ) { pair in
            let status = ClusterPairStatus(pair["status"])
            return status.conditions["Ready"]?.status == .yes
                && status.observedGeneration == pair["metadata", "generation"]?.int
        }
    }

    /// They are told after the status is.
    func eventsAreThere(
        _ count: Int,
        of resource: APIResource,
        _ key: ObjectKey
    ) async throws {
        let kind = APIResource(BuiltIn.core, "Event", plural: "events")
        let subject = try await self.source.client.get(resource, key)
        var found: Set<String> = []
        let events = self.source.client.watch(kind, namespace: key.namespace, from: "")
        for try await event in events {
            guard let object = event.object,
                object["involvedObject", "uid"]?.string == subject.uid,
                object["reason"] == "Successful"
            else { continue }
            found.insert(object.name)
            if found.count >= count { return }
        }
    }

    /// The documents give this line as another way to what the manifest did: that one is taken back
    /// first, and every row that the second one has is written down.
    private mutating func createMigration(_ words: [String]) async throws {
        let taken = try await self.here.types(words)
        #expect(taken.status == 5 && taken.errors.contains("\"mysqlmigration\" already exists"))
        let watching = try self.here.watches(
            "storkctl get migration -n \(Self.namespace) --watch"
        )
        _ = await watching.rows { $0.first == Self.migration.name }
        try await self.here.succeeds("storkctl delete migrations mysqlmigration")
        let gone = try await self.here.types([
            "kubectl", "wait", "--for=delete", "migration/mysqlmigration", "--timeout=60s",
        ])
        // Old ones take it for a failure that it is gone already.
        #expect(gone.status == 0 || gone.errors.contains("no matching resources found"))
        self.last = try await self.here.succeeds(words)
        self.rows += await watching.rows { $0.dropFirst(2).first == "Volumes" }
        self.rows += await watching.rows { $0.dropFirst(2).first == "Final" }
    }

    // MARK: Manifests

    static func file(of kind: String) -> String { "\(kind.lowercased()).yaml" }

    /// Saves a manifest under the name that the documents give, and applies it where they do not.
    private mutating func save(
        _ text: String,
        before rest: ArraySlice<SeedDocuments.Block>
    ) async throws {
        let mended = Self.withoutSlip(text)
        let object = KubeObject(try JSON(yaml: mended))
        let name = Self.file(of: object.kind)
        let filled = object.kind == "ClusterPair" ? try self.filled(mended) : mended
        try self.here.save(filled, as: name)
        if object.kind == "MigrationSchedule" { try await self.prepare(schedule: object.key) }
        let isApplied = rest.prefix { Self.kind(of: $0) != object.kind }
            .contains { block in
                guard case .commands(let lines) = block.content else { return false }
                return lines.contains { $0 == ["kubectl", "apply", "-f", name] }
            }
        if isApplied { return }
        let applied = try await self.here.succeeds("kubectl apply -f \(name)").output
        guard object.kind == "ClusterPair" else {
            #expect(applied.hasSuffix("/\(object.name) created\n"))
            return
        }
        #expect(applied == "clusterpair.stork.libopenstorage.org/remotecluster configured\n")
        try await self.isReady(Self.pair)
        let pair = try await self.source.client.get(StorkResource.clusterPairs, Self.pair)
        #expect(ClusterPairSpec(pair["spec"]).mode == .disasterRecovery)
    }

    private static func kind(of block: SeedDocuments.Block) -> String? {
        guard case .manifest(let text) = block.content else { return nil }
        return (try? JSON(yaml: text))?["kind"]?.string
    }

    /// A pair with what a person writes into the places of the documents, by the key in front of each.
    private func filled(_ text: String) throws -> String {
        let config = self.generated["spec", "config"]
        let cluster = config?["clusters"]?.object?.values.first
        let user = config?["users"]?.object?.values.first
        let options = try #require(self.options)
        let values: [String: JSON?] = [
            "server": cluster?["server"],
            "certificate-authority-data": cluster?["certificate-authority-data"],
            "client-certificate-data": user?["client-certificate-data"],
            "client-key-data": user?["client-key-data"], "ip": options["ip"],
            "port": options["port"], "token": .string(self.token),
        ]
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return
            try lines.map { line -> String in
                let place = /( *)([a-z-]+): *(<.*>|https:\/\/192\.168\.56\.74:6443)/
                guard let match = line.wholeMatch(of: place) else { return String(line) }
                let value = try #require(values[String(match.2)] ?? nil, "a value for \(line)")
                return "\(match.1)\(match.2): \(value.compact)"
            }
            .joined(separator: "\n")
    }

    /// Where the agent of the destination is.
    var options: JSON?

    // MARK: What is generated

    /// The documents show it with `options` one column too far to the right, so that no reader of YAML
    /// takes it: what is compared has it where the rest stands.
    private mutating func compareGenerated(_ text: String) throws {
        let mended = text.replacing("\n    options:\n       <", with: "\n   options:\n       <")
        let documented = Self.paths(try JSON(yaml: mended))
        self.generated = try JSON(yaml: self.last.output)
        let ours = Self.paths(self.generated)
        #expect(documented.subtracting(ours) == [], "the documents have more fields")
        #expect(ours.contains("spec.options.<insert_storage_options_here>"))
        #expect(KubeObject(self.generated).key == Self.pair)
    }

    /// All fields, where what entries of a kubeconfig are called does not matter.
    private static func paths(_ json: JSON, _ path: [String] = []) -> Set<String> {
        guard let fields = json.object, !fields.isEmpty else {
            return [path.joined(separator: ".")]
        }
        let isNamed = ["clusters", "contexts", "users"].contains(path.last)
        return fields.reduce(into: []) { paths, field in
            paths.formUnion(Self.paths(field.value, path + [isNamed ? "*" : field.key]))
        }
    }
}
