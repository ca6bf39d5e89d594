// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Kinds
import ObjectModel

/// Waits for a Migration that a schedule begins, and then for its end.
struct ScheduleWatch {
    let cluster: Cluster
    let console: Console
    /// What names the same cluster and namespace in another command.
    let again: String
    /// Of both waits together.
    let timeout: Duration

    /// Follows the run that is meant, as soon as there is one, until it is final.
    ///
    /// - Parameters:
    ///   - key: of the schedule.
    ///   - meant: which of its runs; nil as long as it has not begun.
    /// - Throws: what ``MigrationWatch/untilFinal(_:)`` and
    ///   ``ObjectWait/object(_:_:isFinal:progress:)`` throw.
    func untilFinal(_ key: ObjectKey, _ meant: (KubeObject) -> ScheduledRun?) async throws {
        let clock = ContinuousClock()
        let begin = clock.now
        var lines = PhaseLines(console: self.console) { Self.phase(of: $0) }
        let waiting = ObjectWait(
            cluster: self.cluster,
            resource: MigrationScheduleNoun.resource,
            title: MigrationScheduleNoun.title,
            timeout: self.timeout,
            back: "godwit wait migrationschedule \(key.name) \(self.again)"
        )
        let schedule = try await waiting.object(
            key,
            &lines,
            isFinal: { meant($0) != nil },
            progress: { "it has begun no Migration yet: \(Self.phase(of: $0))" }
        )
        guard let run = meant(schedule) else { return }
        let watch = MigrationWatch(
            cluster: self.cluster,
            console: self.console,
            again: self.again,
            timeout: max(.seconds(1), self.timeout - (clock.now - begin)),
            view: .line,
            isToCome: true
        )
        try await watch.untilFinal(ObjectKey(key.namespace, run.name))
    }

    private static func phase(of schedule: KubeObject) -> String {
        let facts = ScheduleFacts(schedule)
        if let open = facts.runs.last(where: { !$0.isFinal }) {
            return "waits for the end of \(open.name)"
        }
        // Why it begins nothing, such as a policy that is missing.
        if let ready = facts.ready, ready.status == .no { return ready.message }
        return facts.nextTrigger.map { "begins its next migration at \($0)" }
            ?? "waits for the controller"
    }
}

extension ScheduleFacts {
    /// Refuses where the controller would begin nothing.
    func checkThatItBegins(_ again: String) throws(APIError) {
        let name = self.schedule.name
        if self.isCopy {
            throw APIError(
                .objectConflict,
                "MigrationSchedule \(name) is the copy of the source's schedule, which begins nothing "
                    + "here.",
                try: "type it at the source cluster"
            )
        }
        if self.isSuspended {
            throw APIError(
                .objectConflict,
                "MigrationSchedule \(name) is suspended.",
                try: "godwit resume migrationschedules \(name) \(again)"
            )
        }
    }
}
