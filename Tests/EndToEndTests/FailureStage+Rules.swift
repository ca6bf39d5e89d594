// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

@testable import ControlPlane

/// Rules that run on this machine.
extension FailureStage {
    private static let pods = APIResource(BuiltIn.core, "Pod", plural: "pods")

    /// The application, its pair, and where `pod` says so an object that stands for its pod.
    func prepareForRules(pod: Bool = true) async throws {
        try await self.install()
        try await self.pair()
        try await self.pairIsReady()
        guard pod else { return }
        var object = KubeObject(
            Self.pods.groupVersionKind,
            ObjectKey(self.namespace, "db-0"),
            ["spec": ["containers": [["name": "main", "image": "example/db:1"]]]]
        )
        object.labels = ["app": "db"]
        try await self.source.create(Self.pods, object)
    }

    /// Makes a rule for the pods of the application.
    func putRule(_ name: String, container: String? = nil, _ actions: [JSON]) async throws {
        var entry: JSON = ["podSelector": ["app": "db"], "actions": .array(actions)]
        if let container { entry.set(.string(container), at: "container") }
        let rule = KubeObject(
            StorkResource.rules.groupVersionKind,
            ObjectKey(self.namespace, name),
            ["rules": [entry]]
        )
        try await self.source.create(StorkResource.rules, rule)
    }
}

extension JSON {
    /// A command of a rule.
    static func command(_ text: String, background: Bool = false) -> JSON {
        ["type": "command", "background": .bool(background), "value": .string(text)]
    }
}
