// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// Decides what a ClusterPair needs: pure, the same for the same facts.
enum PairDecision {
    /// How often what works is looked at again, in seconds; the shell adds up to a tenth.
    static let checkSeconds = 60
    /// How soon what does not work is tried again: a destination refuses an address that comes with
    /// a wrong token five times in a minute.
    static let retrySeconds = 20
    /// How soon at first where nobody answered: most of what is away is being restarted.
    static let firstRetrySeconds = 2

    /// What to do now.
    static func step(_ facts: PairFacts, now: Timestamp) -> PairStep {
        if facts.isBeingDeleted {
            return .release(unpairing: facts.isRemoteShared ? nil : facts.remote)
        }
        guard facts.hasFinalizer else { return .addFinalizer }
        let memory = facts.memory.wish == facts.wish ? facts.memory : PairMemory()
        var probes: [PairProbe] = []
        if Self.isDue(memory.storageDue, now), let probe = Self.storageProbe(facts) {
            probes.append(probe)
        }
        if Self.isDue(memory.schedulerDue, now), case .reached(let config) = facts.wish.scheduler {
            probes.append(.askVersion(config))
        }
        if !probes.isEmpty || memory.wish == nil { return .probe(probes) }
        let next = [memory.storageDue, memory.schedulerDue].compactMap(\.self).min()
        return .rest(seconds: max(next.map { $0.seconds(since: now) } ?? Self.checkSeconds, 1))
    }

    private static func isDue(_ due: Timestamp?, _ now: Timestamp) -> Bool {
        due.map { $0 <= now } ?? true
    }

    /// Pairing again is for other options only: what was paired is asked whether it works.
    private static func storageProbe(_ facts: PairFacts) -> PairProbe? {
        guard case .paired(let request) = facts.wish.storage else { return nil }
        let isUnchanged = facts.memory.wish.map { $0.storage == facts.wish.storage } ?? true
        guard facts.storage.wasReady, isUnchanged, let remote = facts.remote else {
            return .pairStorage(request)
        }
        return .checkStorage(remote: remote, request)
    }

    // MARK: - What was answered

    /// What the probes answered; nil for a half that was not asked.
    struct Answers: Hashable, Sendable {
        /// The identity of the remote storage.
        var storage: Result<String, Trouble>?
        /// The version of the remote API server.
        var scheduler: Result<String, Trouble>?
    }

    /// What the status is to say.
    struct Verdict: Hashable, Sendable {
        var storage: PairStatus
        var scheduler: PairStatus
        var remote: String?
        /// Of the halves that were looked at, and of both together.
        var findings: [Finding]
        var notices: [Notice]
    }

    /// The status after the answers.
    ///
    /// - Parameters:
    ///   - facts: as they were when ``step(_:now:)`` asked.
    ///   - answers: of the probes.
    ///   - reasons: of the conditions by type as they are now: an event is for a change only.
    /// - Returns: the new status with its events.
    static func verdict(
        _ facts: PairFacts,
        _ answers: Answers,
        reasons: [String: String]
    ) -> Verdict {
        let storage = Self.storage(facts, answers.storage)
        let scheduler = Self.scheduler(facts, answers.scheduler)
        var remote = facts.remote
        if case .success(let identity) = answers.storage { remote = identity }
        var verdict = Verdict(
            storage: storage?.health ?? facts.storage,
            scheduler: scheduler?.health ?? facts.scheduler,
            remote: remote,
            findings: [],
            notices: []
        )
        for half in [storage, scheduler].compactMap(\.self) {
            verdict.findings.append(half.finding)
            let isNew =
                half.health != half.former || half.finding.reason != reasons[half.finding.type]
            if isNew { verdict.notices.append(half.notice) }
        }
        verdict.findings.append(Self.together(verdict))
        return verdict
    }

    /// When the halves are looked at again; `jitter` is from 0 to 1, so that a thousand pairs do not ask
    /// at once.
    static func memory(
        _ memory: PairMemory,
        _ wish: PairWish,
        after answers: Answers,
        now: Timestamp,
        jitter: Double
    ) -> PairMemory {
        var next = memory.wish == wish ? memory : PairMemory()
        next.wish = wish
        let spread = Int(Double(Self.checkSeconds) * jitter / 10)
        func due(_ answer: Result<String, Trouble>, _ failures: inout Int) -> Timestamp {
            switch answer {
            case .success:
                failures = 0
                return Timestamp(seconds: now.seconds + Self.checkSeconds + spread)
            case .failure(let trouble):
                failures += 1
                return Timestamp(seconds: now.seconds + Self.retry(trouble, failures))
            }
        }
        if let answer = answers.storage { next.storageDue = due(answer, &next.storageFailures) }
        if let answer = answers.scheduler {
            next.schedulerDue = due(answer, &next.schedulerFailures)
        }
        return next
    }

    /// Seconds to the next try after so many failures.
    private static func retry(_ trouble: Trouble, _ failures: Int) -> Int {
        guard trouble.reason.isSilence else { return Self.retrySeconds }
        // Doubled four times it is beyond the bound.
        return min(Self.firstRetrySeconds << min(max(failures - 1, 0), 4), Self.retrySeconds)
    }
}
