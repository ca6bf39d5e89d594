// SPDX-License-Identifier: Apache-2.0

package import ObjectModel

/// The kinds of the API group, as requests name them.
package enum StorkResource {
    package static let clusterPairs = APIResource(
        StorkNames.groupVersion,
        "ClusterPair",
        plural: "clusterpairs"
    )
    package static let migrations = APIResource(
        StorkNames.groupVersion,
        "Migration",
        plural: "migrations"
    )
    package static let migrationSchedules = APIResource(
        StorkNames.groupVersion,
        "MigrationSchedule",
        plural: "migrationschedules"
    )
    package static let actions = APIResource(StorkNames.groupVersion, "Action", plural: "actions")
    package static let recoveryPoints = APIResource(
        StorkNames.groupVersion,
        "RecoveryPoint",
        plural: "recoverypoints"
    )
    package static let schedulePolicies = APIResource(
        StorkNames.groupVersion,
        "SchedulePolicy",
        plural: "schedulepolicies",
        isNamespaced: false
    )
    package static let namespacedSchedulePolicies = APIResource(
        StorkNames.groupVersion,
        "NamespacedSchedulePolicy",
        plural: "namespacedschedulepolicies"
    )
    package static let registrations = APIResource(
        StorkNames.groupVersion,
        "ApplicationRegistration",
        plural: "applicationregistrations",
        isNamespaced: false
    )
    package static let rules = APIResource(StorkNames.groupVersion, "Rule", plural: "rules")
    package static let resourceTransformations = APIResource(
        StorkNames.groupVersion,
        "ResourceTransformation",
        plural: "resourcetransformations"
    )
}
