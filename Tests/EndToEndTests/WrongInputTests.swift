// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// What is typed or written wrong: a clear error, a documented exit code, and nothing made.
@Suite(.serialized, .timeLimit(.minutes(15))) struct WrongInputTests {
    private static let dead = """
        {"clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}],
         "contexts": [{"name": "a", "context": {"cluster": "a"}}], "current-context": "a"}
        """
    /// All that the lines of the tables could make.
    private static let kinds = [Application.configMaps] + StorkKinds.all.map(\.resource)

    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    private struct Stage {
        let site: Site
        let person: Person
        let namespace: String

        /// What is there, but for what the server puts there by itself.
        func objects() async throws -> Set<String> {
            var found: Set<String> = []
            for kind in WrongInputTests.kinds {
                let place = kind.isNamespaced ? self.namespace : nil
                // The policies that controllers make come when they come.
                for object in try await self.site.client.list(kind, namespace: place).items
                where object.name != "kube-root-ca.crt" && !object.name.hasPrefix("default-") {
                    found.insert("\(kind.plural)/\(object.name)")
                }
            }
            for name in ["new", "no-such"] {
                let key = ObjectKey("", name)
                if try await self.site.client.find(BuiltIn.namespaces, key) != nil {
                    found.insert("namespaces/\(name)")
                }
            }
            return found
        }
    }

    /// One side, a namespace in it, and in that a pair that leads nowhere.
    private func stage() async throws -> Stage {
        let site = try await Site("a", in: self.scratch.path)
        let namespace = "wrong-\(UUID().uuidString.prefix(8).lowercased())"
        try await site.create(
            BuiltIn.namespaces,
            KubeObject(BuiltIn.namespaces.groupVersionKind, ObjectKey("", namespace))
        )
        try await site.create(
            StorkResource.clusterPairs,
            KubeObject(
                StorkResource.clusterPairs.groupVersionKind,
                ObjectKey(namespace, "remote"),
                ["spec": ["options": ["ip": "127.0.0.1"]]]
            )
        )
        let person = try Person(at: site, in: "default", scratch: self.scratch.path)
        try person.save(WrongInput.schedules(in: namespace), as: "schedules.yaml")
        try await person.succeeds("godwit apply -f schedules.yaml")
        try person.remove("schedules.yaml")
        try person.save(Self.dead, as: "dead")
        return Stage(site: site, person: person, namespace: namespace)
    }

    private func check(_ table: [WrongInput]) async throws {
        let stage = try await self.stage()
        let before = try await stage.objects()
        for wrong in table {
            func filled(_ text: String) -> String {
                text.replacing("NS", with: stage.namespace).replacing("GOOD", with: "kubeconfig")
                    .replacing("DEAD", with: "dead")
            }
            for (name, text) in wrong.files { try stage.person.save(filled(text), as: name) }
            let line = filled(wrong.line)
            let words = ["godwit"] + line.split(separator: " ").map(String.init)
            let result = try await stage.person.types(words)
            #expect(result.status == wrong.code, "\(line): \(result.errors)")
            for text in wrong.says.map(filled) {
                #expect(result.errors.contains(text), "\(line): no '\(text)' in \(result.errors)")
            }
            #expect(result.output.isEmpty, "\(line): \(result.output)")
            for name in wrong.files.keys { try stage.person.remove(name) }
        }
        #expect(try await stage.objects() == before, "something was made")
        await stage.site.end()
    }

    @Test func aWrongManifestIsToldWithItsPlaceAndNothingIsMade() async throws {
        try await self.check(WrongInput.manifests)
    }

    @Test func oneWrongOfSeveralKeepsAllFromBeingMade() async throws {
        try await self.check(WrongInput.several)
    }

    @Test func aWrongMigrationIsToldBeforeItIsMade() async throws {
        try await self.check(WrongInput.migrations)
    }

    @Test func aWrongPairIsToldBeforeItIsMade() async throws {
        try await self.check(WrongInput.pairs)
    }

    @Test func aWrongScheduleIsToldBeforeItIsMade() async throws {
        try await self.check(WrongInput.scheduleManifests + WrongInput.schedules)
    }

    @Test func aWrongFailoverIsToldBeforeItIsBegun() async throws {
        try await self.check(WrongInput.failovers)
    }

    /// What is wrong on standard input is told with its place there.
    @Test func standardInputHasPlacesToo() async throws {
        let stage = try await self.stage()
        try stage.person.save("apiVersion: v1\nkind: [\n", as: "bad.yaml")
        let result = try await stage.person.types(["sh", "-c", "godwit apply -f - < bad.yaml"])
        #expect(result.status == 64)
        #expect(result.errors.contains("standard input:3:"), "\(result.errors)")
        await stage.site.end()
    }

    /// Of two namespaces one is there: it moves, and the other one is told.
    @Test func aNamespaceThatIsMissingBesideOthersIsLeftOutAndTold() async throws {
        let stage = try await self.stage()
        let line = "godwit create migration m -c remote -n \(stage.namespace) --namespaces"
        let both = "\(stage.namespace),no-such"
        let words = line.split(separator: " ").map(String.init) + [both]
        let strict = try await stage.person.types(words + ["--disable-skip-deleted-namespaces"])
        #expect(strict.status == 4 && strict.errors.contains("\"no-such\" not found"))
        let made = try await stage.person.types(words)
        #expect(made.status == 0 && made.errors.contains("warning: it is left out: "))
        #expect(try await stage.objects().contains("migrations/m"))
        await stage.site.end()
    }
}
