// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import ObjectModel
import Testing

@Suite struct DefinitionTests {
    @Test(arguments: [
        ("ClusterPair", "clusterpairs", "cpair", true), ("Migration", "migrations", "mig", true),
        ("MigrationSchedule", "migrationschedules", "migsched", true),
        ("SchedulePolicy", "schedulepolicies", "spol", false),
        ("NamespacedSchedulePolicy", "namespacedschedulepolicies", "nspol", true),
        ("Rule", "rules", "srule", true),
        ("ResourceTransformation", "resourcetransformations", "rtrans", true),
        ("Action", "actions", "dract", true),
    ])
    func kindsHaveTheNamesThatUsersKnow(
        kind: String,
        plural: String,
        short: String,
        isNamespaced: Bool
    ) throws {
        let definition = try #require(StorkKinds[kind])
        #expect(definition.resource.plural == plural)
        #expect(definition.resource.shortNames == [short])
        #expect(definition.resource.isNamespaced == isNamespaced)
        #expect(definition.categories == ["godwit"])
        #expect(definition.resource.groupVersion.apiVersion == "stork.libopenstorage.org/v1alpha1")
    }

    @Test func everyStatusHasTheGenerationAndConditions() {
        for kind in StorkKinds.all {
            let status = kind.schema.properties["status"]
            #expect((status != nil) == kind.hasStatus)
            guard let status else { continue }
            #expect(status.properties["observedGeneration"]?.type == .integer)
            #expect(status.properties["conditions"]?.listMapKeys == ["type"])
        }
    }

    @Test func everyFieldHasATypeAndADescription() {
        func check(_ schema: Schema, _ path: String) {
            #expect(!schema.description.isEmpty || path.hasSuffix("[]"), "\(path)")
            #expect(schema.type != nil || schema.isIntOrString, "\(path)")
            for (name, field) in schema.properties { check(field, "\(path).\(name)") }
            if let items = schema.items { check(items, "\(path)[]") }
            if case .of(let values) = schema.additional { check(values, "\(path)[]") }
        }
        for kind in StorkKinds.all {
            check(kind.schema, kind.resource.kind)
            #expect(!kind.schema.preservesUnknownFields)
            #expect(kind.columns.filter { $0.priority == 0 }.count <= 8)
        }
    }

    @Test func aDefinitionThatIsReadAgainIsTheSame() throws {
        for kind in StorkKinds.all {
            let crd = kind.customResourceDefinition()
            let read = try #require(try KindDefinition.defined(by: crd).first)
            #expect(read.resource == kind.resource && read.hasStatus == kind.hasStatus)
            #expect(read.categories == kind.categories)
            #expect(read.columns.compactMap(\.json) == kind.columns.compactMap(\.json))
            #expect(read.customResourceDefinition() == crd)
        }
    }

    @Test(arguments: [
        (["spec", "group"], "spec.group"), (["spec", "names", "kind"], "spec.names.kind"),
        (["spec", "versions"], "spec.versions"), (["spec", "scope"], "spec.scope"),
        (["metadata", "name"], "metadata.name"),
    ])
    func aDefinitionWithoutWhatItNeedsIsRefused(path: [String], field: String) throws {
        var crd = try #require(StorkKinds["Rule"]).customResourceDefinition()
        crd.json.set(nil, at: path[...])
        let error = try #require(throws: FieldError.self) { try KindDefinition.defined(by: crd) }
        #expect(error.path == field)
    }

    @Test func aDefinitionOfOthersWithoutASchemaOrWithAStrangeColumnIsRefused() throws {
        func refused(_ version: JSON) throws -> String {
            var crd = try #require(StorkKinds["Rule"]).customResourceDefinition()
            crd.set([version], at: "spec", "versions")
            return try #require(throws: FieldError.self) { try KindDefinition.defined(by: crd) }
                .path
        }
        #expect(try refused(["name": "v1"]) == "spec.versions[0].schema.openAPIV3Schema")
        let column: JSON = ["name": "a", "type": "string", "jsonPath": ".a[?"]
        let path = try refused([
            "name": "v1", "schema": ["openAPIV3Schema": ["type": "object"]],
            "additionalPrinterColumns": [column],
        ])
        #expect(path == "spec.versions[0].additionalPrinterColumns[0].jsonPath")
    }
}

@Suite struct ManifestFileTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    @Test(arguments: [("deploy/crds", true), ("deploy/crds-without-rules", false)])
    func whatIsCommittedIsWhatIsGenerated(folder: String, hasRules: Bool) throws {
        let place = Self.root.appendingPathComponent(folder)
        let files = crdManifests(withRules: hasRules)
        let names = try FileManager.default.contentsOfDirectory(atPath: place.path)
            .filter { $0 != "kustomization.yaml" }
        #expect(names.sorted() == files.keys.sorted())
        for (name, text) in files {
            let committed = try String(
                contentsOf: place.appendingPathComponent(name),
                encoding: .utf8
            )
            let isSame = committed == text
            #expect(isSame, "\(folder)/\(name): write it again with `godwit-controller crds`")
        }
    }

    @Test func emptyTextsMayBeNullWhereOldServersTakeThemForIt() throws {
        let kind = try #require(StorkKinds["ClusterPair"])
        let old = Schema(kind.openAPISchema(withRules: false)).properties
        let new = Schema(kind.openAPISchema()).properties
        #expect(old["status"]?.properties["remoteStorageId"]?.isNullable == true)
        #expect(new["status"]?.properties["remoteStorageId"]?.isNullable == false)
        #expect(old["spec"]?.properties["secretRef"]?.properties["name"]?.isNullable == false)
    }

    @Test func rulesAreInOneSetOnly() throws {
        let mark = "x-kubernetes-validations"
        #expect(crdManifests(withRules: true).values.contains { $0.contains(mark) })
        #expect(!crdManifests(withRules: false).values.contains { $0.contains(mark) })
    }
}
