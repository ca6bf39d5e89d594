// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel
import Testing

@Suite struct StorkViewTests {
    @Test func aMigrationOfTheDocumentsIsRead() throws {
        let spec = MigrationSpec(try UserManifests.object("migration.yaml")["spec"])
        #expect(spec.clusterPair == "remotecluster" && spec.namespaces == ["migrationnamespace"])
        #expect(spec.includesResources && spec.includesVolumes && spec.startsApplications)
        #expect(!spec.purgesDeletedResources && spec.skipsDeletedNamespaces)
    }

    @Test func theDefaultsOfTheViewAreThoseOfTheSchema() throws {
        let kind = try #require(StorkKinds["Migration"])
        let bare = KubeObject(["spec": ["clusterPair": "p", "namespaces": ["a"]]])
        let spec = MigrationSpec(bare["spec"])
        #expect(kind.admitted(bare)["spec"] == spec.json)
        #expect(!spec.startsApplications)
    }

    @Test func everyFieldOfASpecificationComesBack() throws {
        var spec = MigrationSpec()
        spec.clusterPair = "p"
        spec.adminClusterPair = "q"
        spec.namespaces = ["a"]
        spec.namespaceSelectors = ["a": "b"]
        spec.selectors = ["c": "d"]
        spec.excludeSelectors = ["e": "f"]
        spec.preExecRule = "r"
        spec.postExecRule = "s"
        spec.includeOptionalResourceTypes = ["Job"]
        spec.transformSpecs = ["t"]
        spec.excludeResourceTypes = ["Secret"]
        spec.includesResources = false
        spec.includesVolumes = false
        spec.startsApplications = true
        spec.purgesDeletedResources = true
        spec.skipsServiceUpdate = true
        spec.includesNetworkPolicyWithCIDR = true
        spec.skipsDeletedNamespaces = false
        spec.ignoresOwnerReferences = true
        #expect(MigrationSpec(spec.json) == spec)
        let kind = try #require(StorkKinds["Migration"])
        let object = KubeObject(["spec": spec.json])
        #expect(kind.unknownFields(in: object) == [] && kind.validate(object) == [])
        #expect(
            Set((spec.json.object ?? [:]).keys)
                == Set(kind.schema.properties["spec"]?.properties.keys ?? [:].keys)
        )
    }

    @Test func everyFieldOfAStatusComesBack() throws {
        var status = MigrationStatus()
        status.stage = .volumes
        status.status = .inProgress
        var volume = MigratedVolume(claim: ObjectKey("n", "c"), volume: "v", taskID: "t")
        volume.transfer = .incremental
        volume.run = 8
        volume.generation = 9
        volume.snapshot = String(repeating: "a", count: 32)
        volume.bytesTotal = 10
        volume.bytesDone = 5
        volume.reason = "half"
        status.volumes = [volume]
        var resource = MigratedResource(GroupVersionKind("", "v1", "Secret"), ObjectKey("n", "s"))
        resource.transformedBy = "t"
        status.resources = [resource]
        status.finished = Timestamp(seconds: 1_540_584_259)
        status.volumesFinished = Timestamp(seconds: 1_540_584_200)
        status.resourcesFinished = Timestamp(seconds: 1_540_584_250)
        status.observedGeneration = 3
        var summary = MigrationSummary()
        summary.volumes = 1
        summary.volumesDone = 1
        summary.resources = 1
        summary.resourcesDone = 1
        summary.bytes = 10
        summary.volumeSeconds = 300
        status.summary = summary
        status.conditions.set(
            "Succeeded",
            .unknown,
            reason: "Volumes",
            message: "Volumes are copied.",
            generation: 3,
            now: Timestamp(seconds: 0)
        )
        #expect(MigrationStatus(status.json) == status)
        #expect(status.json["progress", "percent"] == 50)
        #expect(status.json["progress", "volumes"] == "0/1")
        #expect(status.json["resources"]?.array?.first?["group"] == "core")
        #expect(status.json["summary", "elapsedTimeForVolumeMigration"] == "5m0s")
        #expect(status.json["summary", "elapsedTimeForResourceMigration"] == "NA")
        let object = KubeObject([
            "spec": ["clusterPair": "p", "namespaces": ["n"]], "status": status.json,
        ])
        let kind = try #require(StorkKinds["Migration"])
        #expect(kind.unknownFields(in: object) == [] && kind.validate(object) == [])
    }

    @Test func theTimeOfAConditionChangesOnlyWithItsStatus() {
        var conditions: [Condition] = []
        func set(_ status: Condition.Status, _ message: String, _ seconds: Int) {
            conditions.set(
                "Ready",
                status,
                reason: "A",
                message: message,
                generation: 1,
                now: Timestamp(seconds: seconds)
            )
        }
        set(.no, "first", 10)
        set(.no, "second", 20)
        #expect(conditions["Ready"]?.lastTransitionTime == "1970-01-01T00:00:10Z")
        #expect(conditions["Ready"]?.message == "second")
        set(.yes, "third", 30)
        #expect(conditions["Ready"]?.lastTransitionTime == "1970-01-01T00:00:30Z")
        #expect(conditions.count == 1 && conditions["Other"] == nil)
    }

    @Test func aPairIsReadWithItsOptionsAndKubeconfig() throws {
        let spec = ClusterPairSpec(
            try UserManifests.object("clusterpair-disaster-recovery.yaml")["spec"]
        )
        #expect(spec.mode == .disasterRecovery && spec.ip == "<ip_of_remote_px_node>")
        #expect(throws: FieldError.self) { try spec.port() }
        let file = try #require(spec.kubeconfig)
        #expect(file["current-context"] == "kubernetes-admin@kubernetes")
        let cluster = try #require(file["clusters"]?.array?.first)
        #expect(cluster["name"] == "kubernetes")
        #expect(cluster["cluster", "server"] == "https://192.168.56.74:6443")
        #expect(cluster["cluster", "LocationOfOrigin"] == nil)
        let origin = "/etc/kubernetes/admin.conf"
        #expect(ClusterPairSpec.config(ofKubeconfig: file, origin: origin) == spec.config)
        #expect(ClusterPairSpec(spec.json) == spec)
    }

    @Test func optionsHaveTheirDefaults() throws {
        let spec = ClusterPairSpec(["options": ["port": 9005, "mode": "x", "token": ""]])
        #expect(try spec.port() == 9005)
        #expect(spec.mode == .standard && spec.token == nil && spec.kubeconfig == nil)
        #expect(try ClusterPairSpec(nil).port() == 9001)
        var status = ClusterPairStatus()
        #expect(status.json["storageStatus"] == "")
        status.storageStatus = .notProvided
        status.remoteStorageID = "r"
        #expect(ClusterPairStatus(status.json) == status)
    }

    @Test func bothPrefixesOfAnnotationsAreReadAndTheNewOneIsWritten() {
        let replicas = StorkNames.Annotation.migrationReplicas
        #expect(replicas.key == "stork.libopenstorage.org/migrationReplicas")
        #expect(replicas.value(in: ["stork.openstorage.org/migrationReplicas": "3"]) == "3")
        let both = [replicas.key: "2", "stork.openstorage.org/migrationReplicas": "3"]
        #expect(replicas.value(in: both) == "2" && replicas.value(in: [:]) == nil)
    }

    @Test(arguments: [(0, "0s"), (45, "45s"), (300, "5m0s"), (3723, "1h2m3s"), (-5, "-5s")])
    func durationsAreWrittenAndRead(seconds: Int, text: String) {
        #expect(GoDuration.text(seconds) == text && GoDuration.seconds(text) == seconds)
        #expect(GoDuration.seconds("NA") == nil && GoDuration.text(nil) == "NA")
    }

    @Test(arguments: ["", "-", "5", "s", "1s2m", "1h1h", "1.5m", "1.s", "٣s", "1234567890s", "1 s"])
    func whatIsNoDurationIsRefused(text: String) { #expect(GoDuration.seconds(text) == nil) }

    @Test func aDurationIsCutToWholeSeconds() {
        #expect(GoDuration.seconds("1m2.9s") == 62 && GoDuration.seconds("2h5s") == 7_205)
    }
}

@Suite struct ScheduleTimeTests {
    @Test(arguments: [
        ("10:14PM", 22, 14), ("8:05PM", 20, 5), ("01:15am", 1, 15), ("12:00AM", 0, 0),
        ("12:30pm", 12, 30), ("0:15AM", 0, 15),
    ])
    func timesAreRead(text: String, hour: Int, minute: Int) throws {
        let time = try ScheduleTime(text)
        #expect(time.hour == hour && time.minute == minute)
        #expect(try ScheduleTime(time.description) == time)
        #expect(text.wholeMatch(of: try Regex(ScheduleTime.pattern)) != nil)
    }

    @Test(arguments: [
        ("12:75PM", "minute out of range"), ("13:00PM", "hour out of range"), ("22:13", "1:02PM"),
        ("1:2PM", "1:02PM"), ("1:02Pm", "1:02PM"), ("", "1:02PM"), ("1:02 PM", "1:02PM"),
    ])
    func otherTextsAreRefusedByTheReaderAndByThePattern(text: String, words: String) throws {
        let error = try #require(throws: ScheduleError.self) { try ScheduleTime(text) }
        #expect(error.description.contains("\"\(text)\"") && error.description.contains(words))
        #expect(text.wholeMatch(of: try Regex(ScheduleTime.pattern)) == nil)
    }

    @Test func daysHaveTheSpellingsOfStorkAndNoOthers() {
        #expect(Weekday("Sunday") == .sunday && Weekday("sat") == .saturday)
        #expect(Weekday("Thur") == .thursday && Weekday("thurs") == .thursday)
        for text in ["Tues", "SUNDAY", "T", ""] { #expect(Weekday(text) == nil) }
        #expect(Weekday.allSpellings.count == 32)
    }
}
