// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import ObjectModel

@testable import ControlPlane

/// An application as a person has it: a database with a volume, a front end, and what they need.
struct Application {
    static let apps = GroupVersion("apps", "v1")
    static let statefulSets = APIResource(apps, "StatefulSet", plural: "statefulsets")
    static let deployments = APIResource(apps, "Deployment", plural: "deployments")
    static let configMaps = APIResource(BuiltIn.core, "ConfigMap", plural: "configmaps")
    static let services = APIResource(BuiltIn.core, "Service", plural: "services")

    let namespace: String
    var volume: String { "pvc-\(self.namespace)" }

    init(namespace: String) { self.namespace = namespace }

    /// An application in a namespace that no other test has: real clusters are shared.
    init(_ name: String = "shop") {
        self.namespace = "\(name)-\(UUID().uuidString.prefix(8).lowercased())"
    }

    /// Makes all of it, and waits until the claim has its volume.
    func create(on site: Site) async throws {
        for (resource, object) in self.objects { try await site.create(resource, object) }
        _ = try await site.object(BuiltIn.claims, self.namespace, "data") {
            $0["status", "phase"] == "Bound"
        }
    }

    /// All of it, in the order in which it is made.
    var objects: [(APIResource, KubeObject)] {
        [
            (BuiltIn.namespaces, self.object(BuiltIn.namespaces, self.namespace, [:])),
            (BuiltIn.volumes, self.persistentVolume), (BuiltIn.claims, self.claim),
            (
                Self.configMaps,
                self.object(Self.configMaps, "settings", ["data": ["mode": "fast"]])
            ),
            (
                BuiltIn.secrets,
                self.object(
                    BuiltIn.secrets,
                    "password",
                    ["type": "Opaque", "data": ["password": "c2VjcmV0"]]
                )
            ),
            (
                Self.services,
                self.object(
                    Self.services,
                    "db",
                    ["spec": ["selector": ["app": "db"], "ports": [["port": 5432]]]]
                )
            ), (Self.statefulSets, self.workload(Self.statefulSets, "db", replicas: 1)),
            (Self.deployments, self.workload(Self.deployments, "web", replicas: 3)),
        ]
    }

    private func object(
        _ resource: APIResource,
        _ name: String,
        _ fields: JSONFields
    ) -> KubeObject {
        let key = ObjectKey(resource.isNamespaced ? self.namespace : "", name)
        return KubeObject(resource.groupVersionKind, key, fields)
    }

    private var persistentVolume: KubeObject {
        self.object(
            BuiltIn.volumes,
            self.volume,
            [
                "spec": [
                    "capacity": ["storage": "4Mi"], "accessModes": ["ReadWriteOnce"],
                    "persistentVolumeReclaimPolicy": "Delete", "volumeMode": "Block",
                    "csi": [
                        "driver": "pool.godwit.io", "volumeHandle": .string(self.volume),
                    ],
                    "claimRef": [
                        "kind": "PersistentVolumeClaim", "apiVersion": "v1",
                        "namespace": .string(self.namespace), "name": "data",
                    ],
                ]
            ]
        )
    }

    private var claim: KubeObject {
        self.object(
            BuiltIn.claims,
            "data",
            [
                "spec": [
                    "accessModes": ["ReadWriteOnce"], "volumeMode": "Block",
                    "storageClassName": "", "volumeName": .string(self.volume),
                    "resources": ["requests": ["storage": "4Mi"]],
                ]
            ]
        )
    }

    private func workload(
        _ resource: APIResource,
        _ name: String,
        replicas: Int
    ) -> KubeObject {
        var object = self.object(
            resource,
            name,
            [
                "spec": [
                    "replicas": JSON(replicas),
                    "selector": ["matchLabels": ["app": .string(name)]],
                    "template": [
                        "metadata": ["labels": ["app": .string(name)]],
                        "spec": [
                            "containers": [["name": "main", "image": .string("example/\(name):1")]]
                        ],
                    ],
                ]
            ]
        )
        if resource == Self.statefulSets { object.set("db", at: "spec", "serviceName") }
        return object
    }
}
