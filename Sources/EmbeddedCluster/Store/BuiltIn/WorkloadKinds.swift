// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel

extension BuiltInKinds {
    static let workloads: [ServedKind] = [
        Self.deployment, Self.statefulSet, Self.daemonSet, Self.replicaSet, Self.job, Self.cronJob,
    ]

    static let pod = Self.kind(
        "v1",
        "Pod",
        "pods",
        PodCells.columns,
        Shapes.object(["spec": Shapes.podSpec, "status": Shapes.status]),
        FieldRules(
            defaults: [
                ("spec.restartPolicy", "Always"), ("spec.dnsPolicy", "ClusterFirst"),
                ("status.phase", "Pending"),
            ],
            causes: { object, former in
                WorkloadRules.containers(object["spec"], "spec")
                    + WorkloadRules.podChanges(object, former)
            }
        )
    ) {
        $0.short = ["po"]
        $0.categories = ["all"]
        $0.hasStatus = true
        $0.selectable = [
            "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
            "status.phase", "status.podIP", "status.nominatedNodeName",
        ]
    }

    /// What kinds with a selector and a template of pods have in common.
    private static func workload(
        _ short: [String],
        hasScale: Bool = true
    ) -> (inout Options) -> Void {
        {
            $0.short = short
            $0.categories = ["all"]
            $0.hasStatus = true
            $0.hasGeneration = true
            $0.scale = hasScale ? ServedKind.Scale() : nil
        }
    }

    private static func rules(
        _ defaults: [(String, JSON)],
        causes: @escaping @Sendable (KubeObject, KubeObject?) -> [APIStatus.Cause] = { _, _ in [] }
    ) -> FieldRules {
        FieldRules(
            required: ["spec.selector"],
            immutable: ["spec.selector"],
            defaults: defaults,
            counts: ["spec.replicas", "spec.minReadySeconds", "spec.revisionHistoryLimit"],
            causes: { object, former in
                WorkloadRules.template(object) + causes(object, former)
            }
        )
    }

    private static let deployment = Self.kind(
        "apps/v1",
        "Deployment",
        "deployments",
        [
            Cells.name, PodCells.ready("spec.replicas", "status.readyReplicas"),
            Cells.count("Up-to-date", "status.updatedReplicas"),
            Cells.count("Available", "status.availableReplicas"), Cells.age,
        ] + Cells.workload("spec.template"),
        Shapes.workload,
        Self.rules([
            ("spec.replicas", 1), ("spec.revisionHistoryLimit", 10),
            ("spec.progressDeadlineSeconds", 600), ("spec.strategy.type", "RollingUpdate"),
        ]),
        Self.workload(["deploy"])
    )

    private static let statefulSet = Self.kind(
        "apps/v1",
        "StatefulSet",
        "statefulsets",
        [Cells.name, PodCells.ready("spec.replicas", "status.readyReplicas"), Cells.age]
            + Cells.workload("spec.template", hasSelector: false),
        Shapes.workload,
        Self.rules(
            [
                ("spec.replicas", 1), ("spec.revisionHistoryLimit", 10),
                ("spec.podManagementPolicy", "OrderedReady"),
                ("spec.updateStrategy.type", "RollingUpdate"),
            ],
            causes: { object, former in WorkloadRules.statefulSetChanges(object, former) }
        ),
        Self.workload(["sts"])
    )

    private static let daemonSet = Self.kind(
        "apps/v1",
        "DaemonSet",
        "daemonsets",
        [
            Cells.name, Cells.count("Desired", "status.desiredNumberScheduled"),
            Cells.count("Current", "status.currentNumberScheduled"),
            Cells.count("Ready", "status.numberReady"),
            Cells.count("Up-to-date", "status.updatedNumberScheduled"),
            Cells.count("Available", "status.numberAvailable"),
            Cells.selector("Node Selector", "spec.template.spec.nodeSelector", wide: false),
            Cells.age,
        ] + Cells.workload("spec.template"),
        Shapes.workload,
        Self.rules([
            ("spec.revisionHistoryLimit", 10), ("spec.updateStrategy.type", "RollingUpdate"),
        ]),
        Self.workload(["ds"], hasScale: false)
    )

    private static let replicaSet = Self.kind(
        "apps/v1",
        "ReplicaSet",
        "replicasets",
        [
            Cells.name, Cells.count("Desired", "spec.replicas"),
            Cells.count("Current", "status.replicas"), Cells.count("Ready", "status.readyReplicas"),
            Cells.age,
        ] + Cells.workload("spec.template"),
        Shapes.workload,
        Self.rules([("spec.replicas", 1)]),
        Self.workload(["rs"])
    )

    private static let job = Self.kind(
        "batch/v1",
        "Job",
        "jobs",
        [
            Cells.name, KindColumn("Status") { object, _ in JobCells.status(object) },
            KindColumn("Completions") { object, _ in JobCells.completions(object) },
            KindColumn("Duration") { object, now in JobCells.duration(object, now) }, Cells.age,
        ] + Cells.workload("spec.template"),
        Shapes.workload,
        FieldRules(
            defaults: [
                ("spec.parallelism", 1), ("spec.completions", 1), ("spec.backoffLimit", 6),
                ("spec.completionMode", "NonIndexed"), ("spec.suspend", false),
            ],
            counts: ["spec.parallelism", "spec.completions", "spec.backoffLimit"],
            causes: { object, former in
                WorkloadRules.containers(object["spec", "template", "spec"], "spec.template.spec")
                    + WorkloadRules.restarts(object, "spec.template.spec")
                    + WorkloadRules.jobChanges(object, former)
            }
        )
    ) {
        $0.categories = ["all"]
        $0.hasStatus = true
        $0.hasGeneration = true
        $0.selectable = ["status.successful"]
    }

    private static let cronJob = Self.kind(
        "batch/v1",
        "CronJob",
        "cronjobs",
        [
            Cells.name, Cells.text("Schedule", "spec.schedule"),
            Cells.text("Timezone", "spec.timeZone", absent: Cells.none),
            KindColumn("Suspend") { object, _ in
                .string(object["spec", "suspend"] == true ? "True" : "False")
            },
            Cells.entries("Active", "status.active"),
            Cells.since("Last Schedule", absent: Cells.none) {
                $0["status", "lastScheduleTime"]?.string
            },
            Cells.age,
        ] + Cells.workload("spec.jobTemplate.spec.template", hasSelector: false),
        Shapes.object([
            "spec": Shapes.fields([
                "jobTemplate": Shapes.fields([
                    "metadata": Shapes.metadata,
                    "spec": Shapes.fields([
                        "selector": Shapes.whole, "template": Shapes.podTemplate,
                    ]),
                ])
            ])
        ]),
        FieldRules(
            required: ["spec.schedule", "spec.jobTemplate"],
            defaults: [
                ("spec.concurrencyPolicy", "Allow"), ("spec.suspend", false),
                ("spec.successfulJobsHistoryLimit", 3), ("spec.failedJobsHistoryLimit", 1),
            ],
            words: [("spec.concurrencyPolicy", ["Allow", "Forbid", "Replace"])],
            causes: { object, _ in
                let path = "spec.jobTemplate.spec.template.spec"
                let spec = object["spec", "jobTemplate", "spec", "template", "spec"]
                return WorkloadRules.containers(spec, path) + WorkloadRules.restarts(object, path)
            }
        )
    ) {
        $0.short = ["cj"]
        $0.categories = ["all"]
        $0.hasStatus = true
        $0.hasGeneration = true
    }
}
