// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import Foundation
import Kinds
import ObjectModel
import TestSupport
import Testing

@Suite struct DefinitionTests {
    private static func definition(_ change: JSON = [:]) -> JSON {
        let definition: JSON = [
            "metadata": ["name": "boats.sea.io"],
            "spec": [
                "group": "sea.io", "scope": "Namespaced",
                "names": [
                    "plural": "boats", "kind": "Boat", "shortNames": ["bt"],
                    "categories": ["all"],
                ],
                "versions": [
                    [
                        "name": "v1", "served": true, "storage": true,
                        "subresources": [
                            "status": [:],
                            "scale": [
                                "specReplicasPath": ".spec.replicas",
                                "statusReplicasPath": ".status.replicas",
                            ],
                        ],
                        "additionalPrinterColumns": [
                            ["name": "Sails", "type": "integer", "jsonPath": ".spec.sails"]
                        ],
                        "schema": [
                            "openAPIV3Schema": [
                                "type": "object",
                                "properties": [
                                    "spec": [
                                        "type": "object", "required": ["name"],
                                        "properties": [
                                            "name": ["type": "string"],
                                            "replicas": ["type": "integer"],
                                            "sails": [
                                                "type": "integer", "default": 2, "maximum": 9,
                                            ],
                                            "crew": [
                                                "type": "array", "x-kubernetes-list-type": "map",
                                                "x-kubernetes-list-map-keys": ["name"],
                                                "items": [
                                                    "type": "object",
                                                    "properties": [
                                                        "name": ["type": "string"],
                                                        "age": ["type": "integer"],
                                                    ],
                                                ],
                                            ],
                                        ],
                                    ],
                                    "status": [
                                        "type": "object",
                                        "properties": ["replicas": ["type": "integer"]],
                                    ],
                                ],
                            ]
                        ],
                    ]
                ],
            ],
        ]
        return definition.merged(with: change)
    }

    private func bed() async throws -> StoreBed {
        let bed = try await StoreBed()
        try await bed.create(self.definitions(bed), Self.definition())
        return bed
    }

    private func definitions(_ bed: StoreBed) throws -> ServedKind {
        try bed.kind("apiextensions.k8s.io/v1", "customresourcedefinitions")
    }

    private func boat(_ spec: JSON) -> JSON { ["metadata": ["name": "a"], "spec": spec] }

    @Test func aDefinedKindIsServedAtOnce() async throws {
        let bed = try await self.bed()
        let key = ObjectKey("", "boats.sea.io")
        let definition = try await bed.store.get(self.definitions(bed), key)
        let conditions = definition["status", "conditions"]?.array ?? []
        #expect(conditions.map { $0["type"] } == ["NamesAccepted", "Established"])
        #expect(conditions.map { $0["status"] } == ["True", "True"])
        #expect(definition["status", "storedVersions"] == ["v1"])
        #expect(definition["spec", "names", "listKind"] == "BoatList")
        let kind = try bed.kind("sea.io/v1", "boats")
        #expect(kind.resource.shortNames == ["bt"])
        #expect(kind.categories == ["all"])
        #expect(kind.columns.map(\.name) == ["Name", "Sails"])
        let boat = try await bed.create(kind, self.boat(["name": "x"]))
        #expect(boat["spec", "sails"] == 2)
        #expect(boat.apiVersion == "sea.io/v1")
        #expect(kind.columns[1].cell(boat, Date()) == 2)
        #expect(try await bed.store.scale(kind, boat.key)["spec", "replicas"] == 0)
    }

    @Test func objectsFollowTheSchema() async throws {
        let bed = try await self.bed()
        let kind = try bed.kind("sea.io/v1", "boats")
        let wrong = await status { try await bed.create(kind, self.boat(["sails": 10])) }
        #expect(wrong?.reason == .invalid)
        #expect(Set(wrong?.causes.map(\.field) ?? []) == ["spec.name", "spec.sails"])
        var options = WriteOptions()
        options.fieldValidation = .strict
        let strict = await status {
            try await bed.create(
                kind,
                self.boat(["name": "x", "mast": 1]),
                in: "default",
                options
            )
        }
        #expect(
            strict?.message == "Boat in version \"v1\" cannot be handled as a Boat: "
                + "strict decoding error: unknown field \"spec.mast\""
        )
        let object = KubeObject(self.boat(["name": "x", "mast": 1]))
        let written = try await bed.store.create(kind, object, namespace: "default")
        #expect(written.warnings == ["unknown field \"spec.mast\""])
        #expect(written.object["spec", "mast"] == nil)
    }

    @Test func listsWithKeysMergeWhenTheyAreApplied() async throws {
        let bed = try await self.bed()
        let kind = try bed.kind("sea.io/v1", "boats")
        func apply(_ manager: String, _ crew: [JSON]) async throws -> KubeObject {
            var json = self.boat(["name": "x", "crew": .array(crew)])
            json.set("sea.io/v1", at: "apiVersion")
            json.set("Boat", at: "kind")
            var options = WriteOptions()
            options.fieldManager = manager
            let key = ObjectKey("default", "a")
            return try await bed.store.patch(kind, key, .apply(json), part: nil, options).object
        }
        _ = try await apply("me", [["name": "eve", "age": 1]])
        let boat = try await apply("you", [["name": "ada", "age": 2]])
        #expect(boat["spec", "crew"]?.array?.map { $0["name"] } == ["eve", "ada"])
        let strategic = await status {
            try await bed.store.patch(kind, boat.key, .strategicMerge(["spec": ["sails": 1]]))
        }
        #expect(strategic?.code == 415)
    }

    @Test func aCustomResourceIsNotReplacedBlindly() async throws {
        let bed = try await self.bed()
        let kind = try bed.kind("sea.io/v1", "boats")
        let boat = try await bed.create(kind, self.boat(["name": "x"]))
        var blind = boat
        blind.set(nil, at: "metadata", "resourceVersion")
        let status = await status { try await bed.store.update(kind, boat.key, blind) }
        #expect(status?.causes.map(\.field) == ["metadata.resourceVersion"])
    }

    @Test func aRemovedDefinitionTakesItsObjectsAlong() async throws {
        let bed = try await self.bed()
        let kind = try bed.kind("sea.io/v1", "boats")
        try await bed.create(kind, self.boat(["name": "x"]))
        let definitions = try self.definitions(bed)
        _ = try await bed.store.delete(definitions, ObjectKey("", "boats.sea.io"))
        try await bed.store.converge()
        #expect(bed.store.kinds.kind(GroupVersion("sea.io", "v1"), plural: "boats") == nil)
        #expect(try await bed.names(definitions, in: nil) == [])
        try await bed.create(definitions, Self.definition())
        #expect(try await bed.names(kind) == [])
    }

    @Test func definedKindsAreServedAfterARestart() async throws {
        let directory = try TemporaryDirectory()
        let first = try await StoreBed(in: directory)
        try await first.create(self.definitions(first), Self.definition())
        first.store.close()
        let second = try await StoreBed(in: directory)
        _ = try second.kind("sea.io/v1", "boats")
    }

    @Test(arguments: [
        ["metadata": ["name": "boats.other.io"]] as JSON, ["spec": ["scope": "Everywhere"]],
        ["spec": ["versions": []]], ["spec": ["names": ["kind": .null]]],
        ["spec": ["versions": [["name": "v1", "served": true, "storage": false]]]],
    ])
    func aDefinitionThatCannotBeServedIsRefused(change: JSON) async throws {
        let bed = try await StoreBed()
        let status = await status {
            try await bed.create(self.definitions(bed), Self.definition(change))
        }
        #expect(status?.reason == .invalid, "\(change.compact)")
        #expect(bed.store.kinds.kind(GroupVersion("sea.io", "v1"), plural: "boats") == nil)
    }

    @Test func twoDefinitionsOfOneKindAreAConflictOfNames() async throws {
        let bed = try await self.bed()
        let rival = Self.definition([
            "metadata": ["name": "ships.sea.io"], "spec": ["names": ["plural": "ships"]],
        ])
        let made = try await bed.create(self.definitions(bed), rival)
        let conditions = made["status", "conditions"]?.array ?? []
        #expect(conditions.map { $0["status"] } == ["False", "False"])
        #expect(bed.store.kinds.kind(GroupVersion("sea.io", "v1"), plural: "ships") == nil)
    }

    @Test func everyVersionShowsTheSameObjects() async throws {
        let bed = try await StoreBed()
        let version = try #require(Self.definition()["spec", "versions"]?.array?.first)
        let both: JSON = [
            version, version.merged(with: ["name": "v1beta1", "storage": false]),
        ]
        try await bed.create(
            self.definitions(bed),
            Self.definition(["spec": ["versions": both]])
        )
        let beta = try bed.kind("sea.io/v1beta1", "boats")
        let made = try await bed.create(beta, self.boat(["name": "x"]))
        #expect(made.apiVersion == "sea.io/v1beta1")
        let stable = try await bed.store.get(bed.kind("sea.io/v1", "boats"), made.key)
        #expect(stable.apiVersion == "sea.io/v1")
        #expect(stable.uid == made.uid)
        let versions = bed.store.kinds.groups.first { $0.group == "sea.io" }?.versions
        #expect(versions?.map(\.version) == ["v1", "v1beta1"])
    }

    @Test func theDefinitionsOfTheProgramAreThereAndFollowIt() async throws {
        let directory = try TemporaryDirectory()
        let own = ObjectStore.ownDefinitions
        #expect(own.count == StorkKinds.all.count)
        let first = try await StoreBed(in: directory, definitions: own)
        let names = try await first.names(self.definitions(first), in: nil)
        #expect(Set(names) == Set(own.map(\.name)))
        let pairs = try first.kind("stork.libopenstorage.org/v1alpha1", "clusterpairs")
        #expect(pairs.columns.first?.name == "Name")
        let version = first.store.resourceVersion
        first.store.close()
        let second = try await StoreBed(in: directory, definitions: own)
        #expect(second.store.resourceVersion == version)
    }
}
