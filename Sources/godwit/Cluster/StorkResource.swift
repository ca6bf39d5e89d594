// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// The resources that the command line names itself; all others come from discovery.
enum StorkResource {
    static let clusterPairs = APIResource(
        StorkNames.groupVersion,
        "ClusterPair",
        plural: "clusterpairs"
    )
    static let migrations = APIResource(StorkNames.groupVersion, "Migration", plural: "migrations")
    static let schedulePolicies = APIResource(
        StorkNames.groupVersion,
        "SchedulePolicy",
        plural: "schedulepolicies",
        isNamespaced: false
    )
    static let namespacedSchedulePolicies = APIResource(
        StorkNames.groupVersion,
        "NamespacedSchedulePolicy",
        plural: "namespacedschedulepolicies"
    )
    static let migrationSchedules = APIResource(
        StorkNames.groupVersion,
        "MigrationSchedule",
        plural: "migrationschedules"
    )
    static let actions = APIResource(StorkNames.groupVersion, "Action", plural: "actions")
    static let recoveryPoints = APIResource(
        StorkNames.groupVersion,
        "RecoveryPoint",
        plural: "recoverypoints"
    )
    static let rules = APIResource(StorkNames.groupVersion, "Rule", plural: "rules")
    static let namespaces = APIResource(
        GroupVersion("", "v1"),
        "Namespace",
        plural: "namespaces",
        isNamespaced: false
    )
    static let events = APIResource(GroupVersion("", "v1"), "Event", plural: "events")
}
