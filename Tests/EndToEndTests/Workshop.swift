// SPDX-License-Identifier: Apache-2.0

/// An application with several volumes, and many small objects.
enum Workshop {
    static func volume(_ index: Int, of namespace: String) -> String { "pvc-\(namespace)-\(index)" }

    /// The manifest of all of it.
    static func manifest(
        _ namespace: String,
        volumes: Int,
        bytes: Int,
        configMaps: Int
    ) -> String {
        var documents = [
            """
            {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"\(namespace)"}}
            """
        ]
        for index in 0..<volumes {
            documents += Self.claimed(index, of: namespace, bytes: bytes)
        }
        for index in 0..<configMaps {
            documents.append(
                """
                {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings-\(index)",\
                "namespace":"\(namespace)"},"data":{"number":"\(index)"}}
                """
            )
        }
        documents.append(Self.others(namespace))
        return documents.joined(separator: "\n---\n")
    }

    private static func claimed(_ index: Int, of namespace: String, bytes: Int) -> [String] {
        let volume = Self.volume(index, of: namespace)
        return [
            """
            {"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"\(volume)"},"spec":{
             "capacity":{"storage":"\(bytes >> 10)Ki"},"accessModes":["ReadWriteOnce"],
             "persistentVolumeReclaimPolicy":"Delete","volumeMode":"Block",
             "csi":{"driver":"pool.godwit.io","volumeHandle":"\(volume)"},
             "claimRef":{"apiVersion":"v1","kind":"PersistentVolumeClaim",
              "namespace":"\(namespace)","name":"data-\(index)"}}}
            """,
            """
            {"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"data-\(index)",
             "namespace":"\(namespace)"},"spec":{"accessModes":["ReadWriteOnce"],
             "volumeMode":"Block","storageClassName":"","volumeName":"\(volume)",
             "resources":{"requests":{"storage":"\(bytes >> 10)Ki"}}}}
            """,
        ]
    }

    private static func others(_ namespace: String) -> String {
        """
        {"apiVersion":"v1","kind":"Secret","metadata":{"name":"password","namespace":"\(namespace)"},
         "type":"Opaque","data":{"password":"c2VjcmV0"}}
        ---
        {"apiVersion":"v1","kind":"Service","metadata":{"name":"db","namespace":"\(namespace)"},
         "spec":{"selector":{"app":"db"},"ports":[{"port":5432}]}}
        ---
        {"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db",
         "namespace":"\(namespace)"},"spec":{"replicas":2,"serviceName":"db",
         "selector":{"matchLabels":{"app":"db"}},"template":{"metadata":{"labels":{"app":"db"}},
          "spec":{"containers":[{"name":"main","image":"example/db:1"}]}}}}
        ---
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web",
         "namespace":"\(namespace)"},"spec":{"replicas":3,
         "selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},
          "spec":{"containers":[{"name":"main","image":"example/web:1"}]}}}}
        """
    }
}
