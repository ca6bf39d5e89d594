// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import Testing

@testable import godwit

/// The tables of storkctl, to the space.
@Suite struct ObjectTextTests {
    private static let now = Timestamp(seconds: 1_540_584_360)  // 2018-10-26T20:06:00Z

    private static func pair(
        _ name: String,
        storage: String,
        scheduler: String
    ) -> KubeObject {
        KubeObject(
            ClusterPairNoun.resource.groupVersionKind,
            ObjectKey("mysql", name),
            ["status": ["storageStatus": .string(storage), "schedulerStatus": .string(scheduler)]]
        )
        .created("2018-10-26T03:11:00Z")
    }

    private static func migration(
        _ name: String,
        spec: JSONFields = [:],
        status: JSON = [:]
    ) -> KubeObject {
        var spec = spec
        spec["clusterPair"] = "remotecluster"
        return KubeObject(
            MigrationNoun.resource.groupVersionKind,
            ObjectKey("mysql", name),
            ["spec": .object(spec), "status": status]
        )
        .created("2018-10-26T20:04:19Z")
    }

    private static func text<Noun: ClusterNoun>(
        _ noun: Noun.Type,
        _ objects: [KubeObject],
        _ format: OutputFormat = .table,
        showsNamespace: Bool = false
    ) -> String {
        var text = ObjectText<Noun>(format: format, showsNamespace: showsNamespace)
        return text.list(objects, now: Self.now)
    }

    @Test func aTableOfPairsIsSetAsTheDocumentsShowIt() {
        let pairs = [
            Self.pair("remotecluster", storage: "Ready", scheduler: "Ready"),
            Self.pair("b", storage: "NotProvided", scheduler: ""),
        ]
        #expect(
            Self.text(ClusterPairNoun.self, pairs) == """
                NAME            STORAGE-STATUS   SCHEDULER-STATUS   CREATED
                remotecluster   Ready            Ready              26 Oct 18 03:11 UTC
                b               NotProvided                         26 Oct 18 03:11 UTC

                """
        )
    }

    @Test func withAllNamespacesTheFirstColumnIsTheNamespace() {
        let pairs = [Self.pair("b", storage: "Ready", scheduler: "Ready")]
        #expect(
            Self.text(ClusterPairNoun.self, pairs, showsNamespace: true) == """
                NAMESPACE   NAME   STORAGE-STATUS   SCHEDULER-STATUS   CREATED
                mysql       b      Ready            Ready              26 Oct 18 03:11 UTC

                """
        )
        // A kind without namespaces has no such column.
        let policies = Self.text(SchedulePolicyNoun.self, [], showsNamespace: true)
        #expect(policies == "No resources found.\n")
    }

    @Test func noColumnIsNarrowerThanSixAndAnEmptyLastCellLeavesItsPadding() {
        var table = TextTable(minimumWidth: 6)
        #expect(table.lines([["A", "B"], ["x", ""]]) == "A     B\nx     \n")
        #expect(table.lines([["longer", "z"]]) == "longer   z\n")
        // What comes later stands below what was printed.
        #expect(table.lines([["y", "z"]]) == "y        z\n")
    }

    @Test func aMigrationCountsWhatIsDone() {
        let running = Self.migration(
            "running",
            status: [
                "stage": "Volumes", "status": "InProgress",
                "volumes": [["status": "InProgress"], ["status": "Successful"]],
            ]
        )
        let none = Self.migration(
            "none",
            spec: ["includeVolumes": false, "includeResources": false],
            status: ["finishTimestamp": "2018-10-26T21:05:20Z"]
        )
        let done = Self.migration(
            "mysqlmigration",
            // What was left out counts as 0/0 once there is a summary.
            spec: ["includeVolumes": false],
            status: [
                "stage": "Final", "status": "Successful",
                "summary": [
                    "totalNumberOfVolumes": 1, "numOfMigratedVolumes": 1,
                    "totalNumberOfResources": 3, "numOfMigratedResources": 3,
                    "totalBytesMigrated": 2_129_920, "elapsedTimeForVolumeMigration": "5m0s",
                    "elapsedTimeForResourceMigration": "1m0s",
                ],
            ]
        )
        let lines = Self.text(MigrationNoun.self, [running, none, done]).split(separator: "\n")
            .map { $0.split(separator: /\s{2,}/).map(String.init) }
        #expect(
            lines[0] == [
                "NAME", "CLUSTERPAIR", "STAGE", "STATUS", "VOLUMES", "RESOURCES", "CREATED",
                "ELAPSED", "TOTAL BYTES TRANSFERRED",
            ]
        )
        #expect(
            lines[1] == [
                "running", "remotecluster", "Volumes", "InProgress", "1/2", "0/0",
                "26 Oct 18 20:04 UTC", "1m41s", "Available with stork v2.9.0+",
            ]
        )
        #expect(
            lines[2] == [
                "none", "remotecluster", "N/A", "N/A", "26 Oct 18 20:04 UTC", "1h1m1s",
                "Available with stork v2.9.0+",
            ]
        )
        #expect(
            lines[3] == [
                "mysqlmigration", "remotecluster", "Final", "Successful", "1/1", "3/3",
                "26 Oct 18 20:04 UTC", "Volumes (5m0s) Resources (1m0s)", "2129920",
            ]
        )
    }

    @Test(arguments: [
        ("{\"interval\":{\"intervalMinutes\":1}}", ["1", "N/A", "N/A", "N/A"]),
        ("{\"interval\":{\"intervalMinutes\":0}}", ["Invalid", "N/A", "N/A", "N/A"]),
        ("{\"daily\":{\"time\":\"10:14PM\"}}", ["N/A", "10:14PM", "N/A", "N/A"]),
        ("{\"daily\":{\"time\":\"22:14\"}}", ["N/A", "Invalid", "N/A", "N/A"]),
        ("{\"daily\":{}}", ["N/A", "Invalid", "N/A", "N/A"]),
        (
            "{\"weekly\":{\"day\":\"Thursday\",\"time\":\"10:13PM\"}}",
            ["N/A", "N/A", "Thursday@10:13PM", "N/A"]
        ),
        (
            "{\"weekly\":{\"day\":\"SUNDAY\",\"time\":\"10:13PM\"}}",
            ["N/A", "N/A", "Invalid", "N/A"]
        ),
        ("{\"monthly\":{\"date\":14,\"time\":\"8:05PM\"}}", ["N/A", "N/A", "N/A", "14@8:05PM"]),
        ("{\"monthly\":{\"date\":32,\"time\":\"8:05PM\"}}", ["N/A", "N/A", "N/A", "Invalid"]),
    ])
    func aPolicyShowsItsPartsOrWhyNot(policy: String, cells: [String]) throws {
        let object = KubeObject(
            SchedulePolicyNoun.resource.groupVersionKind,
            ObjectKey("", "p"),
            ["policy": try JSON(parsing: policy)]
        )
        let row = SchedulePolicyNoun.columns.filter { !$0.isWide }
            .map { $0.cell(object, Self.now) }
        #expect(row == ["p"] + cells)
    }

    @Test func oneObjectIsAListForProgramsAndAWordForShells() throws {
        let bare = KubeObject(["metadata": ["name": "a", "namespace": "n"]])
        let json = try JSON(parsing: Self.text(MigrationNoun.self, [bare], .json))
        #expect(json["kind"] == "List" && json["apiVersion"] == "v1")
        #expect(json["items"]?.array?.first?["kind"] == "Migration")
        let version = json["items"]?.array?.first?["apiVersion"]
        #expect(version == "stork.libopenstorage.org/v1alpha1")
        let yaml = Self.text(MigrationNoun.self, [bare], .yaml)
        #expect(try JSON(yaml: yaml) == json)
        #expect(
            Self.text(MigrationNoun.self, [bare], .name)
                == "migration.stork.libopenstorage.org/a\n"
        )
        #expect(Self.text(MigrationNoun.self, [], .name) == "")
        let empty = try JSON(parsing: Self.text(MigrationNoun.self, [], .json))
        #expect(empty["items"] == [])
    }

    @Test func wideAddsColumnsAtTheRightOnly() {
        var pair = Self.pair("a", storage: "Ready", scheduler: "Ready")
        pair.set("DisasterRecovery", at: "spec", "options", "mode")
        let condition: JSON = ["type": "Ready", "status": "True", "message": "both sides answer"]
        pair.set([condition], at: "status", "conditions")
        let table = Self.text(ClusterPairNoun.self, [pair]).split(separator: "\n")
        let wide = Self.text(ClusterPairNoun.self, [pair], .wide).split(separator: "\n")
        for (short, long) in zip(table, wide) { #expect(long.hasPrefix(short)) }
        #expect(wide[0].hasSuffix("MODE               REMOTE-STORAGE-ID   MESSAGE"))
        #expect(wide[1].hasSuffix("both sides answer"))
    }

    @Test func whatAnObjectHoldsMovesNoCursorAndBreaksNoLine() {
        let object = Self.migration("a\u{1b}[2J\nb")
        let text = Self.text(MigrationNoun.self, [object])
        #expect(text.split(separator: "\n").count == 2)
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 32 })
    }
}

extension KubeObject {
    /// The same, stored at a time.
    func created(_ time: String) -> KubeObject {
        var object = self
        object.set(.string(time), at: "metadata", "creationTimestamp")
        return object
    }
}
