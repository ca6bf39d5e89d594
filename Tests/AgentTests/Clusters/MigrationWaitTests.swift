// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import Testing

@testable import godwit

/// What is said of a Migration that runs, and how it ended.
@Suite struct MigrationWaitTests {
    private static let now = Timestamp(seconds: 1_540_584_360)  // 2018-10-26T20:06:00Z

    private static func migration(_ status: JSON) -> KubeObject {
        KubeObject(
            MigrationNoun.resource.groupVersionKind,
            ObjectKey("mysql", "m"),
            ["spec": ["clusterPair": "p", "namespaces": ["mysql"]], "status": status]
        )
        .created("2018-10-26T20:05:00Z")
    }

    @Test(arguments: [
        ("", "", MigrationOutcome.running), ("Volumes", "InProgress", .running),
        ("Volumes", "Failed", .running), ("Final", "Successful", .succeeded),
        ("Final", "PartialSuccess", .partial), ("Final", "Failed", .failed),
        ("Final", "Nonsense", .failed),
    ])
    func onlyWhatIsFinalHasEnded(stage: String, status: String, outcome: MigrationOutcome) {
        let object = Self.migration(["stage": .string(stage), "status": .string(status)])
        #expect(MigrationFacts(object).outcome == outcome)
    }

    @Test func progressAddsUpTheBytesOfAllVolumes() {
        let progress = MigrationProgress(
            Self.migration([
                "stage": "Volumes", "status": "InProgress",
                "volumes": [
                    ["status": "InProgress", "bytesTotal": 3_145_728, "bytesDone": 1_048_576],
                    ["status": "Successful", "bytesTotal": 1_048_576],
                ],
            ]),
            now: Self.now
        )
        #expect(progress.phase == "Volumes InProgress")
        #expect(progress.percent == 50)
        #expect(progress.rest == "volumes 1/2  50%  2.00 MiB/4.00 MiB  resources 0/0  1m0s")
    }

    @Test func beforeAStageIsReachedTheReasonIsShown() {
        let condition: JSON = ["type": "Succeeded", "message": "there is no ClusterPair p"]
        let waiting = MigrationProgress(Self.migration(["conditions": [condition]]), now: Self.now)
        #expect(waiting.phase == "Waiting" && waiting.percent == nil)
        #expect(waiting.rest.hasSuffix("there is no ClusterPair p"))
        // It is not said twice once there is a stage.
        let running = MigrationProgress(
            Self.migration(["stage": "Volumes", "conditions": [condition]]),
            now: Self.now
        )
        #expect(!running.rest.contains("ClusterPair"))
    }

    @Test func whatHoldsAStageUpIsShownAndWhatGoesOnIsNot() {
        func progress(_ reason: String, stage: String = "Volumes") -> MigrationProgress {
            let condition: JSON = [
                "type": "Succeeded", "status": "Unknown", "reason": .string(reason),
                "message": "nobody answers",
            ]
            return MigrationProgress(
                Self.migration(["stage": .string(stage), "conditions": [condition]]),
                now: Self.now
            )
        }
        #expect(progress("DestinationUnreachable").trouble == "nobody answers")
        #expect(progress("DestinationUnreachable").rest.hasSuffix("nobody answers"))
        for reason in ["CopyingVolumes", "ApplyingResources"] {
            #expect(progress(reason).trouble == nil)
        }
        #expect(progress("NoSpace", stage: "Final").trouble == nil, "the end is told otherwise")
    }

    @Test func numbersThatNobodyCanHaveMeantCrashNothing() {
        let (huge, low) = (JSON(Int.max), JSON(Int.min))
        let volumes: [JSON] = [
            ["bytesTotal": huge, "bytesDone": huge], ["bytesTotal": huge, "bytesDone": low],
            ["bytesTotal": low], ["bytesTotal": huge, "status": "Successful"],
        ]
        for count in 1...volumes.count {
            let progress = MigrationProgress(
                Self.migration(["volumes": .array(Array(volumes.prefix(count)))]),
                now: Self.now
            )
            #expect((0...100).contains(progress.percent ?? -1))
        }
    }

    @Test func whatFailedIsToldVolumesFirst() {
        let facts = MigrationFacts(
            Self.migration([
                "resources": [
                    ["kind": "Secret", "namespace": "n", "name": "s", "status": "Successful"],
                    [
                        "kind": "Service", "namespace": "n", "name": "web", "status": "Failed",
                        "reason": "the port is taken",
                    ],
                ],
                "volumes": [
                    [
                        "namespace": "n", "persistentVolumeClaim": "data", "status": "Failed",
                        "reason": "no space",
                    ]
                ],
            ])
        )
        #expect(facts.failures == ["volume n/data: no space", "Service n/web: the port is taken"])
    }

    @Test func rowsOfWaitingAreSetAsStorkctlSetsThem() {
        #expect(MigrationLines.row("STAGE", "STATUS") == "STAGE\t\tSTATUS              ")
        #expect(MigrationLines.row("Volumes", "InProgress") == "Volumes\t\tInProgress          ")
    }
}
