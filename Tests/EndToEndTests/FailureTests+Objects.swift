// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane
@testable import EmbeddedCluster

/// An object that the destination does not take: the others arrive, and it is told which and why.
@Suite(.serialized, .timeLimit(.minutes(15)), .enabled(if: TestKind.isEmbedded, TestKind.reason))
struct ObjectFailureTests {
    private static let settings = Application.configMaps

    private static func objects(_ widgets: Widgets, size: Int) -> [(APIResource, KubeObject)] {
        [
            (
                Self.settings,
                KubeObject(
                    Self.settings.groupVersionKind,
                    ObjectKey(widgets.namespace, "settings"),
                    ["data": ["mode": "fast"]]
                )
            ), (widgets.resource, widgets.object(size: size)),
        ]
    }

    @Test func anObjectThatIsRefusedLeavesTheOthersAndATakenOneMendsIt() async throws {
        try await FailureStage.with("refused-object") { stage in
            let widgets = Widgets(namespace: stage.namespace)
            // What another administrator has there is stricter than what is here.
            try await widgets.define(at: stage.source)
            try await widgets.define(at: stage.destination, largest: 5)
            try await stage.install(Self.objects(widgets, size: 7))
            try await stage.pair()
            try await stage.migrate("first") { $0.includesVolumes = false }
            let end = try await stage.fails(
                "first",
                .partialSuccess,
                "PartialSuccess",
                saying: "spec.size"
            )
            let failed = end.resources.filter { $0.status == .failed }
            #expect(failed.map(\.name) == ["one"] && failed.map(\.kind) == ["Widget"])
            let arrived = end.resources.first { $0.name == "settings" }
            #expect(arrived?.status == .successful, "one object holds up no other")

            try await widgets.redefine(at: stage.destination, largest: 10)
            try await stage.migrate("second") { $0.includesVolumes = false }
            try await stage.succeeds("second")
            let widget = try await stage.destination.client.get(
                widgets.resource,
                ObjectKey(stage.namespace, "one")
            )
            #expect(widget["spec", "size"] == 7)
        }
    }

    /// The definition comes with its objects, but not where the kubeconfig's user may not make one.
    @Test func aKindThatIsMissingIsNamedAndItsDefinitionMendsIt() async throws {
        try await FailureStage.with("missing-kind") { stage in
            let widgets = Widgets(namespace: stage.namespace)
            try await widgets.define(at: stage.source)
            try await stage.install(Self.objects(widgets, size: 7))
            let namespace = KubeObject(
                BuiltIn.namespaces.groupVersionKind,
                ObjectKey("", stage.namespace)
            )
            try await stage.destination.create(BuiltIn.namespaces, namespace)
            let user = ClusterUser.user(of: stage.namespace)
            let config = try stage.destination.kubeconfig(of: user, madeAt: Date())
            try await stage.pair { $0.config = config }
            try await stage.migrate("first") { $0.includesVolumes = false }
            let end = try await stage.fails(
                "first",
                .partialSuccess,
                "PartialSuccess",
                saying: "does not know the kind Widget"
            )
            let failed = end.resources.first { $0.status == .failed }
            #expect(failed?.reason.contains(widgets.definition) == true, "\(end.json.pretty)")
            #expect(failed?.reason.contains("install it there") == true)
            #expect(end.resources.first { $0.name == "settings" }?.status == .successful)

            try await widgets.define(at: stage.destination)
            try await stage.migrate("second") { $0.includesVolumes = false }
            try await stage.succeeds("second")
            let widget = try await stage.destination.client.get(
                widgets.resource,
                ObjectKey(stage.namespace, "one")
            )
            #expect(widget["spec", "size"] == 7)
        }
    }
}

/// A custom kind in a group of its own, for servers that many tests share.
private struct Widgets {
    static let definitions = APIResource(
        GroupVersion("apiextensions.k8s.io", "v1"),
        "CustomResourceDefinition",
        plural: "customresourcedefinitions",
        isNamespaced: false
    )

    let namespace: String
    var group: String { "\(self.namespace).example.com" }
    var definition: String { "widgets.\(self.group)" }

    var resource: APIResource {
        APIResource(GroupVersion(self.group, "v1"), "Widget", plural: "widgets")
    }

    func object(size: Int) -> KubeObject {
        KubeObject(
            self.resource.groupVersionKind,
            ObjectKey(self.namespace, "one"),
            ["spec": ["size": JSON(size)]]
        )
    }

    private func specification(largest: Int?) -> JSON {
        var size: JSON = ["type": "integer"]
        if let largest { size.set(JSON(largest), at: "maximum") }
        return [
            "group": .string(self.group), "scope": "Namespaced",
            "names": [
                "kind": "Widget", "listKind": "WidgetList", "plural": "widgets",
                "singular": "widget",
            ],
            "versions": [
                [
                    "name": "v1", "served": true, "storage": true,
                    "schema": [
                        "openAPIV3Schema": [
                            "type": "object",
                            "properties": [
                                "spec": ["type": "object", "properties": ["size": size]]
                            ],
                        ]
                    ],
                ]
            ],
        ]
    }

    /// Makes the kind, with a bound where one is given, and waits until it is served.
    func define(at site: Site, largest: Int? = nil) async throws {
        try await site.create(
            Self.definitions,
            KubeObject(
                Self.definitions.groupVersionKind,
                ObjectKey("", self.definition),
                ["spec": self.specification(largest: largest)]
            )
        )
        _ = try await site.object(Self.definitions, "", self.definition) {
            $0["status", "conditions"]?.array?
                .contains {
                    $0["type"] == "Established" && $0["status"] == "True"
                } ?? false
        }
    }

    func redefine(at site: Site, largest: Int) async throws {
        try await site.client.patch(
            Self.definitions,
            ObjectKey("", self.definition),
            .merge(["spec": self.specification(largest: largest)])
        )
    }
}
