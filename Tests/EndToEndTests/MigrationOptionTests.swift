// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// What the fields of a Migration ask for, from the object that is created to what arrives.
@Suite(.serialized, .timeLimit(.minutes(15))) struct MigrationOptionTests {
    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    private func move(
        _ stage: Stage,
        _ name: String,
        _ change: (inout MigrationSpec) -> Void
    ) async throws -> MigrationStatus {
        try await stage.source.create(
            migration: name,
            of: [stage.namespace],
            to: Stage.pair,
            in: stage.namespace,
            change
        )
        return try await stage.final(name)
    }

    private func has(_ stage: Stage, _ resource: APIResource, _ name: String) async throws -> Bool {
        try await stage.destination.client.find(resource, ObjectKey(stage.namespace, name)) != nil
    }

    @Test func aTransformationThatIsReadyChangesWhatArrives() async throws {
        let stage = try await Stage(in: self.scratch.path)
        let text = """
            {"specs":{"transformSpecs":[
             {"resource":"/v1/ConfigMap","paths":[{"path":"data.mode","operation":"modify",
              "type":"string","value":"safe"}]},
             {"resource":"apps/v1/Deployment","paths":[
              {"path":"spec.template.spec.containers.0.image","operation":"modify",
               "type":"string","value":"registry.example/web:2"}]}]}}
            """
        var change = KubeObject(try JSON(parsing: text))
        let kind = StorkResource.resourceTransformations
        change.set(.string(kind.groupVersion.apiVersion), at: "apiVersion")
        change.set(.string(kind.kind), at: "kind")
        change.set("change", at: "metadata", "name")
        change.set(.string(stage.namespace), at: "metadata", "namespace")
        try await stage.source.create(kind, change)
        let end = try await self.move(stage, "move") { $0.transformSpecs = ["change"] }
        #expect(end.status == .successful, "\(end.json.pretty)")
        let settings = try await stage.moved(Application.configMaps, "settings")
        #expect(settings["data", "mode"] == "safe")
        let web = try await stage.moved(Application.deployments, "web")
        let containers = web["spec", "template", "spec", "containers"]?.array
        #expect(containers?.first?["image"] == "registry.example/web:2")
        let changed = end.resources.filter { $0.transformedBy == "change" }.map(\.kind)
        #expect(Set(changed).isSuperset(of: ["ConfigMap", "Deployment"]))
        await stage.end()
    }

    @Test func whatTheSourceHasNoMoreIsPurgedWhereThatIsAskedFor() async throws {
        let stage = try await Stage(in: self.scratch.path)
        #expect(try await self.move(stage, "first") { _ in }.status == .successful)
        try await stage.source.client.remove(
            Application.configMaps,
            ObjectKey(stage.namespace, "settings"),
            uid: ""
        )
        #expect(try await self.move(stage, "second") { _ in }.status == .successful)
        #expect(try await self.has(stage, Application.configMaps, "settings"))
        let end = try await self.move(stage, "third") { $0.purgesDeletedResources = true }
        #expect(end.status == .successful, "\(end.json.pretty)")
        #expect(try await self.has(stage, Application.configMaps, "settings") == false)
        #expect(end.resources.filter { $0.status == .purged }.map(\.name) == ["settings"])
        await stage.end()
    }

    @Test func onlyVolumesOnlyObjectsAndOnlyWhatIsSelected() async throws {
        let stage = try await Stage(in: self.scratch.path)
        let objects = try await self.move(stage, "objects") {
            $0.includesVolumes = false
            $0.excludeResourceTypes = ["Secret"]
        }
        #expect(objects.status == .successful, "\(objects.json.pretty)")
        #expect(objects.volumes.isEmpty)
        #expect(try await self.has(stage, Application.deployments, "web"))
        #expect(try await self.has(stage, BuiltIn.secrets, "password") == false)

        let volumes = try await self.move(stage, "volumes") { $0.includesResources = false }
        #expect(volumes.status == .successful, "\(volumes.json.pretty)")
        #expect(volumes.volumesDone == 1)
        #expect(try await stage.volumeArrived())
        #expect(try await self.has(stage, BuiltIn.secrets, "password") == false)

        let selected = try await self.move(stage, "selected") { $0.selectors = ["no": "one"] }
        #expect(selected.status == .successful, "\(selected.json.pretty)")
        #expect(selected.volumes.isEmpty && selected.resources.isEmpty)
        await stage.end()
    }
}
