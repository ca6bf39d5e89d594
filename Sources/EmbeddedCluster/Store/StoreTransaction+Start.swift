// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension StoreTransaction {
    /// The namespaces that every cluster has.
    static let startingNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"]

    /// Makes what every cluster has, and serves the kinds whose definitions are stored.
    func start(_ definitions: [KubeObject]) throws {
        self.needsCollection = true
        for definition in try self.objects(BuiltInKinds.definition.storage) {
            try self.follow(definition, BuiltInKinds.definition)
        }
        try self.ensure(definitions)
        let namespaces = BuiltInKinds.namespace
        for name in Self.startingNamespaces
        where try self.object(namespaces.storage, ObjectKey("", name)) == nil {
            _ = try self.create(
                namespaces,
                KubeObject(namespaces.resource.groupVersionKind, ObjectKey("", name)),
                namespace: nil,
                WriteOptions()
            )
        }
    }
}
