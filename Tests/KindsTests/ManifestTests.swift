// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import ObjectModel
import TestSupport
import Testing

/// The manifests of the documents that Godwit is built from.
enum UserManifests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Manifests")

    /// What the generator is shown to print.
    ///
    /// There `options` stands one column too far to the right, so that no reader of YAML takes it.
    static let generated = "clusterpair-generated.yaml"

    static let names = [
        Self.generated, "clusterpair.yaml", "clusterpair-disaster-recovery.yaml", "migration.yaml",
        "migration-with-rules.yaml", "migrationschedule.yaml",
        "migrationschedule-without-volumes.yaml", "schedulepolicy.yaml",
    ]

    static func text(_ name: String) throws -> String {
        let text = try String(
            contentsOf: Self.folder.appendingPathComponent(name),
            encoding: .utf8
        )
        return name == Self.generated
            ? text.replacing("\n    options:\n       <", with: "\n   options:\n       <") : text
    }

    static func object(_ name: String) throws -> KubeObject {
        KubeObject(try JSON(yaml: Self.text(name)))
    }
}

@Suite struct ManifestTests {
    @Test(arguments: UserManifests.names)
    func manifestsOfTheDocumentsAreStoredWithNothingLost(name: String) throws {
        let object = try UserManifests.object(name)
        let kind = try #require(StorkKinds[object.kind])
        #expect(kind.resource.groupVersionKind == object.groupVersionKind)
        #expect(kind.unknownFields(in: object) == [])
        let admitted = kind.admitted(object)
        #expect(kind.validate(admitted) == [])
        #expect(kind.validate(admitted, old: admitted) == [])
        // Defaults are added; what the person wrote stays.
        for field in ["spec", "status", "policy"] {
            let written = object[field] ?? .null
            let stored = admitted[field] ?? .null
            #expect(stored.merged(with: written) == stored, "\(field)")
        }
    }

    @Test(.enabled(if: SeedDocuments.areThere, "the documents are not beside this checkout"))
    func everyManifestOfTheDocumentsIsAmongTheFiles() throws {
        let files = try UserManifests.names.map { name in
            try String(
                contentsOf: UserManifests.folder.appendingPathComponent(name),
                encoding: .utf8
            )
        }
        var found = 0
        for block in try SeedDocuments.blocks() {
            guard case .manifest(let text) = block.content else { continue }
            found += 1
            #expect(files.contains(text), "\(block): \(text.prefix(200))")
        }
        #expect(found == files.count)
    }

    @Test func everyFileIsTested() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: UserManifests.folder.path)
        #expect(files.sorted() == UserManifests.names.sorted())
    }

    @Test func whatTheGeneratorIsShownToPrintIsNoYAMLForAnybody() throws {
        let file = UserManifests.folder.appendingPathComponent(UserManifests.generated)
        let text = try String(contentsOf: file, encoding: .utf8)
        let error = try #require(throws: YAMLError.self) { try JSON(yaml: text) }
        #expect(error.line == 26)
        #expect(error.advice.contains("same column"))
    }

    @Test func aPolicyForAllNamespacesLosesTheNamespaceThatItCarries() throws {
        let object = try UserManifests.object("schedulepolicy.yaml")
        #expect(object.namespace == "mysql")
        #expect(try #require(StorkKinds["SchedulePolicy"]).admitted(object).namespace == "")
    }

    @Test(arguments: ManifestCase.all)
    func theTableOfManifestsHolds(manifest: ManifestCase) throws {
        let object = KubeObject(try JSON(yaml: manifest.manifest))
        let kind = try #require(StorkKinds[object.kind])
        #expect(kind.unknownFields(in: object) == [])
        let old = try manifest.old.map { kind.admitted(KubeObject(try JSON(yaml: $0))) }
        if let old { #expect(kind.validate(old) == []) }
        let errors = kind.validate(kind.admitted(object), old: old)
        guard let refusal = manifest.refusal else { return #expect(errors == []) }
        #expect(errors.count == 1)
        #expect(errors.first?.description.contains(refusal) == true, "\(errors)")
    }

    @Test func everyRuleRefusesAManifestOfTheTable() throws {
        func rules(of schema: Schema) -> [ValidationRule] {
            var found = schema.rules + schema.properties.values.flatMap(rules)
            found += schema.items.map(rules) ?? []
            if case .of(let values) = schema.additional { found += rules(of: values) }
            return found
        }
        let refusals = ManifestCase.all.filter(\.needsRules).compactMap(\.refusal)
        let all = StorkKinds.all.flatMap { rules(of: $0.schema) }
        #expect(all.count >= 10)
        for rule in all {
            #expect(refusals.contains { rule.message.contains($0) }, "\(rule.message)")
        }
    }
}
