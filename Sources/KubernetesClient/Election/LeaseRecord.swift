// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// The specification of a Lease (coordination.k8s.io/v1).
struct LeaseRecord: Equatable, Sendable {
    /// Empty where nobody holds it.
    var holder = ""
    var durationSeconds = 0
    /// Times as they are written.
    var acquireTime = ""
    var renewTime = ""
    var transitions = 0

    var duration: Duration { .seconds(self.durationSeconds) }

    /// The record of an object; fields that are missing are empty.
    init(_ lease: KubeObject) {
        self.holder = lease["spec", "holderIdentity"]?.string ?? ""
        self.durationSeconds = lease["spec", "leaseDurationSeconds"]?.int ?? 0
        self.acquireTime = lease["spec", "acquireTime"]?.string ?? ""
        self.renewTime = lease["spec", "renewTime"]?.string ?? ""
        self.transitions = lease["spec", "leaseTransitions"]?.int ?? 0
    }

    init() {}

    var json: JSON {
        [
            "holderIdentity": .string(self.holder),
            "leaseDurationSeconds": JSON(self.durationSeconds),
            "acquireTime": .string(self.acquireTime), "renewTime": .string(self.renewTime),
            "leaseTransitions": JSON(self.transitions),
        ]
    }

    /// The kind.
    static let resource = APIResource(
        GroupVersion("coordination.k8s.io", "v1"),
        "Lease",
        plural: "leases"
    )
}
