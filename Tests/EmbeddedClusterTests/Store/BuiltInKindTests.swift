// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import Foundation
import ObjectModel
import Testing

@Suite struct BuiltInKindTests {
    private static let template: JSON = [
        "metadata": ["labels": ["app": "a"]],
        "spec": ["containers": [["name": "c", "image": "i:1"]]],
    ]
    private static let workload: JSON = [
        "spec": ["selector": ["matchLabels": ["app": "a"]], "template": Self.template]
    ]
    private static let once: JSON = [
        "spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": "i:1"]]]
    ]

    /// Each kind with what a small object of it needs, and what `kubectl get` shows of that.
    private static let table: [(String, String, JSON, String)] = [
        ("v1", "namespaces", [:], "Status=Active Age=0s"),
        (
            "v1", "pods", ["spec": ["containers": [["name": "c", "image": "i:1"]]]],
            "Ready=0/1 Status=Pending Restarts=0 Age=0s"
        ),
        ("v1", "configmaps", ["data": ["a": "1", "b": "2"]], "Data=2 Age=0s"),
        ("v1", "secrets", ["stringData": ["a": "1"]], "Type=Opaque Data=1 Age=0s"),
        (
            "v1", "services",
            ["spec": ["clusterIP": "10.96.0.10", "ports": [["port": 80]], "selector": ["a": "b"]]],
            "Type=ClusterIP Cluster-IP=10.96.0.10 External-IP=<none> Port(s)=80/TCP Age=0s"
        ),
        (
            "v1", "endpoints",
            ["subsets": [["addresses": [["ip": "1.2.3.4"]], "ports": [["port": 80]]]]],
            "Endpoints=1.2.3.4:80 Age=0s"
        ),
        ("v1", "serviceaccounts", [:], "Secrets=0 Age=0s"),
        (
            "v1", "events",
            [
                "involvedObject": ["kind": "Pod", "name": "p", "namespace": "default"],
                "type": "Normal", "reason": "Ran", "message": "it ran ",
            ],
            "Last Seen=0s Type=Normal Reason=Ran Object=pod/p Message=it ran"
        ),
        (
            "v1", "resourcequotas", ["spec": ["hard": ["pods": "4", "limits.cpu": "2"]]],
            "Request=pods: 0/4 Limit=limits.cpu: 0/2 Age=0s"
        ),
        ("v1", "limitranges", [:], "Created At=2027-01-15T08:00:00Z"),
        (
            "v1", "persistentvolumes",
            [
                "spec": [
                    "capacity": ["storage": "1Gi"], "storageClassName": "fast",
                    "accessModes": ["ReadWriteOnce", "ReadWriteMany"], "nfs": ["server": "s"],
                    "claimRef": ["namespace": "default", "name": "c"],
                ]
            ],
            "Capacity=1Gi Access Modes=RWO,RWX Reclaim Policy=Retain Status=Pending "
                + "Claim=default/c StorageClass=fast VolumeAttributesClass=<unset> Reason= Age=0s"
        ),
        (
            "v1", "persistentvolumeclaims",
            [
                "spec": [
                    "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]],
                ]
            ],
            "Status=Pending Volume= Capacity= Access Modes= StorageClass= "
                + "VolumeAttributesClass=<unset> Age=0s"
        ),
        (
            "storage.k8s.io/v1", "storageclasses", ["provisioner": "p"],
            "Provisioner=p ReclaimPolicy=Delete VolumeBindingMode=Immediate "
                + "AllowVolumeExpansion=false Age=0s"
        ),
        ("apps/v1", "deployments", Self.workload, "Ready=0/1 Up-to-date=0 Available=0 Age=0s"),
        ("apps/v1", "statefulsets", Self.workload, "Ready=0/1 Age=0s"),
        (
            "apps/v1", "daemonsets", Self.workload,
            "Desired=0 Current=0 Ready=0 Up-to-date=0 Available=0 Node Selector=<none> Age=0s"
        ),
        ("apps/v1", "replicasets", Self.workload, "Desired=1 Current=0 Ready=0 Age=0s"),
        (
            "batch/v1", "jobs", ["spec": ["template": Self.once]],
            "Status=Running Completions=0/1 Duration= Age=0s"
        ),
        (
            "batch/v1", "cronjobs",
            [
                "spec": [
                    "schedule": "* * * * *", "jobTemplate": ["spec": ["template": Self.once]],
                ]
            ],
            "Schedule=* * * * * Timezone=<none> Suspend=False Active=0 Last Schedule=<none> Age=0s"
        ),
        ("rbac.authorization.k8s.io/v1", "roles", [:], "Created At=2027-01-15T08:00:00Z"),
        ("rbac.authorization.k8s.io/v1", "clusterroles", [:], "Created At=2027-01-15T08:00:00Z"),
        (
            "rbac.authorization.k8s.io/v1", "rolebindings",
            ["roleRef": ["kind": "Role", "name": "r"]], "Role=Role/r Age=0s"
        ),
        (
            "rbac.authorization.k8s.io/v1", "clusterrolebindings",
            ["roleRef": ["kind": "ClusterRole", "name": "r"]], "Role=ClusterRole/r Age=0s"
        ),
        (
            "networking.k8s.io/v1", "ingresses",
            ["spec": ["rules": [["host": "a.io"]], "tls": [[:]]]],
            "Class=<none> Hosts=a.io Address= Ports=80, 443 Age=0s"
        ),
        (
            "networking.k8s.io/v1", "networkpolicies",
            ["spec": ["podSelector": ["matchLabels": ["app": "a"]]]], "Pod-Selector=app=a Age=0s"
        ),
        (
            "policy/v1", "poddisruptionbudgets", ["spec": ["minAvailable": 1]],
            "Min Available=1 Max Unavailable=N/A Allowed Disruptions=0 Age=0s"
        ),
        (
            "scheduling.k8s.io/v1", "priorityclasses", ["value": 7],
            "Value=7 Global-Default=false Age=0s PreemptionPolicy=PreemptLowerPriority"
        ),
        (
            "coordination.k8s.io/v1", "leases", ["spec": ["holderIdentity": "me"]],
            "Holder=me Age=0s"
        ),
        (
            "admissionregistration.k8s.io/v1", "validatingwebhookconfigurations",
            ["webhooks": [["name": "a"]]], "Webhooks=1 Age=0s"
        ),
        (
            "admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations",
            ["webhooks": [["name": "a"]]], "Webhooks=1 Age=0s"
        ),
    ]

    @Test(arguments: Self.table.indices)
    func aSmallObjectIsTakenAndShown(index: Int) async throws {
        let (version, plural, fields, shown) = Self.table[index]
        let bed = try await StoreBed()
        let kind = try bed.kind(version, plural)
        let object = try await bed.create(
            kind,
            fields.merged(with: ["metadata": ["name": "small"]])
        )
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        let cells = kind.columns.filter { $0.priority == 0 }
            .map { column -> String in
                let cell = column.cell(object, now)
                return "\(column.name)=\(cell.string ?? cell.compact)"
            }
        let name = plural == "events" ? "" : "Name=small "
        #expect(cells.joined(separator: " ") == name + shown, "\(plural)")
        #expect(object.kind == kind.resource.kind)
    }

    @Test func everyBuiltInKindIsInTheTable() throws {
        let shown = Set(Self.table.map { "\($0.0)/\($0.1)" })
        let served = Set(
            KindRegistry.builtIn.all.map { "\($0.resource.groupVersion)/\($0.resource.plural)" }
        )
        #expect(
            served.subtracting(shown) == [
                "apiextensions.k8s.io/v1/customresourcedefinitions"
            ]
        )
        #expect(shown.subtracting(served) == [])
    }

    @Test func wideColumnsShowContainers() async throws {
        let bed = try await StoreBed()
        let object = try await bed.create(bed.deployments, deployment("a"))
        let cells = try bed.deployments.columns.filter { $0.priority > 0 }
            .map { $0.cell(object, Date()) }
        #expect(cells == ["web", "nginx:1", "app=a"])
    }

    @Test(arguments: [
        (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (601, "10m"), (10_800, "3h"),
        (11_000, "3h3m"), (100_000, "27h"), (200_000, "2d7h"), (864_000, "10d"),
        (90_000_000, "2y311d"),
    ])
    func agesAreWordedAsKubectlWordsThem(seconds: Int, text: String) async throws {
        let bed = try await StoreBed()
        let object = try await bed.configMap("a")
        let age = try #require(try bed.configMaps.columns.last)
        let now = Date(timeIntervalSince1970: 1_800_000_000 + Double(seconds))
        #expect(age.cell(object, now).string == text)
    }

    private static let missing: [(String, String, JSON, String)] = [
        ("apps/v1", "deployments", [:], "spec.selector"),
        (
            "batch/v1", "jobs", ["spec": ["template": ["spec": ["containers": [["name": "c"]]]]]],
            "spec.template.spec.containers[0].image"
        ),
        ("batch/v1", "cronjobs", [:], "spec.schedule"),
        ("v1", "persistentvolumes", [:], "spec.capacity"),
        ("v1", "persistentvolumeclaims", [:], "spec.accessModes"),
        ("storage.k8s.io/v1", "storageclasses", [:], "provisioner"),
        ("rbac.authorization.k8s.io/v1", "rolebindings", [:], "roleRef.kind"),
        ("scheduling.k8s.io/v1", "priorityclasses", [:], "value"),
        ("networking.k8s.io/v1", "ingresses", [:], "spec"), ("v1", "services", [:], "spec.ports"),
        ("v1", "configmaps", ["data": ["a": 1]], "data[a]"),
    ]

    @Test(arguments: Self.missing)
    func whatIsMissingIsNamed(
        version: String,
        plural: String,
        fields: JSON,
        field: String
    ) async throws {
        let bed = try await StoreBed()
        let status = await status {
            try await bed.create(
                bed.kind(version, plural),
                fields.merged(with: ["metadata": ["name": "small"]])
            )
        }
        #expect(status?.reason == .invalid, "\(plural)")
        #expect(status?.causes.map(\.field).contains(field) == true, "\(status?.message ?? "")")
    }
}
