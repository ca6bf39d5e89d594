// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// A whole Migration changes nothing of an object but what docs/resources.md says.
@Suite(.serialized, .timeLimit(.minutes(15))) struct LosslessTests {
    private let scratch: ScratchDirectory
    /// New for each run, as real clusters are shared.
    private let mark = String(UUID().uuidString.lowercased().prefix(6))
    private var namespace: String { "whole-\(self.mark)" }
    private var group: String { "g\(self.mark).example.org" }

    init() throws { self.scratch = try ScratchDirectory() }

    @Test func everyObjectArrivesAsItWasButForTheDocumentedRewrites() async throws {
        let source = try await Site("a", in: self.scratch.path)
        let destination = try await Site("b", in: self.scratch.path)
        for site in [source, destination] { try await site.allow("things", of: self.group) }
        let sent = try await self.prepare(source)
        try await source.create(pair: "whole", to: destination, in: self.namespace)
        try await source.create(
            migration: "whole",
            of: [self.namespace],
            to: "whole",
            in: self.namespace
        )
        let end = try await source.final("whole", in: self.namespace)
        #expect(end.status == .successful, "\(end.conditions["Succeeded"]?.message ?? "")")
        for (resource, key) in sent {
            let stored = try await source.client.get(resource, key)
            let arrived = try await destination.client.get(resource, key)
            #expect(Rewrites.areStamped(arrived, by: "whole", in: self.namespace), "\(key)")
            let wanted = Rewrites.expected(stored).bytes
            let found = Rewrites.comparable(arrived).bytes
            let areSame = wanted == found
            #expect(
                areSame,
                "\(resource.kind) \(key.name):\n\(Self.difference(wanted, found))"
            )
        }
        await source.end()
        await destination.end()
    }

    /// Creates the corpus; what there is then.
    private func prepare(_ source: Site) async throws -> [(APIResource, ObjectKey)] {
        var words = ["NS": self.namespace, "GROUP": self.group]
        func written(_ text: String) -> String {
            words.reduce(text) { $0.replacing($1.key, with: $1.value) }
        }
        try await source.create(
            manifest:
                #"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"\#(self.namespace)"}}"#
        )
        try await source.create(manifest: written(LosslessCorpus.owner))
        try await source.create(manifest: written(LosslessCorpus.definition))
        try await self.established(source)
        let owner = try await source.client.get(
            APIResource(BuiltIn.core, "ServiceAccount", plural: "serviceaccounts"),
            ObjectKey(self.namespace, "keeper")
        )
        words["OWNER"] = owner.uid
        let image = "\(self.scratch.path)/image"
        try Data(repeating: 3, count: 256 << 10).write(to: URL(fileURLWithPath: image))
        try await source.createVolume("disk-\(self.namespace)", from: image)
        let kinds = try await source.client.discovery()
        var corpus = LosslessCorpus.objects
        if ProcessInfo.processInfo.environment["GODWIT_TEST_CLUSTERS"] == nil {
            corpus.append(LosslessCorpus.exactNumbers)
        }
        var created: [(APIResource, ObjectKey)] = []
        for entry in corpus {
            let resource = try #require(
                LosslessCorpus.resource(entry.kind, group: self.group, among: kinds),
                "\(entry.kind)"
            )
            let object = try LosslessCorpus.object(entry, resource, replacing: words)
            try await source.create(resource, object)
            created.append((resource, object.key))
        }
        _ = try await source.object(BuiltIn.claims, self.namespace, "disk") {
            $0["status", "phase"] == "Bound"
        }
        return created
    }

    private func established(_ site: Site) async throws {
        let definitions = APIResource(
            GroupVersion("apiextensions.k8s.io", "v1"),
            "CustomResourceDefinition",
            plural: "customresourcedefinitions",
            isNamespaced: false
        )
        _ = try await site.object(definitions, "", "things.\(self.group)") {
            ($0["status", "conditions"]?.array ?? [])
                .contains { $0["type"] == "Established" && $0["status"] == "True" }
        }
    }

    /// The place where two texts part.
    private static func difference(_ wanted: [UInt8], _ found: [UInt8]) -> String {
        let place = zip(wanted, found).enumerated().first { $1.0 != $1.1 }?.offset
        let start = max(0, (place ?? min(wanted.count, found.count)) - 60)
        func part(_ bytes: [UInt8]) -> String {
            String(decoding: bytes.dropFirst(start).prefix(200), as: UTF8.self)
        }
        return "wanted …\(part(wanted))\nfound  …\(part(found))"
    }
}

/// What docs/resources.md says that a Migration without `startApplications` changes: here once more,
/// by hand, so that no fault of the code is on both sides.
enum Rewrites {
    private static let prefix = "stork.libopenstorage.org/"
    private static let stamps = [
        "migrated", "migrationName", "migrationNamespace", "migrationTime", "resource-hash",
    ]

    /// What has to arrive, without the stamps.
    static func expected(_ stored: KubeObject) -> JSON {
        var object = KubeObject(Self.comparable(stored))
        switch stored.kind {
        case "Deployment", "StatefulSet":
            let replicas = stored["spec", "replicas"]?.compact ?? "1"
            object.set(0, at: "spec", "replicas")
            Self.annotate(&object, "migrationReplicas", replicas)
            object.set("true", at: "metadata", "labels", Self.prefix + "migrated")
        case "CronJob":
            let suspended = stored["spec", "suspend"]?.compact ?? ""
            object.set(true, at: "spec", "suspend")
            Self.annotate(&object, "spec.suspend", "\(suspended),true")
        case "PersistentVolume":
            let policy = stored["spec", "persistentVolumeReclaimPolicy"]?.string ?? ""
            Self.annotate(&object, "reclaimPolicy", policy)
        case _: break
        }
        return object.json
    }

    private static func annotate(_ object: inout KubeObject, _ key: String, _ value: String) {
        object.set(.string(value), at: "metadata", "annotations", Self.prefix + key)
    }

    /// Without what belongs to one cluster, or is looked at elsewhere.
    ///
    /// Of the metadata name, namespace, labels and annotations move; finalizers, owners and the status
    /// do not. Maps without an entry are none, and for the kinds that every cluster has null is nothing:
    /// their API servers drop it.
    static func comparable(_ object: KubeObject) -> JSON {
        var object = object
        let kept: Set<String> = ["name", "namespace", "labels", "annotations"]
        let metadata = object["metadata"]?.object?.filter { kept.contains($0.key) }
        object.set(.object(metadata ?? [:]), at: "metadata")
        object.set(nil, at: "status")
        for stamp in Self.stamps {
            object.set(nil, at: "metadata", "annotations", Self.prefix + stamp)
        }
        for field in ["labels", "annotations"]
        where object["metadata", field]?.object?.isEmpty == true {
            object.set(nil, at: "metadata", field)
        }
        if object.kind != "Thing" {
            object.json = .object((object.json.object ?? [:]).filter { !$0.value.isNull })
        }
        if object.kind == "Service" {
            if object["spec", "clusterIP"] != "None" { object.set(nil, at: "spec", "clusterIP") }
            object.set(nil, at: "spec", "clusterIPs")
        }
        if object.kind == "PersistentVolume" {
            object.set(nil, at: "spec", "claimRef", "uid")
            object.set(nil, at: "spec", "claimRef", "resourceVersion")
        }
        return object.json
    }

    /// Whether an object says who brought it.
    static func areStamped(_ object: KubeObject, by name: String, in namespace: String) -> Bool {
        let found = object.annotations
        return found[Self.prefix + "migrated"] == "true"
            && found[Self.prefix + "migrationName"] == name
            && found[Self.prefix + "migrationNamespace"] == namespace
            && found[Self.prefix + "migrationTime"]?.isEmpty == false
            && found[Self.prefix + "resource-hash"]?.count == 64
            && object.ownerReferences.isEmpty
            // Those of the destination's own protection of volumes and claims.
            && object.finalizers.allSatisfy {
                ["pv", "pvc"].map { "kubernetes.io/\($0)-protection" }.contains($0)
            }
    }
}
