// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

extension StorkKinds {
    /// States of volumes that belong together, at a destination.
    static func recoveryPoint() throws(JSONPathError) -> KindDefinition {
        Self.kind(
            "RecoveryPoint",
            plural: "recoverypoints",
            shortNames: ["rpoint"],
            schema: .object(
                "The generation of each volume of one Migration: states of the same instant, all of "
                    + "them durable and proven here. A failover shows what it names and nothing else.",
                ["spec": Self.recoveryPointSpec, "status": Self.recoveryPointStatus],
                required: ["spec"]
            ),
            columns: [
                try PrinterColumn("Schedule", path: ".spec.migrationSchedule"),
                try PrinterColumn("Volumes", .integer, path: ".spec.volumeCount"),
                try PrinterColumn("Together", .boolean, path: ".spec.isAtomic"),
                try PrinterColumn("Frozen", .date, path: ".spec.time"),
                try PrinterColumn(
                    "Available",
                    path: ".status.conditions[?(@.type==\"Available\")].status"
                ),
                try PrinterColumn("Migration", path: ".spec.migration", priority: 1),
                try StatusParts.age(),
            ]
        )
    }

    private static var recoveryPointSpec: Schema {
        let volume = Schema.object(
            "One volume, as it was at that instant.",
            [
                "persistentVolumeClaim": .string("The name of the claim."),
                "namespace": .string("The namespace of the claim."),
                "volume": .string("The name of the volume, the same on both sides."),
                "generation": .integer(
                    "The number of the generation in the volume's history.",
                    from: 1,
                    format: "int64"
                ),
                "snapshot": .string("The identity of the frozen view, 32 hexadecimal digits."),
            ],
            required: ["volume", "generation", "snapshot"]
        )
        return
            .object(
                "What it names; written once, by the controller of the source.",
                [
                    "migration": .string("The Migration that brought it."),
                    "migrationSchedule": .string(
                        "The MigrationSchedule that the Migration was made by, where one did."
                    ),
                    "namespaces": .list("The namespaces whose volumes these are."),
                    "time": .time("When the volumes were frozen at the source."),
                    "isAtomic": .flag(
                        "Whether it is known that nothing was written while they were frozen one after "
                            + "the other."
                    ),
                    "group": .string("What the agents call these copies, 32 hexadecimal digits."),
                    "volumeCount": StatusParts.count("How many volumes there are."),
                    "volumes": .list("The volumes.", of: volume)
                        .with { $0.bounds.maxItems = 1000 },
                ],
                required: ["migration", "time", "group", "volumes"]
            )
            .with { schema in
                schema.rules = [
                    ValidationRule(
                        "self == oldSelf",
                        message: "a RecoveryPoint says what was, and cannot be changed"
                    ) { spec, old in
                        old.map { $0 == spec } ?? true
                    }
                ]
            }
    }

    private static var recoveryPointStatus: Schema {
        StatusParts.status("Whether the generations are still there.", [:])
    }
}

/// The specification of a RecoveryPoint.
public struct RecoveryPointSpec: Hashable, Sendable {
    /// One volume, as it was at that instant.
    public struct Volume: Hashable, Sendable {
        /// The claim.
        public var claim: ObjectKey
        /// The name of the volume, the same on both sides.
        public var volume: String
        /// The number of the generation in the volume's history.
        public var generation: UInt64
        /// The identity of the frozen view, 32 hexadecimal digits.
        public var snapshot: String

        /// A volume with its generation.
        public init(claim: ObjectKey, volume: String, generation: UInt64, snapshot: String) {
            self.claim = claim
            self.volume = volume
            self.generation = generation
            self.snapshot = snapshot
        }
    }

    /// The Migration that brought it.
    public var migration: String
    /// The MigrationSchedule of that Migration; nil where it has none.
    public var schedule: String?
    /// The namespaces whose volumes these are.
    public var namespaces: [String]
    /// When the volumes were frozen.
    public var time: Timestamp
    /// Whether it is known that nothing was written while they were frozen.
    public var isAtomic: Bool
    /// What the agents call these copies.
    public var group: String
    /// The volumes.
    public var volumes: [Volume]

    /// A point with all its parts.
    public init(
        migration: String,
        schedule: String?,
        namespaces: [String],
        time: Timestamp,
        isAtomic: Bool,
        group: String,
        volumes: [Volume]
    ) {
        self.migration = migration
        self.schedule = schedule
        self.namespaces = namespaces
        self.time = time
        self.isAtomic = isAtomic
        self.group = group
        self.volumes = volumes
    }

    /// Reads the field `spec`; nil where a part is missing without which it names nothing.
    public init?(_ json: JSON?) {
        guard let json, let time = json["time"]?.string.flatMap({ Timestamp($0) }) else {
            return nil
        }
        self.migration = json["migration"]?.string ?? ""
        self.schedule = json["migrationSchedule"]?.string
        self.namespaces = json["namespaces"]?.array?.compactMap(\.string) ?? []
        self.time = time
        self.isAtomic = json["isAtomic"]?.bool ?? false
        self.group = json["group"]?.string ?? ""
        self.volumes = []
        for entry in json["volumes"]?.array ?? [] {
            guard let volume = entry["volume"]?.string, let snapshot = entry["snapshot"]?.string,
                let generation = entry["generation"]?.int.flatMap({ UInt64(exactly: $0) })
            else { return nil }
            let claim = ObjectKey(
                entry["namespace"]?.string ?? "",
                entry["persistentVolumeClaim"]?.string ?? ""
            )
            self.volumes.append(
                Volume(claim: claim, volume: volume, generation: generation, snapshot: snapshot)
            )
        }
    }

    /// As it is written.
    public var json: JSON {
        let volumes = self.volumes.map { volume -> JSON in
            [
                "persistentVolumeClaim": .string(volume.claim.name),
                "namespace": .string(volume.claim.namespace), "volume": .string(volume.volume),
                "generation": JSON(Int(clamping: volume.generation)),
                "snapshot": .string(volume.snapshot),
            ]
        }
        var json: JSON = [
            "migration": .string(self.migration), "namespaces": JSON(self.namespaces),
            "time": .string(self.time.description), "isAtomic": .bool(self.isAtomic),
            "group": .string(self.group), "volumeCount": JSON(volumes.count),
            "volumes": .array(volumes),
        ]
        json.set(self.schedule.map { .string($0) }, at: "migrationSchedule")
        return json
    }
}
