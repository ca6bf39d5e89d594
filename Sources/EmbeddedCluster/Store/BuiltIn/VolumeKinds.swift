// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension BuiltInKinds {
    static let volumes: [ServedKind] = [Self.volume, Self.claim, Self.storageClass]

    private static let modes = ["Block", "Filesystem"]

    private static let volume = Self.kind(
        "v1",
        "PersistentVolume",
        VolumeBinder.volumes,
        [
            Cells.name, Cells.text("Capacity", "spec.capacity.storage"),
            KindColumn("Access Modes") { object, _ in
                Cells.accessModes(object["spec", "accessModes"])
            },
            Cells.text("Reclaim Policy", "spec.persistentVolumeReclaimPolicy"),
            KindColumn("Status") { object, _ in Self.phase(object) },
            KindColumn("Claim") { object, _ in
                guard let claim = object["spec", "claimRef"] else { return "" }
                let namespace = claim["namespace"]?.string ?? ""
                return .string("\(namespace)/\(claim["name"]?.string ?? "")")
            },
            KindColumn("StorageClass") { object, _ in Self.storageClass(of: object) },
            Cells.text(
                "VolumeAttributesClass",
                "spec.volumeAttributesClassName",
                absent: Cells.unset
            ),
            Cells.text("Reason", "status.reason"), Cells.age,
            Cells.text("VolumeMode", "spec.volumeMode", absent: Cells.unset, priority: 1),
        ],
        Shapes.object(["spec": Shapes.fields(["claimRef": MergeShape()])]),
        FieldRules(
            required: ["spec.capacity", "spec.accessModes"],
            defaults: [
                ("spec.persistentVolumeReclaimPolicy", "Retain"),
                ("spec.volumeMode", "Filesystem"), ("status.phase", "Pending"),
            ],
            words: [
                ("spec.persistentVolumeReclaimPolicy", ["Delete", "Recycle", "Retain"]),
                ("spec.volumeMode", Self.modes),
            ],
            causes: { object, former in Self.sourceCauses(object, former) }
        )
    ) {
        $0.isNamespaced = false
        $0.short = ["pv"]
        $0.hasStatus = true
    }

    /// Fields of a volume that are no source of its data.
    private static let describing: Set<String> = [
        "capacity", "accessModes", "claimRef", "persistentVolumeReclaimPolicy", "storageClassName",
        "mountOptions", "volumeMode", "nodeAffinity", "volumeAttributesClassName",
    ]

    /// A volume has one source, which does not change.
    private static func sourceCauses(
        _ object: KubeObject,
        _ former: KubeObject?
    ) -> [APIStatus.Cause] {
        func sources(_ object: KubeObject) -> JSONFields {
            (object["spec"]?.object ?? [:]).filter { !Self.describing.contains($0.key) }
        }
        let now = sources(object)
        guard !now.isEmpty else { return [.required("spec", "must specify a volume type")] }
        guard now.count == 1 else {
            return now.keys.sorted().dropFirst()
                .map { .forbidden("spec.\($0)", "may not specify more than 1 volume type") }
        }
        guard let former, sources(former) != now else { return [] }
        return [
            .forbidden(
                "spec.persistentvolumesource",
                "spec.persistentvolumesource is immutable after creation"
            )
        ]
    }

    private static func phase(_ object: KubeObject) -> JSON {
        object.isBeingDeleted ? "Terminating" : object["status", "phase"] ?? ""
    }

    private static func storageClass(of object: KubeObject) -> JSON {
        .string(
            object.annotations["volume.beta.kubernetes.io/storage-class"]
                ?? object["spec", "storageClassName"]?.string ?? ""
        )
    }

    private static let claim = Self.kind(
        "v1",
        "PersistentVolumeClaim",
        VolumeBinder.claims,
        [
            Cells.name, KindColumn("Status") { object, _ in Self.phase(object) },
            Cells.text("Volume", "spec.volumeName"),
            KindColumn("Capacity") { object, _ in
                Self.isBound(object) ? object["status", "capacity", "storage"] ?? "" : ""
            },
            KindColumn("Access Modes") { object, _ in
                Self.isBound(object) ? Cells.accessModes(object["status", "accessModes"]) : ""
            },
            KindColumn("StorageClass") { object, _ in Self.storageClass(of: object) },
            Cells.text(
                "VolumeAttributesClass",
                "spec.volumeAttributesClassName",
                absent: Cells.unset
            ),
            Cells.age,
            Cells.text("VolumeMode", "spec.volumeMode", absent: Cells.unset, priority: 1),
        ],
        Shapes.object(["status": Shapes.status]),
        FieldRules(
            required: ["spec.accessModes", "spec.resources.requests.storage"],
            defaults: [("spec.volumeMode", "Filesystem"), ("status.phase", "Pending")],
            words: [("spec.volumeMode", Self.modes)],
            causes: { object, former in Self.claimCauses(object, former) }
        )
    ) {
        $0.short = ["pvc"]
        $0.hasStatus = true
    }

    private static func isBound(_ claim: KubeObject) -> Bool {
        !(claim["spec", "volumeName"]?.string ?? "").isEmpty
    }

    /// The specification of a claim does not change, except how much it asks for.
    private static func claimCauses(
        _ object: KubeObject,
        _ former: KubeObject?
    ) -> [APIStatus.Cause] {
        guard let former else { return [] }
        var now = object["spec"] ?? [:]
        var before = former["spec"] ?? [:]
        if (before["volumeName"]?.string ?? "").isEmpty {
            // Whoever binds the claim names its volume.
            now.set(nil, at: "volumeName")
            before.set(nil, at: "volumeName")
        }
        for path in [["resources", "requests"], ["volumeAttributesClassName"]] {
            now.set(nil, at: path[...])
            before.set(nil, at: path[...])
        }
        guard now != before else { return [] }
        return [
            .forbidden(
                "spec",
                "spec is immutable after creation except resources.requests and "
                    + "volumeAttributesClassName for bound claims"
            )
        ]
    }

    private static let storageClass = Self.kind(
        "storage.k8s.io/v1",
        "StorageClass",
        "storageclasses",
        [
            KindColumn("Name", format: "name") { object, _ in
                let mark = "storageclass.kubernetes.io/is-default-class"
                let isDefault = object.annotations[mark] == "true"
                return .string(object.name + (isDefault ? " (default)" : ""))
            },
            Cells.text("Provisioner", "provisioner"),
            Cells.text("ReclaimPolicy", "reclaimPolicy", absent: "Delete"),
            Cells.text("VolumeBindingMode", "volumeBindingMode", absent: "Immediate"),
            KindColumn("AllowVolumeExpansion", type: "string") { object, _ in
                .string(object["allowVolumeExpansion"] == true ? "true" : "false")
            },
            Cells.age,
        ],
        Shapes.plain,
        FieldRules(
            required: ["provisioner"],
            immutable: ["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"],
            defaults: [("reclaimPolicy", "Delete"), ("volumeBindingMode", "Immediate")],
            words: [
                ("reclaimPolicy", ["Delete", "Retain"]),
                ("volumeBindingMode", ["Immediate", "WaitForFirstConsumer"]),
            ]
        )
    ) {
        $0.isNamespaced = false
        $0.short = ["sc"]
    }
}
