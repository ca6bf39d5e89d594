// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// Whether the copy at the destination is as new as the policy means it to be, and will be.
///
/// The next copy has to be there when the first run after the present one was due, and a time of grace
/// has passed in which it may begin, ship and commit.
struct RecoveryPointForecast: Sendable {
    /// The reasons of the condition, which are those of the events.
    enum Verdict: String, Hashable, Sendable {
        case met = "RecoveryPointMet"
        case atRisk = "RecoveryPointAtRisk"
        case missed = "RecoveryPointMissed"
        case none = "NoRecoveryPoint"
    }

    /// Of an interval it is the interval, and of no policy more than this, in seconds.
    static let longestGrace = 3_600

    private let policy: SchedulePolicy
    private let calendar: ScheduleCalendar
    private let now: Timestamp

    init(_ policy: SchedulePolicy, _ zone: ScheduleZone, _ now: Timestamp) {
        self.policy = policy
        self.calendar = ScheduleCalendar(policy, zone)
        self.now = now
    }

    private var grace: Int { min(self.policy.longestGap, Self.longestGrace) }

    /// When the copy after one of that time has to be there.
    private func deadline(after time: Timestamp) -> Timestamp? {
        let next = self.policy.types.compactMap { type in
            type == .interval
                ? self.policy.intervalMinutes.map { time.moved(bySeconds: $0 * 60) }
                : self.calendar.next(type, after: time)
        }
        return next.min()?.moved(bySeconds: self.grace)
    }

    /// When a run that goes on is late enough to be told of.
    private func alarm(before deadline: Timestamp) -> Timestamp {
        deadline.moved(bySeconds: -self.grace / 2)
    }

    /// Puts the figures into a status.
    ///
    /// - Returns: what is told, where the verdict is another one than before.
    func update(
        _ status: inout MigrationScheduleStatus,
        nextRun: Timestamp?,
        _ facts: ScheduleFacts
    ) -> [Notice] {
        let former = status.conditions[ConditionType.recoveryPointMet]?.reason
        let run = status.items.values.joined().filter { !$0.isFinal }
            .min { $0.created < $1.created }
        let from = status.recoveryPoint?.time ?? status.policy?.since ?? self.now
        let deadline = self.deadline(after: from)
        let begin = run?.created ?? nextRun.map { max($0, self.now) }
        // What a run has to copy is known as soon as it is at it; of one to come, what was usual.
        let measured = run.flatMap { facts.runs[$0.name]?.progress?.end(now: self.now) }
        let expected =
            measured ?? begin?.moved(bySeconds: status.recoveryPoint?.expectedSeconds ?? 0)
        status.recoveryPoint?.targetSeconds = self.policy.longestGap
        status.recoveryPoint?.deadline = deadline
        // Only what stays as it is while nothing happens: a schedule that is steady is not written.
        status.recoveryPoint?.expectedAt = expected.flatMap { begin == self.now ? nil : $0 }
        let isRunning = run != nil
        // A run that is as fast as it has to be, and no more, must not be told of again and again.
        let isDoubtful = isRunning && former == Verdict.atRisk.rawValue
        let margin = expected?.moved(bySeconds: isDoubtful ? self.grace / 4 : 0)
        let verdict = self.verdict(status, deadline, margin, isRunning: isRunning)
        let message = self.message(verdict, status, deadline, measured, isRunning: isRunning)
        let finding = Finding(
            ConditionType.recoveryPointMet,
            verdict == .missed ? .no : verdict == .none ? .unknown : .yes,
            verdict.rawValue,
            message
        )
        status.conditions.set(finding, generation: facts.generation, now: self.now)
        return Self.notice(verdict, former.flatMap { Verdict(rawValue: $0) }, message)
    }

    private func verdict(
        _ status: MigrationScheduleStatus,
        _ deadline: Timestamp?,
        _ expected: Timestamp?,
        isRunning: Bool
    ) -> Verdict {
        guard let deadline else { return .none }
        if self.now > deadline { return .missed }
        guard status.recoveryPoint != nil else { return .none }
        if isRunning, self.now >= self.alarm(before: deadline) { return .atRisk }
        return expected.map { $0 > deadline } ?? true ? .atRisk : .met
    }

    private func message(
        _ verdict: Verdict,
        _ status: MigrationScheduleStatus,
        _ deadline: Timestamp?,
        _ measured: Timestamp?,
        isRunning: Bool
    ) -> String {
        let by = deadline?.description ?? ""
        guard let point = status.recoveryPoint else {
            return verdict == .missed
                ? "No migration has succeeded yet, and one was to by \(by). Try: look at the "
                    + "Migrations in status.items"
                : "No migration has succeeded yet."
        }
        switch verdict {
        case .met, .none: return "The destination has the state of \(point.time)."
        case .atRisk:
            let why =
                measured.map { "by what it has copied, the run that goes on ends at \($0)" }
                ?? (isRunning
                    ? "the run that goes on takes longer than is usual"
                    : "the next run is expected to end later")
            return
                "The destination has the state of \(point.time). Its recovery point will be missed "
                + "at \(by): \(why)"
        case .missed:
            return
                "The destination has the state of \(point.time), and a newer one was to be there by "
                + "\(by). Try: look at the Migrations in status.items"
        }
    }

    private static func notice(
        _ verdict: Verdict,
        _ former: Verdict?,
        _ message: String
    ) -> [Notice] {
        guard verdict != former else { return [] }
        switch verdict {
        case .none: return []
        case .met:
            return former == .missed || former == .atRisk
                ? [.normal(verdict.rawValue, message)] : []
        case .atRisk, .missed: return [.warning(verdict.rawValue, message)]
        }
    }

    /// When the verdict changes although nothing happens.
    func nextLook(_ status: MigrationScheduleStatus) -> Timestamp? {
        let from = status.recoveryPoint?.time ?? status.policy?.since ?? self.now
        guard let deadline = self.deadline(after: from) else { return nil }
        let over = Timestamp(microseconds: deadline.microseconds + 1)
        let alarm = self.alarm(before: deadline)
        let times = status.isBusy && status.recoveryPoint != nil ? [alarm, over] : [over]
        return times.filter { $0 > self.now }.min()
    }
}

extension Timestamp {
    /// Later by so many seconds, or earlier; as far as times go.
    func moved(bySeconds seconds: Int) -> Timestamp {
        let (change, isLarge) = seconds.multipliedReportingOverflow(by: 1_000_000)
        guard !isLarge else { return self }
        let (sum, isBeyond) = self.microseconds.addingReportingOverflow(change)
        return isBeyond ? self : Timestamp(microseconds: sum)
    }
}
