// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// The policies that are there from the start.
///
/// What a person has made of them stays, with one exception: Stork once made an interval of a minute,
/// which later became half an hour.
struct DefaultPolicies: Sendable {
    private static let migration = "default-migration-policy"
    private static let formerInterval = 1

    private static let all: [(name: String, policy: JSON)] = [
        (Self.migration, ["interval": ["intervalMinutes": 30]]),
        ("default-interval-policy", ["interval": ["intervalMinutes": 15, "retain": 10]]),
        ("default-daily-policy", ["daily": ["time": "12:00am", "retain": 7]]),
        (
            "default-weekly-policy",
            ["weekly": ["day": "Sunday", "time": "12:00am", "retain": 4]]
        ),
        ("default-monthly-policy", ["monthly": ["date": 15, "time": "12:00am", "retain": 12]]),
    ]

    let cluster: any ClusterAccess
    /// The SchedulePolicies as the watch has told.
    let told: @Sendable (ObjectKey) -> KubeObject?

    /// Makes those that are missing; several processes may do it at once.
    func ensure() async throws(ClusterError) {
        let resource = StorkResource.schedulePolicies
        for (name, policy) in Self.all {
            let key = ObjectKey("", name)
            guard let found = self.told(key) else {
                let object = KubeObject(resource.groupVersionKind, key, ["policy": policy])
                do {
                    _ = try await self.cluster.make(
                        resource,
                        object,
                        manager: ScheduleController.manager
                    )
                } catch {
                    guard error.reason == .alreadyExists else { throw error }
                }
                continue
            }
            guard name == Self.migration,
                found["policy", "interval", "intervalMinutes"]?.int == Self.formerInterval
            else { continue }
            _ = try await self.cluster.merge(
                resource,
                key,
                [
                    "metadata": ["resourceVersion": .string(found.resourceVersion)],
                    "policy": policy,
                ],
                isStatus: false,
                manager: ScheduleController.manager
            )
        }
    }
}
