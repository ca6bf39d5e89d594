// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import ObjectModel
import Testing

@Suite struct UpdatingTests {
    @Test func theGenerationMovesWithTheSpecificationOnly() async throws {
        let bed = try await StoreBed()
        let kind = try bed.deployments
        var object = try await bed.create(kind, deployment("a"))
        object.labels["x"] = "y"
        object = try await bed.store.update(kind, object.key, object).object
        #expect(object.generation == 1)
        object.set(3, at: "spec", "replicas")
        object = try await bed.store.update(kind, object.key, object).object
        #expect(object.generation == 2)
        object.set(["replicas": 3], at: "status")
        object = try await bed.store.update(kind, object.key, object, part: .status).object
        #expect(object.generation == 2)
        #expect(object["status", "replicas"] == 3)
    }

    @Test func statusAndSpecificationAreWrittenApart() async throws {
        let bed = try await StoreBed()
        let kind = try bed.deployments
        let made = try await bed.create(kind, deployment("a", replicas: 1))
        var both = made
        both.set(5, at: "spec", "replicas")
        both.set(["replicas": 7], at: "status")
        let main = try await bed.store.update(kind, made.key, both).object
        #expect(main["spec", "replicas"] == 5)
        #expect(main["status"] == nil)
        both.set(.string(main.resourceVersion), at: "metadata", "resourceVersion")
        both.set(9, at: "spec", "replicas")
        let status = try await bed.store.update(kind, made.key, both, part: .status).object
        #expect(status["spec", "replicas"] == 5)
        #expect(status["status", "replicas"] == 7)
    }

    @Test func aWriteThatChangesNothingIsNoWrite() async throws {
        let bed = try await StoreBed()
        let made = try await bed.configMap("a", ["k": "v"])
        let version = bed.store.resourceVersion
        let same = try await bed.store.update(bed.configMaps, made.key, made)
        _ = try await bed.store.patch(bed.configMaps, made.key, .merge(["data": ["k": "v"]]))
        #expect(same.object == made)
        #expect(bed.store.resourceVersion == version)
    }

    @Test func anotherObjectOfTheSameNameIsNotOverwritten() async throws {
        let bed = try await StoreBed()
        let old = try await bed.configMap("a")
        _ = try await bed.store.delete(bed.configMaps, old.key)
        try await bed.configMap("a", ["k": "v"])
        var stale = old
        stale.set(nil, at: "metadata", "resourceVersion")
        let status = await status { try await bed.store.update(bed.configMaps, old.key, stale) }
        #expect(status?.reason == .conflict)
        #expect(status?.message.contains("Precondition failed: UID in precondition") == true)
    }

    @Test func ofManyWritersOfOneVersionOneWins() async throws {
        let bed = try await StoreBed()
        let made = try await bed.configMap("a")
        let results = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<20 {
                group.addTask {
                    var object = made
                    object.set(["n": .string("\(number)")], at: "data")
                    return await status {
                        try await bed.store.update(bed.configMaps, made.key, object)
                    } == nil
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(results == 1)
    }

    private static let changes: [(String, String, JSON)] = [
        ("apps/v1", "deployments", ["spec": ["selector": ["matchLabels": ["app": "b"]]]]),
        ("v1", "secrets", ["type": "other"]),
        ("v1", "services", ["spec": ["clusterIP": "10.96.9.9"]]),
        ("rbac.authorization.k8s.io/v1", "rolebindings", ["roleRef": ["name": "b"]]),
        ("v1", "persistentvolumeclaims", ["spec": ["storageClassName": "b"]]),
        ("v1", "persistentvolumes", ["spec": ["csi": ["volumeHandle": "b"]]]),
        ("storage.k8s.io/v1", "storageclasses", ["provisioner": "b"]),
        ("v1", "configmaps", ["data": ["k": "2"]]),
    ]

    @Test(arguments: Self.changes)
    func whatCannotChangeIsRefused(version: String, plural: String, patch: JSON) async throws {
        let bed = try await StoreBed()
        let kind = try bed.kind(version, plural)
        let made = try await bed.create(kind, try #require(Self.objects[plural]))
        let status = await status { try await bed.store.patch(kind, made.key, .merge(patch)) }
        #expect(status?.reason == .invalid, "\(plural)")
    }

    private static let objects: JSONFields = [
        "deployments": deployment("a"), "secrets": ["metadata": ["name": "a"]],
        "services": ["metadata": ["name": "a"], "spec": ["ports": [["port": 80]]]],
        "rolebindings": [
            "metadata": ["name": "a"], "roleRef": ["kind": "Role", "name": "a"],
        ],
        "persistentvolumeclaims": [
            "metadata": ["name": "a"],
            "spec": [
                "accessModes": ["ReadWriteOnce"], "storageClassName": "a",
                "resources": ["requests": ["storage": "1Gi"]],
            ],
        ],
        "persistentvolumes": [
            "metadata": ["name": "a"],
            "spec": [
                "accessModes": ["ReadWriteOnce"], "capacity": ["storage": "1Gi"],
                "csi": ["driver": "pool.godwit.io", "volumeHandle": "a"],
            ],
        ],
        "storageclasses": ["metadata": ["name": "a"], "provisioner": "a"],
        "configmaps": ["metadata": ["name": "a"], "data": ["k": "1"], "immutable": true],
    ]

    @Test func replicasAreReadAndSetAsAScale() async throws {
        let bed = try await StoreBed()
        let kind = try bed.deployments
        let made = try await bed.create(kind, deployment("a", replicas: 2))
        var scale = try await bed.store.scale(kind, made.key)
        #expect(scale["spec", "replicas"] == 2)
        #expect(scale["status", "selector"] == "app=a")
        scale.set(4, at: "spec", "replicas")
        scale = try await bed.store.update(kind, made.key, scale, part: .scale).object
        #expect(scale.kind == "Scale")
        #expect(try await bed.store.get(kind, made.key)["spec", "replicas"] == 4)
        let patch = ObjectPatch.merge(["spec": ["replicas": 0]])
        _ = try await bed.store.patch(kind, made.key, patch, part: .scale)
        #expect(try await bed.store.get(kind, made.key)["spec", "replicas"] == 0)
        let status = await status { try await bed.store.scale(bed.configMaps, made.key) }
        #expect(status?.reason == .notFound)
    }
}
