// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension StorkKinds {
    static var migrationStatus: Schema {
        let states = MigrationState.allCases.map(\.rawValue)
        return StatusParts.status(
            "How the Migration is going.",
            [
                "stage": .word("Where it is.", MigrationStage.allCases.map(\.rawValue)),
                "status": .word("How it is going.", states.filter { $0 != "Purged" }),
                "progress": self.progress,
                "resources": .list("What is moved beside volumes.", of: self.resource(states))
                    .with { $0.isNullable = true },
                "volumes": .list("The volumes that are moved.", of: self.volume(states))
                    .with { $0.isNullable = true },
                "finishTimestamp": .time("When everything was done."),
                "volumeMigrationFinishTimestamp": .time("When the last volume was done."),
                "resourceMigrationFinishTimestamp": .time("When the last object was done."),
                "summary": self.summary,
                "recoveryPoint": .object(
                    "The instant whose state the volumes bring.",
                    [
                        "name": .string("The RecoveryPoint at the destination."),
                        "group": .string("What the agents call the copies."),
                        "time": .time("When the volumes were frozen."),
                        "isAtomic": .flag(
                            "Whether it is known that nothing was written while they were frozen."
                        ),
                        "isVisible": .flag("Whether all volumes show it at the destination."),
                    ]
                ),
                "freezes": StatusParts.count("How often the volumes were frozen anew."),
            ]
        )
    }

    private static var progress: Schema {
        .object(
            "How far it is; fast numbers are in the metrics.",
            [
                "percent": .integer(
                    "The share of the volumes' bytes that is done.",
                    from: 0,
                    to: 100
                ),
                "volumes": .string("Volumes that arrived, of all: 1/2."),
                "resources": .string("Objects that arrived, of all: 3/3."),
                "bytesDone": StatusParts.count("Bytes of the volumes that are done."),
                "bytesTotal": StatusParts.count("Bytes of the volumes to look at or send."),
            ]
        )
    }

    private static func resource(_ states: [String]) -> Schema {
        .object(
            "An object that is moved.",
            [
                "name": .string("The name of the object."),
                "namespace": .string("Its namespace; empty where its kind has none."),
                "group": .string("Its API group; core for the one without a name."),
                "version": .string("The version of its API."),
                "kind": .string("Its kind."),
                "status": .word("How far it is.", states),
                "reason": .string("A sentence about it."),
                "transformedBy": .string("The ResourceTransformation that changed it."),
            ]
        )
    }

    private static func volume(_ states: [String]) -> Schema {
        .object(
            "A volume that is moved.",
            [
                "persistentVolumeClaim": .string("The name of the claim."),
                "namespace": .string("The namespace of the claim."),
                "volume": .string("The name of the volume, the same on both sides."),
                "status": .word("How far it is.", states),
                "reason": .string("A sentence about it."),
                "cause": .string(
                    "One word for why it failed, as the condition Succeeded says it."
                ),
                "taskId": .string("The name of the transfer, the same in every attempt."),
                "transfer": .word(
                    "Whether everything is copied or what changed.",
                    MigratedVolume.Transfer.allCases.map(\.rawValue)
                ),
                "fullReason": .word(
                    "Why everything was copied.",
                    FullCopyReason.allCases.map(\.rawValue)
                ),
                "run": .integer(
                    "The number of this copy among those of the volume to this destination; every "
                        + "seventh is full.",
                    from: 1,
                    format: "int64"
                ),
                "generation": StatusParts.count("The number of the generation that is copied."),
                "snapshot": .string("The frozen view that is copied, 32 hexadecimal digits."),
                "bytesTotal": StatusParts.count("Bytes to look at or send."),
                "bytesDone": StatusParts.count("Bytes that are done."),
                "bytesTransferred": StatusParts.count(
                    "Bytes that went over the network, compressed, in both directions."
                ),
            ]
        )
    }

    private static var summary: Schema {
        .object(
            "The totals at the end.",
            [
                "totalNumberOfVolumes": StatusParts.count("Volumes that were to move."),
                "numOfMigratedVolumes": StatusParts.count("Volumes that moved."),
                "totalNumberOfResources": StatusParts.count("Objects that were to move."),
                "numOfMigratedResources": StatusParts.count("Objects that moved."),
                "totalBytesMigrated": StatusParts.count(
                    "Bytes that went over the network for all volumes."
                ),
                "elapsedTimeForVolumeMigration": .string(
                    "From the begin until the volumes were there: 5m0s, or NA."
                ),
                "elapsedTimeForResourceMigration": .string(
                    "From then until the objects were there: 1m0s, or NA."
                ),
            ]
        )
    }
}
