// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import ObjectModel
import Testing

@Suite struct ApplyingTests {
    private func apply(
        _ bed: StoreBed,
        _ json: JSON,
        as manager: String,
        isForced: Bool = false
    ) async throws -> Written {
        var options = WriteOptions()
        options.fieldManager = manager
        options.isForced = isForced
        let object = KubeObject(json)
        let kind = try #require(bed.store.kinds.kind(object.groupVersionKind))
        return try await bed.store.patch(
            kind,
            ObjectKey("default", object.name),
            .apply(json),
            part: nil,
            options
        )
    }

    private func configMap(_ data: [String: String], labels: [String: String] = [:]) -> JSON {
        [
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": ["name": "a", "labels": JSON(labels)], "data": JSON(data),
        ]
    }

    @Test func whatIsNotThereIsMade() async throws {
        let bed = try await StoreBed()
        let written = try await self.apply(bed, self.configMap(["k": "1"]), as: "me")
        #expect(written.isNew)
        let entry = try #require(written.object["metadata", "managedFields"]?.array?.first)
        #expect(entry["manager"] == "me")
        #expect(entry["operation"] == "Apply")
        #expect(entry["fieldsType"] == "FieldsV1")
        #expect(entry["fieldsV1"]?["f:data"] == ["f:k": [:]])
    }

    @Test func whatAManagerNoLongerWantsGoes() async throws {
        let bed = try await StoreBed()
        _ = try await self.apply(bed, self.configMap(["k": "1", "l": "2"]), as: "me")
        let written = try await self.apply(bed, self.configMap(["k": "1"]), as: "me")
        #expect(!written.isNew)
        #expect(written.object["data"] == ["k": "1"])
    }

    @Test func whatOthersWantToStays() async throws {
        let bed = try await StoreBed()
        _ = try await self.apply(bed, self.configMap(["k": "1", "l": "2"]), as: "me")
        _ = try await self.apply(bed, self.configMap(["l": "2", "m": "3"]), as: "you")
        let written = try await self.apply(bed, self.configMap(["k": "1"]), as: "me")
        #expect(written.object["data"] == ["k": "1", "l": "2", "m": "3"])
    }

    @Test func aConflictNamesTheOtherManagerAndTheField() async throws {
        let bed = try await StoreBed()
        _ = try await self.apply(bed, self.configMap(["k": "1", "l": "1"]), as: "me")
        let status = await status {
            try await self.apply(bed, self.configMap(["k": "2"]), as: "you")
        }
        #expect(status?.code == 409)
        #expect(
            status?.message
                == "Apply failed with 1 conflict: conflict with \"me\" using v1: .data.k"
        )
        #expect(status?.causes.map(\.reason) == ["FieldManagerConflict"])
        #expect(status?.causes.map(\.field) == [".data.k"])
    }

    @Test func forceTakesTheFieldAway() async throws {
        let bed = try await StoreBed()
        _ = try await self.apply(bed, self.configMap(["k": "1", "l": "1"]), as: "me")
        let forced = try await self.apply(
            bed,
            self.configMap(["k": "2"]),
            as: "you",
            isForced: true
        )
        #expect(forced.object["data"] == ["k": "2", "l": "1"])
        let status = await status {
            try await self.apply(bed, self.configMap(["k": "1", "l": "1"]), as: "me")
        }
        #expect(status?.causes.map(\.message) == ["conflict with \"you\" using v1"])
    }

    @Test func equalValuesAreNoConflictAndNoWrite() async throws {
        let bed = try await StoreBed()
        _ = try await self.apply(bed, self.configMap(["k": "1"]), as: "me")
        _ = try await self.apply(bed, self.configMap(["k": "1"]), as: "you")
        let version = bed.store.resourceVersion
        _ = try await self.apply(bed, self.configMap(["k": "1"]), as: "me")
        _ = try await self.apply(bed, self.configMap(["k": "1"]), as: "you")
        #expect(bed.store.resourceVersion == version)
    }

    @Test func whoUpdatesAFieldOwnsItToo() async throws {
        let bed = try await StoreBed()
        _ = try await self.apply(bed, deployment("a", replicas: 1), as: "me")
        var options = WriteOptions()
        options.fieldManager = "scaler"
        let key = ObjectKey("default", "a")
        _ = try await bed.store.patch(
            bed.deployments,
            key,
            .merge(["spec": ["replicas": 5]]),
            part: nil,
            options
        )
        let status = await status {
            try await self.apply(bed, deployment("a", replicas: 1), as: "me")
        }
        #expect(
            status?.message
                == "Apply failed with 1 conflict: conflict with \"scaler\" using apps/v1: .spec.replicas"
        )
        // Who leaves the field out gives it up.
        let written = try await self.apply(bed, deployment("a"), as: "me")
        #expect(written.object["spec", "replicas"] == 5)
    }

    @Test func elementsOfListsHaveManagersOfTheirOwn() async throws {
        let bed = try await StoreBed()
        func pod(_ containers: [JSON]) -> JSON {
            var json = deployment("a")
            json.set(.array(containers), at: "spec", "template", "spec", "containers")
            return json
        }
        let web: JSON = ["name": "web", "image": "nginx:1", "ports": [["containerPort": 80]]]
        _ = try await self.apply(bed, pod([web]), as: "me")
        _ = try await self.apply(bed, pod([["name": "side", "image": "side:1"]]), as: "you")
        let written = try await self.apply(
            bed,
            pod([["name": "web", "image": "nginx:2"]]),
            as: "me"
        )
        let containers = try #require(
            written.object["spec", "template", "spec", "containers"]?.array
        )
        #expect(containers.map { $0["name"] } == ["web", "side"])
        #expect(containers[0]["image"] == "nginx:2")
        #expect(containers[0]["ports"] == nil)
        let fields = try #require(written.object["metadata", "managedFields"]?.array?.first)
        #expect(
            fields["fieldsV1"]?["f:spec"]?["f:template"]?["f:spec"]?["f:containers"] == [
                "k:{\"name\":\"web\"}": [".": [:], "f:image": [:], "f:name": [:]]
            ]
        )
    }

    @Test func managersCanBeHandedOver() async throws {
        let bed = try await StoreBed()
        let made = try await bed.configMap("a", ["k": "1"])
        let manager = made["metadata", "managedFields"]?.array?.first
        var moved = try #require(manager)
        moved.set("Apply", at: "operation")
        moved.set("me", at: "manager")
        // What kubectl does before its first apply on the server's side.
        _ = try await bed.store.patch(
            bed.configMaps,
            made.key,
            .json([["op": "replace", "path": "/metadata/managedFields", "value": [moved]]])
        )
        let written = try await self.apply(bed, self.configMap(["l": "2"]), as: "me")
        #expect(written.object["data"] == ["l": "2"])
    }

    @Test func anApplyNeedsAManagerAndAKind() async throws {
        let bed = try await StoreBed()
        let nobody = await status { try await self.apply(bed, self.configMap([:]), as: "") }
        #expect(nobody?.reason == .badRequest)
        #expect(nobody?.message.contains("fieldManager: Required value") == true)
        var options = WriteOptions()
        options.fieldManager = "me"
        let noKind = await status {
            try await bed.store.patch(
                bed.configMaps,
                ObjectKey("default", "a"),
                .apply(["metadata": ["name": "a"]]),
                part: nil,
                options
            )
        }
        #expect(noKind?.reason == .badRequest)
    }
}
