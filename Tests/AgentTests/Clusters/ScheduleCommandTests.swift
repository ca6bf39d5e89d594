// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import godwit

/// Schedules, policies, rules and failovers, typed against an embedded cluster without controllers.
@Suite(.serialized) struct ScheduleCommandTests {
    private static let objects = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: mysql}
        ---
        apiVersion: stork.libopenstorage.org/v1alpha1
        kind: ClusterPair
        metadata: {name: remote, namespace: mysql}
        spec: {options: {ip: 127.0.0.1, token: secret}}
        ---
        apiVersion: stork.libopenstorage.org/v1alpha1
        kind: ClusterPair
        metadata: {name: bare, namespace: mysql}
        spec: {config: {clusters: {}}}
        ---
        apiVersion: stork.libopenstorage.org/v1alpha1
        kind: SchedulePolicy
        metadata: {name: testpolicy}
        policy: {interval: {intervalMinutes: 1}}
        """
    private static let create =
        "create migrationschedule s -c remote --namespaces mysql -s testpolicy -n mysql"

    private static func prepared(
        _ body: @escaping @Sendable (TestCluster) async throws -> Void
    ) async throws {
        try await TestCluster.running { cluster in
            try await cluster.output("apply -f -", input: Self.objects)
            try await body(cluster)
        }
    }

    private static func schedule(
        _ name: String,
        _ cluster: TestCluster
    ) async throws -> KubeObject {
        try await cluster.client.get(MigrationScheduleNoun.resource, ObjectKey("mysql", name))
    }

    @Test func aScheduleIsMadeShownSuspendedResumedAndDeleted() async throws {
        try await Self.prepared { cluster in
            let made = try await cluster.output(Self.create)
            #expect(made == "MigrationSchedule s created successfully\n")
            let facts = ScheduleFacts(try await Self.schedule("s", cluster))
            #expect(facts.template.includesVolumes && facts.template.includesResources)
            #expect(!facts.template.startsApplications && !facts.isSuspended)
            #expect(facts.schedule["spec", "autoSuspend"] == true)
            let twice = try await cluster.godwit(Self.create)
            #expect(twice.status == 5 && twice.errors.contains("\"s\" already exists"))
            for (line, sentence, isSuspended) in [
                ("suspend migrationschedules s", "suspended", true),
                ("resume migrationschedule -c remote", "resumed", false),
                ("suspend migsched -c other", nil, false),
            ] as [(String, String?, Bool)] {
                let said = try await cluster.output("\(line) -n mysql")
                let expected =
                    sentence.map { "MigrationSchedule s \($0) successfully\n" }
                    ?? "No resources found.\n"
                #expect(said == expected)
                let rows = try await cluster.table("get migrationschedules -n mysql")
                #expect(rows[1] == ["s", "testpolicy", "remote", "\(isSuspended)"])
            }
            let described = try await cluster.output("describe migrationschedule s -n mysql")
            #expect(described.contains("Schedule Policy Name:  testpolicy"))
            #expect(described.contains("  Cluster Pair:"))
            let used = try await cluster.godwit("delete schedulepolicy testpolicy")
            #expect(used.status == 5 && used.errors.contains("mysql/s"), "\(used.errors)")
            let deleted = try await cluster.output("delete migrationschedules s -n mysql")
            #expect(deleted == "MigrationSchedule s deleted successfully\n")
            let free = try await cluster.output("delete schedulepolicy testpolicy")
            #expect(free == "Schedule policy testpolicy deleted successfully\n")
        }
    }

    @Test func allThatStorkctlTakesComesIntoTheSchedule() async throws {
        try await Self.prepared { cluster in
            let line =
                "create migrationschedules all --clusterPair remote --namespaces mysql --interval 5 "
                + "--excludeResources --ignoreOwnerReferencesCheck --purge-deleted-resources=true "
                + "--skipServiceUpdate --includeNetworkPolicyWithCIDR --preExecRule before "
                + "--disableSkipDeletedNamespaces --post-exec-rule after --suspend=true "
                + "--disableAutoSuspend --annotations a=b --transformSpec t --includeJobs "
                + "--selectors app=db --excludeSelectors x=y --excludeResourceTypes Secret "
                + "--adminClusterPair admin --namespaceSelectors team=db -n mysql"
            let result = try await cluster.godwit(line)
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.errors.contains("no Rule 'before' yet"))
            let schedule = try await Self.schedule("all", cluster)
            let facts = ScheduleFacts(schedule)
            #expect(facts.policy == "all" && facts.isSuspended)
            #expect(schedule["spec", "autoSuspend"] == false)
            #expect(schedule.annotations == ["a": "b"])
            let spec = facts.template
            #expect(!spec.includesResources && spec.ignoresOwnerReferences)
            #expect(spec.purgesDeletedResources && spec.skipsServiceUpdate)
            #expect(spec.includesNetworkPolicyWithCIDR && !spec.skipsDeletedNamespaces)
            #expect(spec.preExecRule == "before" && spec.postExecRule == "after")
            #expect(spec.transformSpecs == ["t"] && spec.includeOptionalResourceTypes == ["Job"])
            #expect(spec.selectors == ["app": "db"] && spec.excludeSelectors == ["x": "y"])
            #expect(spec.excludeResourceTypes == ["Secret"] && spec.adminClusterPair == "admin")
            #expect(spec.namespaceSelectors == ["team": "db"])
            let policy = try await cluster.client.get(
                SchedulePolicyNoun.resource,
                ObjectKey("", "all")
            )
            #expect(policy["policy", "interval", "intervalMinutes"] == 5)
            #expect(policy["policy", "interval", "retain"] == 10)
        }
    }

    @Test func withoutStorageVolumesStay() async throws {
        try await Self.prepared { cluster in
            let line =
                "create migrationschedule b -c bare --namespaces mysql -s testpolicy -n mysql"
            let result = try await cluster.godwit(line)
            #expect(result.status == 0 && result.errors.contains("no storage options"))
            let facts = ScheduleFacts(try await Self.schedule("b", cluster))
            #expect(!facts.template.includesVolumes)
        }
    }

    @Test func aPolicyOfAnIntervalIsMadeOnlyWithItsSchedule() async throws {
        try await Self.prepared { cluster in
            try await cluster.output(Self.create)
            for (line, code) in [
                // The schedule, or the policy, is there already.
                ("create migrationschedule s -c remote --namespaces mysql -i 5", 5),
                ("create migrationschedule testpolicy -c remote --namespaces mysql -i 5", 5),
                ("create migrationschedule n -c no --namespaces mysql -i 5", 4),
                ("create migrationschedule n -c remote --namespaces no -i 5", 4),
                ("create migrationschedule n -c remote --namespaces mysql -i 0", 64),
            ] as [(String, Int32)] {
                let result = try await cluster.godwit(
                    "\(line) -n mysql"
                )
                #expect(result.status == code, "\(line): \(result.errors)")
            }
            let policies = try await cluster.table("get sp")
            #expect(policies.count == 2 && policies[1][0] == "testpolicy")
            #expect(try await cluster.table("get migsched -A").count == 2)
        }
    }

    @Test(arguments: [
        ("", ["30", "N/A", "N/A", "N/A"]),
        ("-t daily --time 10:14PM", ["N/A", "10:14PM", "N/A", "N/A"]),
        (
            "--policyType Weekly --dayOfWeek Thursday --time 10:13PM",
            ["N/A", "N/A", "thursday@10:13PM", "N/A"]
        ),
        (
            "-t Monthly --dateOfMonth 14 --time 8:05PM --retain 3 --time-zone Europe/Berlin",
            ["N/A", "N/A", "N/A", "14@8:05PM"]
        ),
    ])
    func policiesAreMade(flags: String, cells: [String]) async throws {
        try await TestCluster.running { cluster in
            let made = try await cluster.output("create schedulepolicy p \(flags)")
            #expect(made == "Schedule policy p created successfully\n")
            #expect(try await cluster.table("get sp")[1] == ["p"] + cells)
        }
    }

    @Test func aTriggerMarksTheScheduleAndWaitsForWhatItBegins() async throws {
        try await Self.prepared { cluster in
            try await cluster.output(Self.create)
            let said = try await cluster.output("trigger migrationschedule s -n mysql")
            #expect(said == "MigrationSchedule s triggered successfully\n")
            let key = StorkNames.Annotation.syncNow.key
            let first = try await Self.schedule("s", cluster).annotations[key]
            #expect(first.flatMap { Timestamp($0) } != nil)
            let late = try await cluster.godwit("sync-now migsched s -n mysql --wait --timeout 1")
            #expect(late.status == 7 && late.errors.contains("has begun no Migration"))
            #expect(try await Self.schedule("s", cluster).annotations[key] != first)
            try await cluster.output("suspend migsched s -n mysql")
            let suspended = try await cluster.godwit("trigger migrationschedule s -n mysql")
            #expect(suspended.status == 5 && suspended.errors.contains("godwit resume"))
            try await Self.makeCopy("s", cluster)
            let wrong = try await cluster.godwit("trigger migrationschedule s -n mysql")
            #expect(wrong.status == 5 && wrong.errors.contains("at the source cluster"))
        }
    }

    @Test func aWaitBeforeTheFirstRunWaitsForIt() async throws {
        try await Self.prepared { cluster in
            try await cluster.output(Self.create)
            func set(_ status: MigrationScheduleStatus) async throws {
                try await cluster.set(MigrationScheduleNoun.self, "mysql", "s", status.json)
            }
            let wait = "wait migrationschedule s -n mysql"
            let early = try await cluster.godwit("\(wait) --timeout 1")
            #expect(early.status == 7 && early.errors.contains("has begun no Migration yet"))
            var status = MigrationScheduleStatus()
            status.nextTrigger = Timestamp("2030-01-01T00:00:00Z")
            try await set(status)
            let due = try await cluster.godwit("\(wait) --timeout 1")
            #expect(
                due.status == 7 && due.errors.contains("next migration at 2030-01-01T00:00:00Z")
            )
            try await cluster.output("suspend migsched s -n mysql")
            let suspended = try await cluster.godwit(wait)
            #expect(suspended.status == 5 && suspended.errors.contains("godwit resume"))
            try await cluster.output("resume migsched s -n mysql")
            async let first = cluster.godwit(wait)
            let run = ScheduledRun(name: "s-interval-1", created: .now)
            status.items[.interval] = [run]
            try await set(status)
            let migration = KubeObject(
                MigrationNoun.resource.groupVersionKind,
                ObjectKey("mysql", run.name),
                ["spec": ["clusterPair": "remote", "namespaces": ["mysql"]]]
            )
            _ = try await cluster.client.create(MigrationNoun.resource, migration)
            let final: JSON = ["stage": "Final", "status": "Failed"]
            try await cluster.set(MigrationNoun.self, "mysql", run.name, final)
            let end = try await first
            #expect(end.status == 1 && end.errors.contains("Migration s-interval-1 failed"))
        }
    }

    /// As the source keeps it at the destination.
    private static func makeCopy(_ name: String, _ cluster: TestCluster) async throws {
        let mark: JSON = [StorkNames.Annotation.staticCopy.key: "true"]
        let copy = try await cluster.client.patch(
            MigrationScheduleNoun.resource,
            ObjectKey("mysql", name),
            .merge(["metadata": ["annotations": mark]])
        )
        #expect(ScheduleFacts(copy).isCopy)
    }

    @Test func aFailoverIsBegunWithTheLinesOfStorkctlAndWaitedFor() async throws {
        try await Self.prepared { cluster in
            try await cluster.output(Self.create)
            let early = try await cluster.godwit("perform failover -m s -n mysql")
            #expect(early.status == 5 && early.errors.contains("begins in this cluster"))
            try await Self.makeCopy("s", cluster)
            let begun = try await cluster.godwit("perform failover -m s -n mysql")
            #expect(begun.status == 0, "\(begun.errors)")
            let lines = begun.output.split(separator: "\n")
            #expect(lines.first == "Started failover for MigrationSchedule mysql/s")
            let pattern =
                /To check failover status use the command : `godwit get failover (failover-s-[-0-9]+) -n mysql`/
            let name = try #require(lines.last?.wholeMatch(of: pattern)?.1)
            #expect(begun.errors.contains("none: no volume was brought here"))
            let rows = try await cluster.table("get failover -n mysql")
            #expect(rows[0] == ["NAME", "CREATED", "STAGE", "STATUS", "MORE INFO"])
            #expect(rows[1][0] == name)
            #expect(try await cluster.output("get failback -n mysql") == "No resources found.\n")
            let other = try await cluster.godwit("get failback \(name) -n mysql")
            #expect(other.status == 4 && other.errors.contains("\"\(name)\" not found"))
            for (status, code) in [("Successful", 0), ("Failed", 1), ("RollbackSuccessful", 1)] {
                try await cluster.set(
                    FailoverNoun.self,
                    "mysql",
                    String(name),
                    [
                        "stage": "Final", "status": .string(status), "reason": "the disk is full",
                    ]
                )
                let result = try await cluster.godwit("wait failover \(name) -n mysql")
                #expect(Int(result.status) == code, "\(result.errors)")
                if code > 0 { #expect(result.errors.contains("the disk is full")) }
            }
            let keeps = try await cluster.godwit("delete failback \(name) -n mysql")
            #expect(keeps.status == 4)
            let gone = try await cluster.output("delete failover \(name) -n mysql")
            #expect(gone == "Failover \(name) deleted successfully\n")
        }
    }

    @Test func aFailoverSaysWhatItWasTold() async throws {
        try await Self.prepared { cluster in
            try await cluster.output(Self.create)
            try await Self.makeCopy("s", cluster)
            let missing = try await cluster.godwit("perform failover -m t -n mysql")
            #expect(missing.status == 4 && missing.errors.contains("\"t\" not found"))
            let old = try await cluster.godwit(
                "perform failover -m s --before 2026-11-22T10:15:00Z -n mysql"
            )
            #expect(old.status == 4 && old.errors.contains("There is no RecoveryPoint"))
            let point = try await cluster.godwit("perform drill -m s --recovery-point p -n mysql")
            #expect(point.status == 4 && point.errors.contains("\"p\" not found"))
            let json = try await cluster.output(
                "perform failover -m s --skipSourceOperations -n mysql -o json"
            )
            let made = try #require(try JSON(parsing: json)["items"]?.array?.first)
            let spec = ActionSpec(made["spec"])
            #expect(spec.type == .failover && spec.skipsSource && spec.namespaces == ["mysql"])
            #expect(spec.schedule == "s" && spec.recoveryPoint == nil)
            let drill = try await cluster.output(
                "perform drill -m s --namespace-suffix=-test --keep -n mysql -o json"
            )
            let rehearsal = ActionSpec(
                try JSON(parsing: drill)["items"]?.array?.first?["spec"]
            )
            #expect(rehearsal.type == .drill && rehearsal.keeps && rehearsal.suffix == "-test")
            let back = try await cluster.output("perform failback -m s -n mysql")
            #expect(back.hasPrefix("Started failback for MigrationSchedule mysql/s\n"))
            let active: JSON = ["applicationActivated": true]
            try await cluster.set(MigrationScheduleNoun.self, "mysql", "s", active)
            let again = try await cluster.godwit("perform failover -m s -n mysql")
            #expect(again.status == 5 && again.errors.contains("run here already"))
        }
    }

    @Test(arguments: [
        (
            "create migrationschedule",
            "exactly one name needs to be provided for migration schedule name"
        ),
        (
            "create migrationschedule a",
            "ClusterPair name needs to be provided for migration schedule"
        ),
        ("create migrationschedule a -c p", "need to provide atleast one namespace to migrate"),
        (
            "create schedulepolicy",
            "exactly one name needs to be provided for schedule policy name"
        ),
        (
            "delete schedulepolicy",
            "at least one argument needs to be provided for schedule policy name"
        ),
        (
            "suspend migrationschedules",
            "at least one argument needs to be provided for migrationschedule name"
        ),
        (
            "perform failover",
            "the name of a MigrationSchedule needs to be provided for failover"
        ),
    ])
    func whatIsMissingIsSaid(line: String, message: String) async throws {
        let result = try await Command.run("godwit", line.split(separator: " ").map(String.init))
        #expect(result.status == 64)
        #expect(result.errors.hasPrefix("error: \(message)   [GW1101]\n"), "\(result.errors)")
    }
}
