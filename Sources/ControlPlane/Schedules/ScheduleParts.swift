// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Logging
import ObjectModel

/// What the controller of schedules runs on: copies of its objects and of policies, and a queue that
/// changes go to.
struct ScheduleParts: Sendable {
    let queue: Controller
    /// Of ``SourceFence``, which looks at the same objects.
    let fences: Controller
    let schedules: Reflector
    let policies: Reflector
    let namespacedPolicies: Reflector

    var reflectors: [Reflector] { [self.policies, self.namespacedPolicies, self.schedules] }

    init(
        _ client: KubernetesClient,
        workers: Int,
        _ environment: ControllerEnvironment,
        _ transform: @escaping @Sendable (KubeObject) -> KubeObject
    ) {
        let queue = Controller("migrationschedule", workers: workers, environment: environment)
        self.queue = queue
        let fences = Controller("fence", workers: workers, environment: environment)
        self.fences = fences
        let log = environment.watchFailed
        let schedules = Reflector(
            client,
            StorkResource.migrationSchedules,
            onChange: { change in
                queue.enqueue(change.key)
                fences.enqueue(change.key)
            },
            onTrouble: log,
            transform: transform
        )
        self.schedules = schedules
        self.policies = Reflector(
            client,
            StorkResource.schedulePolicies,
            onChange: { change in
                for schedule in schedules.objects where Self.uses(schedule, change.key.name) {
                    queue.enqueue(schedule.key)
                }
            },
            onTrouble: log,
            transform: transform
        )
        self.namespacedPolicies = Reflector(
            client,
            StorkResource.namespacedSchedulePolicies,
            onChange: { change in
                for schedule in schedules.objects
                where schedule.namespace == change.key.namespace
                    && Self.uses(schedule, change.key.name)
                {
                    queue.enqueue(schedule.key)
                }
            },
            onTrouble: log,
            transform: transform
        )
    }

    private static func uses(_ schedule: KubeObject, _ policy: String) -> Bool {
        schedule["spec", "schedulePolicyName"]?.string == policy
    }

    /// A Migration was made, has changed or is gone.
    func changed(migration: KubeObject) {
        let names = migration.annotations
        guard let name = StorkNames.Annotation.migrationScheduleName.value(in: names) else {
            return
        }
        self.queue.enqueue(ObjectKey(migration.namespace, name))
    }

    /// A ClusterPair has changed: a copy at its destination may be possible now.
    func changed(pair: ObjectKey) {
        for schedule in self.schedules.objects
        where schedule.namespace == pair.namespace
            && schedule["spec", "template", "spec", "clusterPair"]?.string == pair.name
        {
            self.queue.enqueue(schedule.key)
        }
    }

    /// The clock was set.
    func lookAtAll() { for schedule in self.schedules.objects { self.queue.enqueue(schedule.key) } }

    /// Makes what is missing of the default policies, and looks after schedules until the task is
    /// cancelled.
    func run(_ controller: ScheduleController, _ client: KubernetesClient) async {
        let (policies, environment) = (self.policies, self.queue.environment)
        let defaults = DefaultPolicies(cluster: client, told: { policies.object($0) })
        await withDiscardingTaskGroup { group in
            group.addTask {
                do { try await defaults.ensure() } catch {
                    environment.logger.warning(
                        "default policies were not made",
                        metadata: ["error": "\(error)"]
                    )
                }
            }
            group.addTask {
                await ClockWatch(environment: environment, onJump: { self.lookAtAll() }).run()
            }
            group.addTask { await self.queue.run { try await controller.reconcile($0) } }
        }
    }
}
