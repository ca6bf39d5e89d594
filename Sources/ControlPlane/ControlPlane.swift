// SPDX-License-Identifier: Apache-2.0

public import AgentAPI
public import Kinds
public import KubernetesClient
public import Logging
import ObjectModel

/// What a control plane may do and how much at once.
public struct ControlPlaneOptions: Sendable {
    /// The namespace whose Migrations may move any namespace.
    public var adminNamespace = StorkNames.defaultAdminNamespace
    /// Objects of each kind that are looked at at once.
    public var workers = 10
    /// Whether Migrations move service accounts too, as later releases of Stork do.
    public var movesServiceAccounts = false
    /// Of the times of policies that name no zone.
    public var zone = ScheduleZone.utc
    /// What the kubeconfig of a ClusterPair may make this process do: nothing, unless whoever runs
    /// it trusts everybody who may create a ClusterPair.
    public var kubeconfigPermissions: Kubeconfig.Permissions = []
    /// How the commands of Rules are run.
    public var rules = RuleExecution.inPods
    /// How long a command of a Rule may take before it counts as a hang.
    public var ruleTimeout = Duration.seconds(300)

    /// The defaults.
    public init() {}
}

/// The controllers of one cluster.
///
/// Everything they know is in the cluster and in the storage: killed at any instant and started
/// again, on this machine or another, they come to the same end.
public struct ControlPlane: Sendable {
    private let client: KubernetesClient
    private let driver: any VolumeDriver
    private let options: ControlPlaneOptions
    private let environment: ControllerEnvironment
    private let identity: String

    /// Controllers that do nothing until ``run(onReady:)``.
    ///
    /// - Parameters:
    ///   - client: of the cluster whose objects they look after.
    ///   - driver: moves volumes.
    ///   - options: what they may do.
    ///   - identity: of this process, in events.
    ///   - logger: for what goes wrong.
    ///   - statistics: counts what they do.
    public init(
        client: KubernetesClient,
        driver: any VolumeDriver,
        options: ControlPlaneOptions = ControlPlaneOptions(),
        identity: String,
        logger: Logger,
        statistics: ControlPlaneStatistics = ControlPlaneStatistics()
    ) {
        self.client = client
        self.driver = driver
        self.options = options
        self.identity = identity
        let clocks = client.environment
        let origin = clocks.instant()
        self.environment = ControllerEnvironment(
            now: clocks.now,
            elapsed: { clocks.instant() - origin },
            wait: clocks.wait,
            jitter: clocks.jitter,
            logger: logger,
            statistics: statistics
        )
        statistics.watch(client)
    }

    /// Works until the task is cancelled.
    ///
    /// - Parameter onReady: called once, when the objects that there are have been read.
    /// - Throws: `CancellationError` where it is cancelled before that.
    public func run(onReady: @escaping @Sendable () -> Void = {}) async throws {
        let parts = Parts(
            self.client,
            self.options,
            self.environment,
            EventRecorder(self.client, instance: self.identity)
        )
        let remotes = RemoteClusters(
            make: RemoteClusters.maker(
                environment: self.client.environment,
                permissions: self.options.kubeconfigPermissions,
                tally: self.environment.statistics.remote
            )
        )
        let result: Result<Void, any Error>
        do { result = .success(try await self.work(parts, remotes, onReady)) } catch {
            result = .failure(error)
        }
        await remotes.shutdown()
        try result.get()
    }

    /// Whether a cluster is one that controllers can look after.
    ///
    /// - Throws: `APIError`: the cluster cannot be reached, does not let us in, or lacks the kinds.
    public static func check(_ client: KubernetesClient) async throws(APIError) {
        for resource in [
            StorkResource.clusterPairs, StorkResource.migrations,
            StorkResource.resourceTransformations, StorkResource.migrationSchedules,
            StorkResource.schedulePolicies, StorkResource.namespacedSchedulePolicies,
            StorkResource.actions, StorkResource.recoveryPoints,
        ] {
            do { _ = try await client.list(resource, limit: 1) } catch {
                guard error.reason != .notFound else {
                    throw APIError(
                        .invalidConfiguration,
                        "The cluster at \(client.connection.server) does not know "
                            + "\(resource.qualifiedPlural).",
                        try: "godwit-controller crds | kubectl apply -f -"
                    )
                }
                // What passes is waited for: controllers often start together with their cluster.
                guard !error.isRetryable else { return }
                throw APIError(
                    .invalidConfiguration,
                    "The cluster at \(client.connection.server) cannot be looked after.",
                    cause: "\(error)",
                    try: "give a kubeconfig whose user may do what deploy/ grants the controllers"
                )
            }
        }
    }

    private func work(
        _ parts: Parts,
        _ remotes: RemoteClusters,
        _ onReady: @escaping @Sendable () -> Void
    ) async throws {
        let loops = self.migrating(parts, remotes) + self.failingOver(parts, remotes)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await parts.events.run() }
            for reflector in parts.reflectors { group.addTask { await reflector.run() } }
            group.addTask {
                // Before, an object that is there would be taken for one that is gone.
                for reflector in parts.reflectors { try await reflector.waitUntilSynced() }
                onReady()
                await withDiscardingTaskGroup { group in
                    for loop in loops { group.addTask { await loop() } }
                }
            }
            try await group.waitForAll()
        }
    }

    /// What works until it is cancelled.
    private typealias Loop = @Sendable () async -> Void

    /// The controllers of pairs, transformations, Migrations and their schedules.
    private func migrating(_ parts: Parts, _ remotes: RemoteClusters) -> [Loop] {
        let pairs = ClusterPairController(
            shell: parts.shell(of: StorkResource.clusterPairs, parts.pairs),
            driver: self.driver,
            remotes: remotes
        )
        let copies = parts.copies(remotes)
        let schedules = ScheduleController(
            shell: parts.shell(of: StorkResource.migrationSchedules, parts.schedules.schedules),
            observer: parts.scheduleObserver(zone: self.options.zone),
            copies: copies
        )
        let migrations = MigrationController(
            shell: parts.shell(of: StorkResource.migrations, parts.migrations),
            observer: parts.observer(adminNamespace: self.options.adminNamespace),
            driver: self.driver,
            remotes: remotes,
            mover: ClusterMover(source: self.client, driver: self.driver),
            rules: RuleEngine(
                cluster: self.client,
                runner: self.options.rules.runner(over: self.client),
                limits: RuleLimits(timeout: self.options.ruleTimeout),
                wait: self.environment.wait
            ),
            movesServiceAccounts: self.options.movesServiceAccounts,
            doubt: { key in
                pairs.doubt(key)
                parts.pairQueue.enqueue(key)
            },
            obstacle: { try await copies.obstacle(to: $0) }
        )
        let transformations = TransformationController(
            shell: parts.shell(of: StorkResource.resourceTransformations, parts.transformations),
            cluster: self.client
        )
        return [
            { await parts.schedules.run(schedules, self.client) },
            { await parts.pairQueue.run { try await pairs.reconcile($0) } },
            { await parts.transformationQueue.run { try await transformations.reconcile($0) } },
            { await parts.migrationQueue.run { try await migrations.reconcile($0) } },
        ]
    }

    /// The controller of Actions, and what keeps a source quiet whose applications run elsewhere.
    private func failingOver(_ parts: Parts, _ remotes: RemoteClusters) -> [Loop] {
        let actions = ActionController(
            shell: parts.shell(of: StorkResource.actions, parts.actions.actions),
            driver: self.driver,
            remotes: remotes,
            local: self.client,
            zone: self.options.zone
        )
        let fence = SourceFence(
            shell: parts.shell(of: StorkResource.migrationSchedules, parts.schedules.schedules),
            driver: self.driver,
            remotes: remotes,
            local: self.client
        )
        let points = RecoveryPointController(
            shell: parts.shell(of: StorkResource.recoveryPoints, parts.points.points),
            driver: self.driver,
            index: parts.points.index,
            actions: { parts.actions.actions.objects }
        )
        return [
            { await parts.points.queue.run { try await points.reconcile($0) } },
            { await parts.actions.queue.run { try await actions.reconcile($0) } },
            { await parts.schedules.fences.run { try await fence.reconcile($0) } },
        ]
    }
}

/// What the controllers share: copies of the objects, the queues that changes go to, events.
private struct Parts: Sendable {
    let client: KubernetesClient
    let environment: ControllerEnvironment
    let events: EventRecorder
    let pairQueue: Controller
    let migrationQueue: Controller
    let transformationQueue: Controller
    let pairs: Reflector
    let migrations: Reflector
    let transformations: Reflector
    let actions: ActionParts
    let points: RecoveryPointParts
    let namespaces: Reflector
    let schedules: ScheduleParts

    var reflectors: [Reflector] {
        [
            self.namespaces, self.pairs, self.transformations, self.migrations,
            self.actions.actions,
            self.points.points,
        ] + self.schedules.reflectors
    }

    init(
        _ client: KubernetesClient,
        _ options: ControlPlaneOptions,
        _ environment: ControllerEnvironment,
        _ events: EventRecorder
    ) {
        self.client = client
        self.environment = environment
        self.events = events
        let workers = options.workers
        func queue(_ name: String) -> Controller {
            Controller(name, workers: workers, environment: environment)
        }
        let pairQueue = queue("clusterpair")
        let migrationQueue = queue("migration")
        let transformationQueue = queue("resourcetransformation")
        self.pairQueue = pairQueue
        self.migrationQueue = migrationQueue
        self.transformationQueue = transformationQueue
        let log = environment.watchFailed
        self.namespaces = Reflector(client, BuiltIn.namespaces, onTrouble: log)
        self.actions = ActionParts(client, workers: workers, environment, Self.bare)
        self.points = RecoveryPointParts(client, workers: workers, environment, Self.bare)
        let schedules = ScheduleParts(client, workers: workers, environment, Self.bare)
        self.schedules = schedules
        let migrations = Reflector(
            client,
            StorkResource.migrations,
            onChange: { change in
                migrationQueue.enqueue(change.key)
                schedules.changed(migration: change.object)
            },
            onTrouble: log,
            transform: Self.bare
        )
        self.migrations = migrations
        self.transformations = Reflector(
            client,
            StorkResource.resourceTransformations,
            onChange: { change in
                transformationQueue.enqueue(change.key)
                for migration in migrations.objects
                where Self.waits(migration, forTransformation: change.key) {
                    migrationQueue.enqueue(migration.key)
                }
            },
            onTrouble: log,
            transform: Self.bare
        )
        self.pairs = Reflector(
            client,
            StorkResource.clusterPairs,
            onChange: { change in
                pairQueue.enqueue(change.key)
                schedules.changed(pair: change.key)
                // Those that wait for it need not sleep out their ten seconds.
                for migration in migrations.objects where Self.waits(migration, for: change.key) {
                    migrationQueue.enqueue(migration.key)
                }
            },
            onTrouble: log,
            transform: Self.bare
        )
    }

    /// Without what nobody here reads and what is half of the memory.
    private static func bare(_ object: KubeObject) -> KubeObject {
        var object = object
        object.set(nil, at: "metadata", "managedFields")
        return object
    }

    /// Of all Migrations, at each change of each pair: the two fields that tell most apart come first.
    private static func waits(_ migration: KubeObject, for pair: ObjectKey) -> Bool {
        guard Self.goesOn(migration), let spec = migration["spec"] else { return false }
        return spec["adminClusterPair"]?.string == pair.name
            || spec["clusterPair"]?.string == pair.name && migration.namespace == pair.namespace
    }

    private static func waits(_ migration: KubeObject, forTransformation key: ObjectKey) -> Bool {
        migration.namespace == key.namespace && Self.goesOn(migration)
            && MigrationSpec(migration["spec"]).transformSpecs.contains(key.name)
    }

    private static func goesOn(_ migration: KubeObject) -> Bool {
        migration["status", "stage"]?.string != MigrationStage.final.rawValue
    }

    func shell(of resource: APIResource, _ reflector: Reflector) -> ControllerShell {
        let events = self.events
        return ControllerShell(
            cluster: self.client,
            resource: resource,
            environment: self.environment,
            told: { reflector.object($0) },
            allTold: { reflector.objects },
            record: { object, notice in
                events.record(
                    notice.isWarning ? .warning : .normal,
                    notice.reason,
                    notice.message,
                    about: object
                )
            }
        )
    }

    func copies(_ remotes: RemoteClusters) -> StandbyCopies {
        let pairs = self.pairs
        return StandbyCopies(
            cluster: self.client,
            remotes: remotes,
            pair: { pairs.object($0) }
        )
    }

    func scheduleObserver(zone: ScheduleZone) -> ScheduleObserver {
        let (migrations, pairs, schedules) = (self.migrations, self.pairs, self.schedules)
        return ScheduleObserver(
            cluster: self.client,
            migration: { migrations.object($0) },
            pair: { pairs.object($0) },
            namespacedPolicy: { schedules.namespacedPolicies.object($0) },
            policy: { schedules.policies.object($0) },
            zone: zone
        )
    }

    func observer(adminNamespace: String) -> MigrationObserver {
        let (pairs, namespaces) = (self.pairs, self.namespaces)
        return MigrationObserver(
            cluster: self.client,
            pair: { pairs.object($0) },
            namespace: { namespaces.object(ObjectKey("", $0)) },
            namespaces: { namespaces.objects },
            adminNamespace: adminNamespace
        )
    }
}
