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
    static let rules = APIResource(StorkNames.groupVersion, "Rule", plural: "rules")
    static let namespaces = APIResource(
        GroupVersion("", "v1"),
        "Namespace",
        plural: "namespaces",
        isNamespaced: false
    )
    static let events = APIResource(GroupVersion("", "v1"), "Event", plural: "events")
}
