// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// What a decision says of one condition; the time of its change is the shell's.
struct Finding: Hashable, Sendable {
    /// What it is about, such as `Succeeded`.
    var type: String
    /// Whether it holds; unknown while work goes on, or waits.
    var status: Condition.Status
    /// One word in camel case, for programs.
    var reason: String
    /// One or two sentences, for people.
    var message: String

    init(_ type: String, _ status: Condition.Status, _ reason: String, _ message: String) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
    }
}

extension [Condition] {
    /// Puts a finding in; equal to before where nothing changed.
    mutating func set(_ finding: Finding, generation: Int, now: Timestamp) {
        self.set(
            finding.type,
            finding.status,
            reason: finding.reason,
            message: finding.message,
            generation: generation,
            now: now
        )
    }
}

extension KubeObject {
    /// The number of its specification: changed by each change of that.
    var generation: Int { self["metadata", "generation"]?.int ?? 0 }
}

/// The types of conditions that the controllers set.
enum ConditionType {
    static let ready = "Ready"
    static let storageReady = "StorageReady"
    static let schedulerReady = "SchedulerReady"
    static let succeeded = "Succeeded"
    static let available = "Available"
    static let fenced = "Fenced"
    /// Of an Action: whether anything was changed in the other cluster.
    static let otherSideChanged = "OtherSideChanged"
    /// Of an Action: whether the other cluster answered when it was asked last.
    static let otherSideAnswers = "OtherSideAnswers"
    static let recoveryPointMet = "RecoveryPointMet"
    static let staticCopyReady = "StaticCopyReady"
}
