// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// The instant whose state the volumes of a Migration bring to the destination.
public struct MigrationPoint: Hashable, Sendable {
    /// The RecoveryPoint at the destination.
    public var name: String
    /// What the storage calls the copies.
    public var group: String
    /// When the volumes were frozen.
    public var time: Timestamp
    /// Whether it is known that nothing was written while they were frozen one after the other.
    public var isAtomic: Bool
    /// Whether all volumes show it at the destination.
    public var isVisible: Bool

    /// An instant by its parts.
    public init(
        name: String,
        group: String,
        time: Timestamp,
        isAtomic: Bool,
        isVisible: Bool = false
    ) {
        self.name = name
        self.group = group
        self.time = time
        self.isAtomic = isAtomic
        self.isVisible = isVisible
    }

    /// Reads the field `status.recoveryPoint`; nil where there is none.
    public init?(_ json: JSON?) {
        guard let name = json?["name"]?.string,
            let time = json?["time"]?.string.flatMap({ Timestamp($0) })
        else { return nil }
        self.name = name
        self.group = json?["group"]?.string ?? ""
        self.time = time
        self.isAtomic = json?["isAtomic"]?.bool ?? false
        self.isVisible = json?["isVisible"]?.bool ?? false
    }

    /// As it is written.
    public var json: JSON {
        [
            "name": .string(self.name), "group": .string(self.group),
            "time": .string(self.time.description), "isAtomic": .bool(self.isAtomic),
            "isVisible": .bool(self.isVisible),
        ]
    }
}

/// The totals of a Migration that has ended.
public struct MigrationSummary: Hashable, Sendable {
    /// Volumes that were to move.
    public var volumes = 0
    /// Volumes that moved.
    public var volumesDone = 0
    /// Resources that were to move.
    public var resources = 0
    /// Resources that moved.
    public var resourcesDone = 0
    /// Bytes that went over the network for all volumes together.
    public var bytes = 0
    /// Seconds from the begin until the volumes were there; nil where it is not known.
    public var volumeSeconds: Int?
    /// Seconds from then until the resources were there; nil where it is not known.
    public var resourceSeconds: Int?

    /// Totals of nothing.
    public init() {}

    /// Reads the field `status.summary`.
    public init(_ json: JSON) {
        self.volumes = json["totalNumberOfVolumes"]?.int ?? 0
        self.volumesDone = json["numOfMigratedVolumes"]?.int ?? 0
        self.resources = json["totalNumberOfResources"]?.int ?? 0
        self.resourcesDone = json["numOfMigratedResources"]?.int ?? 0
        self.bytes = json["totalBytesMigrated"]?.int ?? 0
        let volumeTime = json["elapsedTimeForVolumeMigration"]?.string
        let resourceTime = json["elapsedTimeForResourceMigration"]?.string
        self.volumeSeconds = volumeTime.flatMap(GoDuration.seconds)
        self.resourceSeconds = resourceTime.flatMap(GoDuration.seconds)
    }

    /// As it is written.
    public var json: JSON {
        [
            "totalNumberOfVolumes": JSON(self.volumes),
            "numOfMigratedVolumes": JSON(self.volumesDone),
            "totalNumberOfResources": JSON(self.resources),
            "numOfMigratedResources": JSON(self.resourcesDone),
            "totalBytesMigrated": JSON(self.bytes),
            "elapsedTimeForVolumeMigration": .string(GoDuration.text(self.volumeSeconds)),
            "elapsedTimeForResourceMigration": .string(GoDuration.text(self.resourceSeconds)),
        ]
    }
}
