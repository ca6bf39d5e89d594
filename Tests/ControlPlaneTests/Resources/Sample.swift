// SPDX-License-Identifier: Apache-2.0

import ControlPlane
import ObjectModel

/// Objects of a source for tests: short to write, and with the fields that a server adds.
enum Sample {
    /// The kinds of tests, as they are written short.
    private static let versions: [String: String] = [
        "Deployment": "apps/v1", "StatefulSet": "apps/v1", "ReplicaSet": "apps/v1",
        "DaemonSet": "apps/v1", "CronJob": "batch/v1", "Job": "batch/v1",
        "Ingress": "networking.k8s.io/v1", "NetworkPolicy": "networking.k8s.io/v1",
        "PodDisruptionBudget": "policy/v1", "Role": "rbac.authorization.k8s.io/v1",
        "RoleBinding": "rbac.authorization.k8s.io/v1",
        "ClusterRole": "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding": "rbac.authorization.k8s.io/v1",
        "PriorityClass": "scheduling.k8s.io/v1", "StorageClass": "storage.k8s.io/v1",
        "Lease": "coordination.k8s.io/v1",
        "ValidatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
        "CustomResourceDefinition": "apiextensions.k8s.io/v1", "Kafka": "kafka.strimzi.io/v1beta2",
        "Prometheus": "monitoring.coreos.com/v1", "Thing": "example.org/v1",
        "Gadget": "example.org/v1",
        "Migration": "stork.libopenstorage.org/v1alpha1",
    ]

    /// An object as a server gives it; `name` has its namespace before a slash.
    static func object(_ kind: String, _ name: String, _ text: String = "{}") throws -> KubeObject {
        var json = try JSON(parsing: text)
        let parts = name.split(separator: "/").map(String.init)
        json.set(.string(self.versions[kind] ?? "v1"), at: "apiVersion")
        json.set(.string(kind), at: "kind")
        json.set(.string(parts.last ?? ""), at: "metadata", "name")
        if parts.count == 2 { json.set(.string(parts[0]), at: "metadata", "namespace") }
        if json["metadata", "uid"] == nil {
            json.set(.string("uid-\(kind)-\(name)"), at: "metadata", "uid")
        }
        json.set("12345", at: "metadata", "resourceVersion")
        json.set("2026-11-20T10:00:00Z", at: "metadata", "creationTimestamp")
        json.set([["manager": "kubectl"]], at: "metadata", "managedFields")
        return KubeObject(json)
    }

    /// Marks that an object is owned by another one of this kind and name.
    static func owned(_ object: KubeObject, by kind: String, _ name: String) -> KubeObject {
        var object = object
        let reference: JSON = [
            "apiVersion": .string(self.versions[kind] ?? "v1"), "kind": .string(kind),
            "name": .string(name.split(separator: "/").last.map(String.init) ?? ""),
            "uid": .string("uid-\(kind)-\(name)"), "controller": true,
        ]
        object.set([reference], at: "metadata", "ownerReferences")
        return object
    }

    /// A claim and its volume, bound, in a pool.
    static func claim(
        _ name: String,
        volume: String = "pvc-1",
        driver: String = "pool.godwit.io",
        labels: [String: String] = [:]
    ) throws -> [KubeObject] {
        let parts = name.split(separator: "/").map(String.init)
        var claim = try self.object(
            "PersistentVolumeClaim",
            name,
            """
            {"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}},
             "storageClassName":"fast","volumeName":"\(volume)"},"status":{"phase":"Bound"}}
            """
        )
        claim.labels = labels
        let volume = try self.object(
            "PersistentVolume",
            volume,
            """
            {"spec":{"accessModes":["ReadWriteOnce"],"capacity":{"storage":"1Gi"},
             "csi":{"driver":"\(driver)","volumeHandle":"handle-1","fsType":"ext4"},
             "claimRef":{"apiVersion":"v1","kind":"PersistentVolumeClaim","namespace":"\(parts[0])",
              "name":"\(parts[1])","uid":"uid-PersistentVolumeClaim-\(name)","resourceVersion":"7"},
             "persistentVolumeReclaimPolicy":"Delete","storageClassName":"fast"},
             "status":{"phase":"Bound"}}
            """
        )
        return [claim, volume]
    }
}

extension KubeObject {
    /// Kind, namespace and name in one text.
    var label: String {
        self.namespace.isEmpty ? "\(self.kind) \(self.name)" : "\(self.kind) \(self.key)"
    }
}
