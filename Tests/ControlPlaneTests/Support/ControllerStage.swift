// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import Logging
import ObjectModel

@testable import ControlPlane

/// Controllers over a cluster and a storage in memory, with a clock that the test moves.
final class ControllerStage: Sendable {
    let cluster = FakeCluster()
    let driver = FakeDriver()
    let mover = FakeMover()
    /// No two of them are equal: a test ends one.
    static let limits = {
        var limits = RuleLimits()
        limits.command = .seconds(301)
        limits.reach = .seconds(302)
        limits.freeze = .seconds(303)
        limits.look = .seconds(304)
        return limits
    }()
    let runner = FakeRunner()
    let waits = RuleWaits()
    let notices = Locked<[Notice]>([])
    let seconds = Locked(1_000_000)
    /// The pairs that a Migration has asked to be looked at.
    let doubts = Locked<[ObjectKey]>([])

    private var environment: ControllerEnvironment {
        ControllerEnvironment(
            now: { [self] in Timestamp(seconds: self.seconds.withLock { $0 }) },
            elapsed: { [self] in .seconds(self.seconds.withLock { $0 }) },
            wait: { _ in },
            jitter: { 0 },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private func shell(_ resource: APIResource) -> ControllerShell {
        let cluster = self.cluster
        return ControllerShell(
            cluster: cluster,
            resource: resource,
            environment: self.environment,
            told: { cluster.find(resource, $0) },
            allTold: { cluster.everything(resource) },
            record: { _, notice in self.notices.withLock { $0.append(notice) } }
        )
    }

    private var remotes: RemoteClusters {
        RemoteClusters(
            make: RemoteClusters.maker(
                environment: ClientEnvironment.live(variables: [:]),
                permissions: []
            )
        )
    }

    /// A controller as a process has it after its start.
    func pairController() -> ClusterPairController {
        ClusterPairController(
            shell: self.shell(StorkResource.clusterPairs),
            driver: self.driver,
            remotes: self.remotes
        )
    }

    /// A controller as a process has it after its start.
    func migrationController() -> MigrationController {
        let cluster = self.cluster
        return MigrationController(
            shell: self.shell(StorkResource.migrations),
            observer: MigrationObserver(
                cluster: cluster,
                pair: { cluster.find(StorkResource.clusterPairs, $0) },
                namespace: { cluster.find(BuiltIn.namespaces, ObjectKey("", $0)) },
                namespaces: { cluster.everything(BuiltIn.namespaces) },
                adminNamespace: "kube-system"
            ),
            driver: self.driver,
            remotes: self.remotes,
            mover: self.mover,
            rules: RuleEngine(
                cluster: cluster,
                runner: self.runner,
                limits: Self.limits,
                wait: { [self] in try await self.waits.wait($0) }
            ),
            doubt: { [self] key in self.doubts.withLock { $0.append(key) } }
        )
    }

    /// A controller as a process has it after its start, which tries transformations elsewhere.
    func transformationController(trying cluster: any ResourceCluster) -> TransformationController {
        TransformationController(
            shell: self.shell(StorkResource.resourceTransformations),
            cluster: cluster
        )
    }

    /// A controller as a process has it after its start.
    func recoveryPointController(_ index: RecoveryPointIndex) -> RecoveryPointController {
        let cluster = self.cluster
        return RecoveryPointController(
            shell: self.shell(StorkResource.recoveryPoints),
            driver: self.driver,
            index: index,
            actions: { cluster.everything(StorkResource.actions) }
        )
    }

    /// A controller as a process has it after its start; the ClusterPairs lead nowhere.
    func scheduleController(zone: ScheduleZone = .utc) -> ScheduleController {
        let cluster = self.cluster
        return ScheduleController(
            shell: self.shell(StorkResource.migrationSchedules),
            observer: ScheduleObserver(
                cluster: cluster,
                migration: { cluster.find(StorkResource.migrations, $0) },
                pair: { _ in nil },
                namespacedPolicy: { cluster.find(StorkResource.namespacedSchedulePolicies, $0) },
                policy: { cluster.find(StorkResource.schedulePolicies, $0) },
                zone: zone
            ),
            copies: StandbyCopies(cluster: cluster, remotes: self.remotes, pair: { _ in nil })
        )
    }

    // MARK: What is there

    /// A namespace with a bound claim, and a pair that is Ready.
    func prepare(claims: [String] = ["data"]) {
        self.cluster.put(
            BuiltIn.namespaces,
            KubeObject(BuiltIn.namespaces.groupVersionKind, ObjectKey("", "db"))
        )
        for claim in claims {
            self.cluster.put(
                BuiltIn.volumes,
                KubeObject(
                    BuiltIn.volumes.groupVersionKind,
                    ObjectKey("", "pv-\(claim)"),
                    [
                        "spec": [
                            "csi": [
                                "driver": "pool.godwit.io", "volumeHandle": .string("pv-\(claim)"),
                            ],
                            "claimRef": ["namespace": "db", "name": .string(claim)],
                        ], "status": ["phase": "Bound"],
                    ]
                )
            )
            self.cluster.put(
                BuiltIn.claims,
                KubeObject(
                    BuiltIn.claims.groupVersionKind,
                    ObjectKey("db", claim),
                    [
                        "spec": ["volumeName": .string("pv-\(claim)")],
                        "status": ["phase": "Bound"],
                    ]
                )
            )
        }
        self.driver.state.withLock { _ = $0.paired.insert("remote") }
        self.putPair(storage: .ready)
    }

    func putPair(storage: PairStatus) {
        var status = ClusterPairStatus()
        status.storageStatus = storage
        status.schedulerStatus = .ready
        status.remoteStorageID = "remote"
        let spec = ClusterPairSpec(
            config: [
                "clusters": ["c": ["server": "https://127.0.0.1:1"]],
                "contexts": ["c": ["cluster": "c", "user": "u"]], "current-context": "c",
                "users": ["u": ["token": "t"]],
            ],
            options: ["ip": "127.0.0.1", "token": "t"]
        )
        self.cluster.put(
            StorkResource.clusterPairs,
            KubeObject(
                StorkResource.clusterPairs.groupVersionKind,
                ObjectKey("db", "remote"),
                ["spec": spec.json, "status": status.json]
            )
        )
    }

    func putMigration(_ change: (inout MigrationSpec) -> Void = { _ in }) {
        var spec = MigrationSpec()
        spec.clusterPair = "remote"
        spec.namespaces = ["db"]
        change(&spec)
        self.cluster.put(
            StorkResource.migrations,
            KubeObject(
                StorkResource.migrations.groupVersionKind,
                ObjectKey("db", "m"),
                ["spec": spec.json]
            )
        )
    }

    /// A Rule for the pods `app=db`: commands, and whether each stays in the background.
    func putRule(_ name: String, _ commands: [(String, Bool)]) {
        let actions = commands.map { command, isBackground -> JSON in
            ["type": "command", "background": .bool(isBackground), "value": .string(command)]
        }
        self.cluster.put(
            StorkResource.rules,
            KubeObject(
                StorkResource.rules.groupVersionKind,
                ObjectKey("db", name),
                ["rules": [["podSelector": ["app": "db"], "actions": .array(actions)]]]
            )
        )
    }

    /// A running pod `app=db`.
    func putPod(_ name: String) {
        var pod = KubeObject(
            BuiltIn.pods.groupVersionKind,
            ObjectKey("db", name),
            ["spec": ["containers": [["name": "main"]]], "status": ["phase": "Running"]]
        )
        pod.labels = ["app": "db"]
        self.cluster.put(BuiltIn.pods, pod)
    }

    /// Background commands that another process has noted on the Migration.
    func annotate(note: String) {
        self.cluster.state.withLock { state in
            state.objects["migrations db/m"]?
                .annotations = ["stork.libopenstorage.org/pods-with-running-cmds": note]
        }
    }

    var migration: MigrationStatus {
        MigrationStatus(
            self.cluster.find(StorkResource.migrations, ObjectKey("db", "m"))?["status"]
        )
    }

    func label(_ namespace: String, _ key: String, _ value: String) {
        var object = KubeObject(BuiltIn.namespaces.groupVersionKind, ObjectKey("", namespace))
        object.labels = [key: value]
        self.cluster.put(BuiltIn.namespaces, object)
    }

    func markDeleted(_ resource: APIResource, _ name: String) {
        self.cluster.state.withLock { state in
            state.objects["\(resource.plural) db/\(name)"]?
                .set("2026-01-01T00:00:00Z", at: "metadata", "deletionTimestamp")
        }
    }

    /// Looks at the Migration until nothing more is to be done now, or `limit` looks.
    func look(_ controller: MigrationController, limit: Int = 20) async throws {
        for _ in 0..<limit {
            let next = try await controller.reconcile(ObjectKey("db", "m"))
            guard case .after = next else { return }
            self.seconds.withLock { $0 += 10 }
        }
    }
}
