// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import ObjectModel
import TestSupport
import Testing

@Suite struct DeletingTests {
    private func owned(_ name: String, by owners: KubeObject..., blocks: Bool = true) -> JSON {
        let references = owners.map { owner -> JSON in
            var reference = OwnerReference(to: owner)
            reference.isController = false
            reference.blocksOwnerDeletion = blocks
            return reference.json
        }
        return ["metadata": ["name": .string(name), "ownerReferences": .array(references)]]
    }

    private func options(_ propagation: DeleteOptions.Propagation) -> DeleteOptions {
        var options = DeleteOptions()
        options.propagation = propagation
        return options
    }

    @Test func finalizersHoldAnObjectThatIsMarked() async throws {
        let bed = try await StoreBed()
        let kind = try bed.configMaps
        let made = try await bed.create(
            kind,
            ["metadata": ["name": "a", "finalizers": ["a.io/x"]]]
        )
        guard case .waiting(let marked) = try await bed.store.delete(kind, made.key) else {
            Issue.record("the finalizer did not hold the object")
            return
        }
        #expect(marked.deletionTimestamp == "2027-01-15T08:00:00Z")
        guard case .waiting(let again) = try await bed.store.delete(kind, made.key) else {
            Issue.record("the second deletion took the object away")
            return
        }
        #expect(again == marked)
        let more = ObjectPatch.merge(["metadata": ["finalizers": ["a.io/x", "a.io/y"]]])
        let status = await status { try await bed.store.patch(kind, made.key, more) }
        #expect(status?.causes.map(\.field) == ["metadata.finalizers"])
        let none = ObjectPatch.merge(["metadata": ["finalizers": .null]])
        _ = try await bed.store.patch(kind, made.key, none)
        #expect(try await bed.names(kind) == [])
    }

    @Test func preconditionsProtectAnotherObject() async throws {
        let bed = try await StoreBed()
        let made = try await bed.configMap("a")
        var options = DeleteOptions()
        options.uid = "other"
        let uid = await status { try await bed.store.delete(bed.configMaps, made.key, options) }
        #expect(uid?.reason == .conflict)
        options.uid = made.uid
        options.resourceVersion = "1"
        let version = await status { try await bed.store.delete(bed.configMaps, made.key, options) }
        #expect(version?.reason == .conflict)
        options.resourceVersion = made.resourceVersion
        options.isDryRun = true
        _ = try await bed.store.delete(bed.configMaps, made.key, options)
        #expect(try await bed.names(bed.configMaps) == ["a"])
    }

    @Test func whatHasLostItsOwnersGoes() async throws {
        let bed = try await StoreBed()
        let kind = try bed.configMaps
        let owner = try await bed.configMap("owner")
        let other = try await bed.configMap("other")
        let child = try await bed.create(kind, self.owned("child", by: owner))
        try await bed.create(kind, self.owned("grandchild", by: child))
        let shared = try await bed.create(kind, self.owned("shared", by: owner, other))
        _ = try await bed.store.delete(kind, owner.key)
        try await bed.store.converge()
        #expect(try await bed.names(kind) == ["other", "shared"])
        let kept = try await bed.store.get(kind, shared.key)
        #expect(kept.ownerReferences.map(\.name) == ["other"])
    }

    @Test func anOwnerInAnotherNamespaceIsNone() async throws {
        let bed = try await StoreBed()
        let owner = try await bed.configMap("owner", in: "kube-system")
        try await bed.create(bed.configMaps, self.owned("child", by: owner))
        try await bed.store.converge()
        #expect(try await bed.names(bed.configMaps) == [])
    }

    @Test func orphansStayWithoutTheirReference() async throws {
        let bed = try await StoreBed()
        let kind = try bed.configMaps
        let owner = try await bed.configMap("owner")
        try await bed.create(kind, self.owned("child", by: owner))
        _ = try await bed.store.delete(kind, owner.key, self.options(.orphan))
        try await bed.store.converge()
        #expect(try await bed.names(kind) == ["child"])
        let child = try await bed.store.get(kind, ObjectKey("default", "child"))
        #expect(child.ownerReferences == [])
    }

    @Test func inTheForegroundChildrenGoFirst() async throws {
        let bed = try await StoreBed()
        let kind = try bed.configMaps
        let owner = try await bed.configMap("owner")
        var child = self.owned("child", by: owner)
        child.set(["a.io/x"], at: "metadata", "finalizers")
        try await bed.create(kind, child)
        try await bed.create(kind, self.owned("loose", by: owner, blocks: false))
        _ = try await bed.store.delete(kind, owner.key, self.options(.foreground))
        try await bed.store.converge()
        #expect(try await bed.names(kind) == ["child", "owner"])
        let none = ObjectPatch.merge(["metadata": ["finalizers": .null]])
        _ = try await bed.store.patch(kind, ObjectKey("default", "child"), none)
        try await bed.store.converge()
        #expect(try await bed.names(kind) == [])
    }

    @Test func aNamespaceGoesWithWhatIsInIt() async throws {
        let bed = try await StoreBed()
        let made = try await bed.create(bed.namespaces, ["metadata": ["name": "shop"]])
        #expect(made["status", "phase"] == "Active")
        #expect(made.labels == ["kubernetes.io/metadata.name": "shop"])
        for number in 0..<150 { try await bed.configMap("a\(number)", in: "shop") }
        try await bed.create(
            bed.configMaps,
            ["metadata": ["name": "held", "finalizers": ["a.io/x"]]],
            in: "shop"
        )
        _ = try await bed.store.delete(bed.namespaces, made.key)
        let refused = await status { try await bed.configMap("late", in: "shop") }
        #expect(refused?.reason == .forbidden)
        #expect(refused?.causes.map(\.reason) == ["NamespaceTerminating"])
        try await bed.store.converge()
        #expect(try await bed.names(bed.configMaps, in: "shop") == ["held"])
        let waiting = try await bed.store.get(bed.namespaces, made.key)
        #expect(waiting["status", "phase"] == "Terminating")
        let condition = waiting["status", "conditions"]?.array?.first
        #expect(
            condition?["message"]
                == "Some resources are remaining: configmaps has 1 resource instances"
        )
        let none = ObjectPatch.merge(["metadata": ["finalizers": .null]])
        _ = try await bed.store.patch(bed.configMaps, ObjectKey("shop", "held"), none)
        try await bed.store.converge()
        #expect(try await bed.names(bed.namespaces) == StoreBed.firstNamespaces)
    }

    @Test func aNamespaceIsHeldWhateverIsWrittenOverIt() async throws {
        let bed = try await StoreBed()
        let made = try await bed.create(bed.namespaces, ["metadata": ["name": "shop"]])
        var bare = KubeObject(["metadata": ["name": "shop"]])
        bare.set(.string(made.resourceVersion), at: "metadata", "resourceVersion")
        let written = try await bed.store.update(bed.namespaces, made.key, bare).object
        #expect(written["spec", "finalizers"] == ["kubernetes"])
        var free = written
        free.set([], at: "spec", "finalizers")
        _ = try await bed.store.delete(bed.namespaces, made.key)
        free.set(nil, at: "metadata", "resourceVersion")
        _ = try await bed.store.update(bed.namespaces, made.key, free, part: .finalize)
        #expect(try await bed.names(bed.namespaces) == StoreBed.firstNamespaces)
    }

    @Test func theNamespacesOfEveryClusterStay() async throws {
        let bed = try await StoreBed()
        #expect(try await bed.names(bed.namespaces) == StoreBed.firstNamespaces)
        let status = await status {
            try await bed.store.delete(bed.namespaces, ObjectKey("", "kube-system"))
        }
        #expect(status?.reason == .forbidden)
    }

    @Test func aRestartGoesOnWithWhatWasBegun() async throws {
        let directory = try TemporaryDirectory()
        do {
            let bed = try await StoreBed(in: directory)
            let owner = try await bed.configMap("owner")
            try await bed.create(bed.configMaps, self.owned("child", by: owner))
            _ = try await bed.store.delete(bed.configMaps, owner.key)
            try await bed.create(bed.namespaces, ["metadata": ["name": "shop"]])
            try await bed.configMap("a", in: "shop")
            _ = try await bed.store.delete(bed.namespaces, ObjectKey("", "shop"))
            bed.store.close()
        }
        let bed = try await StoreBed(in: directory)
        try await bed.store.converge()
        #expect(try await bed.names(bed.configMaps) == [])
        #expect(try await bed.names(bed.namespaces) == StoreBed.firstNamespaces)
        let version = bed.store.resourceVersion
        try await bed.store.converge()
        #expect(bed.store.resourceVersion == version)
    }

    @Test func aCollectionIsDeletedBySelection() async throws {
        let bed = try await StoreBed()
        try await bed.configMap("a", labels: ["app": "x"])
        try await bed.configMap("b")
        let selection = ObjectSelection(
            namespace: "default",
            labels: LabelSelector(labels: ["app": "x"])
        )
        let deleted = try await bed.store.deleteCollection(bed.configMaps, selection)
        #expect(deleted.items.map(\.name) == ["a"])
        #expect(try await bed.names(bed.configMaps) == ["b"])
    }
}

extension StoreBed {
    static let firstNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"]
}
