// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// What is made at the source: a small application, or many ConfigMaps.
enum SmallNamespace {
    private static let core = GroupVersion("", "v1")
    static let namespaces = APIResource(
        core,
        "Namespace",
        plural: "namespaces",
        isNamespaced: false
    )
    static let configMaps = APIResource(core, "ConfigMap", plural: "configmaps")
    private static let secrets = APIResource(core, "Secret", plural: "secrets")
    private static let services = APIResource(core, "Service", plural: "services")
    private static let claims = APIResource(
        core,
        "PersistentVolumeClaim",
        plural: "persistentvolumeclaims"
    )
    private static let volumes = APIResource(
        core,
        "PersistentVolume",
        plural: "persistentvolumes",
        isNamespaced: false
    )
    private static let deployments = APIResource(
        GroupVersion("apps", "v1"),
        "Deployment",
        plural: "deployments"
    )

    private static func object(
        _ resource: APIResource,
        _ namespace: String,
        _ name: String,
        _ fields: JSONFields = [:]
    ) -> (APIResource, KubeObject) {
        let key = ObjectKey(resource.isNamespaced ? namespace : "", name)
        return (resource, KubeObject(resource.groupVersionKind, key, fields))
    }

    /// The namespace itself.
    static func namespace(_ name: String) -> (APIResource, KubeObject) {
        self.object(self.namespaces, "", name)
    }

    /// ConfigMap, Secret, Service and Deployment; with a volume, the claim and its volume before them.
    static func application(
        _ namespace: String,
        volume: String?
    ) -> [(APIResource, KubeObject)] {
        let app: JSON = ["app": "web"]
        let template: JSON = [
            "metadata": ["labels": app],
            "spec": ["containers": [["name": "main", "image": "example/web:1"]]],
        ]
        let objects = [
            self.object(self.configMaps, namespace, "settings", ["data": ["mode": "fast"]]),
            self.object(self.secrets, namespace, "password", ["data": ["password": "c2VjcmV0"]]),
            self.object(
                self.services,
                namespace,
                "web",
                ["spec": ["selector": app, "ports": [["port": 80]]]]
            ),
            self.object(
                self.deployments,
                namespace,
                "web",
                ["spec": ["replicas": 2, "selector": ["matchLabels": app], "template": template]]
            ),
        ]
        return (volume.map { self.storage(namespace, $0) } ?? []) + objects
    }

    private static func storage(
        _ namespace: String,
        _ volume: String
    ) -> [(APIResource, KubeObject)] {
        let size: JSON = ["storage": "1Mi"]
        return [
            self.object(
                self.volumes,
                "",
                volume,
                [
                    "spec": [
                        "capacity": size, "accessModes": ["ReadWriteOnce"],
                        "persistentVolumeReclaimPolicy": "Delete", "volumeMode": "Block",
                        "csi": ["driver": "pool.godwit.io", "volumeHandle": .string(volume)],
                        "claimRef": [
                            "kind": "PersistentVolumeClaim", "apiVersion": "v1",
                            "namespace": .string(namespace), "name": "data",
                        ],
                    ]
                ]
            ),
            self.object(
                self.claims,
                namespace,
                "data",
                [
                    "spec": [
                        "accessModes": ["ReadWriteOnce"], "volumeMode": "Block",
                        "storageClassName": "", "volumeName": .string(volume),
                        "resources": ["requests": size],
                    ]
                ]
            ),
        ]
    }

    /// So many ConfigMaps of 1 KiB.
    static func many(_ namespace: String, count: Int) -> [(APIResource, KubeObject)] {
        let text = JSON.string(String(repeating: "godwit. ", count: 128))
        return (0..<count)
            .map { number in
                self.object(self.configMaps, namespace, "c-\(number)", ["data": ["text": text]])
            }
    }
}
