// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import ObjectModel
import Testing

@Suite struct PatchingTests {
    @Test func operationsOfAJSONPatchAreDoneInOrder() async throws {
        let bed = try await StoreBed()
        let made = try await bed.configMap("a", ["k": "1", "l": "2"])
        let patched = try await bed.store.patch(
            bed.configMaps,
            made.key,
            .json([
                ["op": "test", "path": "/data/k", "value": "1"],
                ["op": "replace", "path": "/data/k", "value": "9"],
                ["op": "copy", "from": "/data/k", "path": "/data/m"],
                ["op": "move", "from": "/data/l", "path": "/data/a~1b~0c"],
                ["op": "add", "path": "/metadata/labels", "value": ["x": "y"]],
                ["op": "remove", "path": "/data/m"],
            ])
        )
        #expect(patched.object["data"] == ["k": "9", "a/b~c": "2"])
        #expect(patched.object.labels == ["x": "y"])
    }

    @Test(arguments: [
        ["op": "test", "path": "/data/k", "value": "2"] as JSON,
        ["op": "remove", "path": "/data/x"], ["op": "add", "path": "/x/y", "value": 1],
        ["op": "add", "path": "data", "value": 1], ["op": "add", "path": "/data/k"],
        ["op": "jump", "path": "/data/k"],
        ["op": "replace", "path": "/metadata/finalizers/7", "value": 1],
    ])
    func anOperationThatCannotBeDoneChangesNothing(operation: JSON) async throws {
        let bed = try await StoreBed()
        let made = try await bed.configMap("a", ["k": "1"])
        let patch = ObjectPatch.json([
            ["op": "add", "path": "/data/z", "value": "1"], operation,
        ])
        let status = await status { try await bed.store.patch(bed.configMaps, made.key, patch) }
        #expect(status?.reason == .invalid)
        #expect(try await bed.store.get(bed.configMaps, made.key) == made)
    }

    @Test func aMergePatchRemovesWithNull() async throws {
        let bed = try await StoreBed()
        let made = try await bed.configMap("a", ["k": "1", "l": "2"])
        let patched = try await bed.store.patch(
            bed.configMaps,
            made.key,
            .merge(["data": ["k": .null, "m": "3"]])
        )
        #expect(patched.object["data"] == ["l": "2", "m": "3"])
    }

    @Test func aPatchCanNameTheVersionThatItIsFor() async throws {
        let bed = try await StoreBed()
        let made = try await bed.configMap("a", ["k": "1"])
        let version = JSON.string(made.resourceVersion)
        let patch = ObjectPatch.merge([
            "metadata": ["resourceVersion": version], "data": ["k": "2"],
        ])
        _ = try await bed.store.patch(bed.configMaps, made.key, patch)
        let again = ObjectPatch.merge([
            "metadata": ["resourceVersion": version], "data": ["k": "3"],
        ])
        let status = await status { try await bed.store.patch(bed.configMaps, made.key, again) }
        #expect(status?.reason == .conflict)
    }

    @Test func namesAndKindsCannotBePatched() async throws {
        let bed = try await StoreBed()
        let made = try await bed.configMap("a")
        for patch: JSON in [
            ["metadata": ["name": "b"]], ["metadata": ["namespace": "kube-system"]],
            ["kind": "Secret"],
        ] {
            let status = await status {
                try await bed.store.patch(bed.configMaps, made.key, .merge(patch))
            }
            #expect([.invalid, .badRequest].contains(status?.reason), "\(patch.compact)")
        }
    }

    @Test func listsMergeByTheirKeysInAStrategicPatch() async throws {
        let bed = try await StoreBed()
        let kind = try bed.deployments
        let made = try await bed.create(kind, deployment("a"))
        let patched = try await bed.store.patch(
            kind,
            made.key,
            .strategicMerge([
                "spec": [
                    "template": [
                        "spec": [
                            "$setElementOrder/containers": [["name": "side"], ["name": "web"]],
                            "containers": [
                                [
                                    "name": "web", "image": "nginx:2",
                                    "env": [["name": "A", "value": "1"]],
                                ],
                                ["name": "side", "image": "side:1"],
                            ],
                        ]
                    ]
                ]
            ])
        )
        let containers = try #require(
            patched.object["spec", "template", "spec", "containers"]?.array
        )
        #expect(containers.map { $0["name"] } == ["side", "web"])
        #expect(containers[1]["image"] == "nginx:2")
        #expect(containers[1]["env"] == [["name": "A", "value": "1"]])
    }

    @Test func directivesOfAStrategicPatchRemoveAndReplace() async throws {
        let bed = try await StoreBed()
        let kind = try bed.deployments
        var json = deployment("a")
        json.set(
            ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": 1]],
            at: "spec",
            "strategy"
        )
        json.set(["a.io/x", "a.io/y"], at: "metadata", "finalizers")
        json.set(
            [["ip": "1.1.1.1"], ["ip": "2.2.2.2"]],
            at: "spec",
            "template",
            "spec",
            "hostAliases"
        )
        let made = try await bed.create(kind, json)
        let patched = try await bed.store.patch(
            kind,
            made.key,
            .strategicMerge([
                "metadata": ["$deleteFromPrimitiveList/finalizers": ["a.io/x"]],
                "spec": [
                    "strategy": ["$retainKeys": ["type"], "type": "Recreate"],
                    "template": [
                        "metadata": [
                            "annotations": ["$patch": "replace", "only": "this"]
                        ],
                        "spec": [
                            "hostAliases": [["ip": "1.1.1.1", "$patch": "delete"]]
                        ],
                    ],
                ],
            ])
        )
        #expect(patched.object.finalizers == ["a.io/y"])
        #expect(patched.object["spec", "strategy"] == ["type": "Recreate"])
        let template = patched.object["spec", "template"]
        #expect(template?["metadata", "annotations"] == ["only": "this"])
        #expect(template?["spec", "hostAliases"] == [["ip": "2.2.2.2"]])
    }

    @Test func aStrategicPatchWithoutAKeyIsABadRequest() async throws {
        let bed = try await StoreBed()
        let kind = try bed.deployments
        let made = try await bed.create(kind, deployment("a"))
        let patch = ObjectPatch.strategicMerge([
            "spec": ["template": ["spec": ["containers": [["image": "x"]]]]]
        ])
        let status = await status { try await bed.store.patch(kind, made.key, patch) }
        #expect(status?.reason == .badRequest)
        #expect(status?.message.contains("merge key: name") == true)
    }
}
