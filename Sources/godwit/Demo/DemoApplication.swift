// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// What the demonstration moves: a database that keeps its rows in a volume, and a front end.
enum DemoApplication {
    /// The kinds that are shown at the destination.
    static let shown = [
        APIResource(GroupVersion("apps", "v1"), "StatefulSet", plural: "statefulsets"),
        APIResource(GroupVersion("apps", "v1"), "Deployment", plural: "deployments"),
        APIResource(core, "Service", plural: "services"),
        APIResource(core, "ConfigMap", plural: "configmaps"),
        APIResource(core, "Secret", plural: "secrets"),
        APIResource(core, "PersistentVolumeClaim", plural: "persistentvolumeclaims"),
    ]

    private static let core = GroupVersion("", "v1")

    /// All of it, as one applies it.
    static let manifest = """
        apiVersion: v1
        kind: Namespace
        metadata:
          name: shop
        ---
        apiVersion: v1
        kind: PersistentVolume
        metadata:
          name: shop-db
        spec:
          capacity: {storage: 48Mi}
          accessModes: [ReadWriteOnce]
          csi: {driver: pool.godwit.io, volumeHandle: shop-db, fsType: ext4}
          claimRef: {apiVersion: v1, kind: PersistentVolumeClaim, namespace: shop, name: db}
        ---
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata:
          name: db
          namespace: shop
        spec:
          accessModes: [ReadWriteOnce]
          storageClassName: ""
          volumeName: shop-db
          resources:
            requests: {storage: 48Mi}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: settings
          namespace: shop
        data:
          currency: EUR
        ---
        apiVersion: v1
        kind: Secret
        metadata:
          name: db
          namespace: shop
        stringData:
          password: made-up-for-the-demonstration
        ---
        apiVersion: v1
        kind: Service
        metadata:
          name: db
          namespace: shop
        spec:
          selector: {app: db}
          ports: [{port: 5432}]
        ---
        apiVersion: apps/v1
        kind: StatefulSet
        metadata:
          name: db
          namespace: shop
        spec:
          serviceName: db
          replicas: 1
          selector: {matchLabels: {app: db}}
          template:
            metadata: {labels: {app: db}}
            spec:
              containers:
                - name: db
                  image: postgres:15
                  volumeMounts: [{name: rows, mountPath: /var/lib/postgresql}]
              volumes:
                - name: rows
                  persistentVolumeClaim: {claimName: db}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
          namespace: shop
        spec:
          replicas: 3
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              containers: [{name: web, image: "nginx:1.25"}]

        """
}
