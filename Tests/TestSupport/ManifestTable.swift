// SPDX-License-Identifier: Apache-2.0

/// A manifest of one of our kinds, and whether it may be stored.
///
/// One table for all who decide about it: the schemas in Swift, the embedded cluster, and API servers
/// with the CustomResourceDefinitions of `deploy`.
package struct ManifestCase: Sendable, CustomStringConvertible {
    /// What it is about.
    package let name: String
    /// What is stored before, in YAML; nil where the manifest is new.
    package let old: String?
    /// What comes in, in YAML.
    package let manifest: String
    /// What every refusal says; nil where the manifest is accepted.
    package let refusal: String?
    /// Whether only a server with CEL (1.25 and later) refuses it.
    package let needsRules: Bool

    package var description: String { self.name }

    private init(
        _ name: String,
        _ kind: String,
        _ body: String,
        over old: String? = nil,
        refusal: String? = nil,
        needsRules: Bool = false
    ) {
        func whole(_ body: String) -> String {
            """
            apiVersion: stork.libopenstorage.org/v1alpha1
            kind: \(kind)
            metadata: {name: a}
            \(body)
            """
        }
        self.name = name
        self.old = old.map(whole)
        self.manifest = whole(body)
        self.refusal = refusal
        self.needsRules = needsRules
    }

    private static func accepted(_ name: String, _ kind: String, _ body: String) -> Self {
        Self(name, kind, body)
    }

    private static func refused(
        _ name: String,
        _ kind: String,
        _ body: String,
        _ refusal: String
    ) -> Self {
        Self(name, kind, body, refusal: refusal)
    }

    private static func against(
        _ rule: String,
        _ name: String,
        _ kind: String,
        _ body: String,
        over old: String? = nil
    ) -> Self {
        Self(name, kind, body, over: old, refusal: rule, needsRules: true)
    }

    package static let all: [Self] = pairs + migrations + policies + others

    private static let pairs: [Self] = [
        accepted("a pair without anything", "ClusterPair", "spec: {}"),
        accepted("a port without quotes", "ClusterPair", "spec: {options: {port: 9001, ip: a}}"),
        accepted("every mode", "ClusterPair", "spec: {options: {mode: OneTimeMigration}}"),
        accepted("an empty mode", "ClusterPair", "spec: {options: {mode: ''}}"),
        accepted("a Secret", "ClusterPair", "spec: {secretRef: {name: remote}}"),
        accepted(
            "new keys in a kubeconfig",
            "ClusterPair",
            "spec: {config: {clusters: {a: {server: https://a, new-key: 1}}}}"
        ),
        refused("a pair without spec", "ClusterPair", "status: {}", "spec"),
        refused("options that are a list", "ClusterPair", "spec: {options: [a]}", "spec.options"),
        refused("an empty Secret name", "ClusterPair", "spec: {secretRef: {name: ''}}", "name"),
        against(
            "the option mode must be one of",
            "a misspelt mode",
            "ClusterPair",
            "spec: {options: {mode: DisasterRecover}}"
        ),
    ]

    private static let migrations: [Self] = [
        accepted("a migration", "Migration", "spec: {clusterPair: p, namespaces: [a]}"),
        accepted(
            "a migration by labels",
            "Migration",
            "spec: {clusterPair: p, namespaceSelectors: {a: b}}"
        ),
        refused("no pair", "Migration", "spec: {namespaces: [a]}", "spec.clusterPair"),
        refused(
            "an empty pair",
            "Migration",
            "spec: {clusterPair: '', namespaces: [a]}",
            "spec.clusterPair"
        ),
        refused(
            "a flag in quotes",
            "Migration",
            "spec: {clusterPair: p, namespaces: [a], includeVolumes: 'no'}",
            "spec.includeVolumes"
        ),
        refused(
            "two transformations",
            "Migration",
            "spec: {clusterPair: p, namespaces: [a], transformSpecs: [a, b]}",
            "spec.transformSpecs"
        ),
        against(
            "name at least one namespace",
            "no namespace",
            "Migration",
            "spec: {clusterPair: p, namespaces: []}"
        ),
        against(
            "never migrated",
            "kube-system",
            "Migration",
            "spec: {clusterPair: p, namespaces: [a, kube-system]}"
        ),
        against(
            "clusterPair cannot be changed",
            "another pair",
            "Migration",
            "spec: {clusterPair: q, namespaces: [a]}",
            over: "spec: {clusterPair: p, namespaces: [a]}"
        ),
        against(
            "namespaces cannot be changed",
            "another namespace",
            "Migration",
            "spec: {clusterPair: p, namespaces: [a, b]}",
            over: "spec: {clusterPair: p, namespaces: [a]}"
        ),
        Self(
            "another rule",
            "Migration",
            "spec: {clusterPair: p, namespaces: [a], preExecRule: r}",
            over: "spec: {clusterPair: p, namespaces: [a]}"
        ),
        accepted(
            "a schedule",
            "MigrationSchedule",
            "spec: {schedulePolicyName: s, template: {spec: {clusterPair: p, namespaces: [a]}}}"
        ),
        refused(
            "a schedule without a policy",
            "MigrationSchedule",
            "spec: {template: {spec: {clusterPair: p, namespaces: [a]}}}",
            "spec.schedulePolicyName"
        ),
        against(
            "never migrated",
            "a schedule of kube-system",
            "MigrationSchedule",
            """
            spec:
              schedulePolicyName: s
              template: {spec: {clusterPair: p, namespaces: [kube-system]}}
            """
        ),
    ]

    private static let policies: [Self] =
        ["SchedulePolicy", "NamespacedSchedulePolicy"]
        .flatMap { kind in
            [
                accepted("\(kind) by the minute", kind, "policy: {interval: {intervalMinutes: 1}}"),
                accepted("\(kind) without quotes", kind, "policy: {daily: {time: 1:02pm}}"),
                accepted(
                    "\(kind) with a zero",
                    kind,
                    "policy: {daily: {time: 01:15am, retain: 0}}"
                ),
                accepted(
                    "\(kind) with a short day",
                    kind,
                    "policy: {weekly: {day: thurs, time: 12:00AM}}"
                ),
                accepted(
                    "\(kind) of the 31st",
                    kind,
                    "policy: {monthly: {date: 31, time: 8:05PM}}"
                ),
                refused("\(kind) of nothing", kind, "policy: {}", "policy"),
                refused(
                    "\(kind) of no minutes",
                    kind,
                    "policy: {interval: {intervalMinutes: 0}}",
                    "policy.interval.intervalMinutes"
                ),
                refused(
                    "\(kind) with 24 hours",
                    kind,
                    "policy: {daily: {time: 22:13}}",
                    "policy.daily.time"
                ),
                refused(
                    "\(kind) with 75 minutes",
                    kind,
                    "policy: {daily: {time: 12:75PM}}",
                    "policy.daily.time"
                ),
                refused(
                    "\(kind) in mixed letters",
                    kind,
                    "policy: {daily: {time: 1:02Pm}}",
                    "policy.daily.time"
                ),
                refused(
                    "\(kind) with another spelling",
                    kind,
                    "policy: {weekly: {day: Tues, time: 1:02PM}}",
                    "policy.weekly.day"
                ),
                refused(
                    "\(kind) of the 32nd",
                    kind,
                    "policy: {monthly: {date: 32, time: 8:05PM}}",
                    "policy.monthly.date"
                ),
            ]
        }

    private static let others: [Self] = [
        accepted(
            "a rule",
            "Rule",
            "rules: [{podSelector: {a: b}, actions: [{type: command, value: sync}]}]"
        ),
        accepted(
            "a rule that waits",
            "Rule",
            "rules: [{actions: [{type: command, background: true, value: 'lock; ${WAIT_CMD}'}]}]"
        ),
        refused(
            "a rule of another type",
            "Rule",
            "rules: [{actions: [{type: script, value: a}]}]",
            "rules[0].actions[0].type"
        ),
        against(
            "must hold ${WAIT_CMD}",
            "a rule that does not wait",
            "Rule",
            "rules: [{actions: [{type: command, background: true, value: lock}]}]"
        ),
        accepted(
            "a transformation",
            "ResourceTransformation",
            """
            specs:
              transformSpecs:
              - resource: /v1/Service
                paths: [{path: spec.type, value: NodePort, type: string, operation: modify}]
              - resource: apps/v1/Deployment
                paths: [{path: spec.replicas, operation: delete}]
            """
        ),
        refused(
            "a transformation by patch",
            "ResourceTransformation",
            "specs: {transformSpecs: [{resource: /v1/Service, paths: [{path: a, value: b, operation: jsonpatch}]}]}",
            "operation"
        ),
        refused(
            "a transformation of half a kind",
            "ResourceTransformation",
            "specs: {transformSpecs: [{resource: Service}]}",
            "specs.transformSpecs[0].resource"
        ),
        against(
            "value is needed",
            "a transformation without a value",
            "ResourceTransformation",
            "specs: {transformSpecs: [{resource: /v1/Service, paths: [{path: a, operation: add}]}]}"
        ),
        accepted(
            "a failover",
            "Action",
            """
            spec:
              actionType: failover
              actionParameter: {failoverParameter: {migrationScheduleReference: one}}
            """
        ),
        against(
            "actionParameter needs the part",
            "a failback with the part of a failover",
            "Action",
            """
            spec:
              actionType: failback
              actionParameter: {failoverParameter: {migrationScheduleReference: one}}
            """
        ),
        against(
            "a RecoveryPoint says what was",
            "a recovery point of something else",
            "RecoveryPoint",
            "spec: {migration: b, time: '2026-01-01T00:00:00Z', group: g, volumes: []}",
            over: "spec: {migration: a, time: '2026-01-01T00:00:00Z', group: g, volumes: []}"
        ),
        against(
            "an Action cannot be changed",
            "a failover of something else",
            "Action",
            """
            spec:
              actionType: failover
              actionParameter: {failoverParameter: {migrationScheduleReference: other}}
            """,
            over: """
                spec:
                  actionType: failover
                  actionParameter: {failoverParameter: {migrationScheduleReference: one}}
                """
        ),
    ]
}
