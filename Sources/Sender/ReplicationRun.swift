// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import SecureTransport
import VolumeStore
import WireProtocol

/// What a run decides and remembers; owned by the run's thread.
///
/// ```
///  pair record ─▶ choose or freeze the target ─▶ record it as pending ─▶ attempts … ─▶ record it as
///                                                                                       committed
/// ```
/// Holds: a target is recorded as pending, durably, before it is offered; the base's record is
/// replaced only after the destination said that the target is visible (P3).
struct ReplicationRun {
    let id: TransferID
    var request: ReplicationRequest
    let streams: Int
    let environment: SenderEnvironment
    let observer: any ReplicationObserver
    let counters: ProgressCounters
    let cancellation: Cancellation
    let began: MonotonicTime

    var pair: PairRecord
    /// Change sources that this run caught (P9).
    var distrusted: [ChangeSourceKind] = []
    var drifted = 0
    var streamsUsed = 0

    init(
        _ id: TransferID,
        _ request: ReplicationRequest,
        streams: Int,
        environment: SenderEnvironment,
        observer: any ReplicationObserver,
        counters: ProgressCounters,
        cancellation: Cancellation
    ) {
        self.id = id
        self.request = request
        self.streams = streams
        self.environment = environment
        self.observer = observer
        self.counters = counters
        self.cancellation = cancellation
        self.began = environment.now()
        self.pair = PairRecord(pair: request.destination.pair)
    }

    var volume: SourceVolume { self.request.volume }

    /// The whole run, and its line in the pair's history.
    mutating func run() throws(ReplicationError) -> ReplicationResult {
        // Outside of what is remembered: a record that cannot be read must not be replaced by an
        // empty one, or the next prune takes the base away.
        self.pair = try self.knownPair()
        do throws(ReplicationError) {
            if let known = self.knownResult { return known }
            let result = try self.pass(isCatchingUp: false)
            // An earlier run's target is not yet what the volume holds now; a given one need not be.
            if self.request.target == nil, let later = try self.catchUp(after: result) {
                return later
            }
            return result
        } catch {
            let named = error.about(self.volume.name)
            self.remember(error.code.rawValue)
            throw named
        }
    }

    /// What is recorded of the pair; a damaged record gives way to a full copy alone.
    private func knownPair() throws(ReplicationError) -> PairRecord {
        do throws(StoreError) {
            return try self.volume.pair(self.pair.pair)
        } catch {
            let isDamaged = error.code == .corrupt
            if isDamaged, self.request.mode == .full(.copy) { return self.pair }
            throw ReplicationError(
                .stateFailed,
                "the record of the pair cannot be read",
                cause: error.description,
                remedy: isDamaged ? "Replicate with --full copy: that makes a new record." : nil,
                isRetryable: error.isRetryable
            )
            .about(self.volume.name)
        }
    }

    /// Brings what was written since an earlier run's snapshot; nil where nothing was.
    private mutating func catchUp(
        after first: ReplicationResult
    ) throws(ReplicationError) -> ReplicationResult? {
        guard self.wasResumed else { return nil }
        let stale = try self.stored { (volume, _) throws(StoreError) in
            guard let snapshot = try volume.reopen(first.target.number, first.target.snapshot)
            else { return false }
            defer { volume.release(snapshot) }
            switch snapshot.record.backing {
            case .inPlace: return false
            case .clone, .copy: return try !volume.isUnchanged(since: snapshot)
            }
        }
        guard stale else { return nil }
        var second = try self.pass(isCatchingUp: true)
        switch first.outcome {
        case .full:
            second.outcome = .full
            second.mode = first.mode
            second.fullReason = first.fullReason
        case .incremental:
            if second.outcome == .none { second.outcome = .incremental }
        case .none: break
        }
        second.base = first.base
        return second
    }

    /// Whether the last pass went on with an earlier run's target.
    private var wasResumed = false

    // MARK: One target

    private mutating func pass(isCatchingUp: Bool) throws(ReplicationError) -> ReplicationResult {
        self.counters.enter(.freezing)
        try self.checkCancelled()
        try self.checkFence()
        let base = try self.reopenBase()
        defer { if let base { self.volume.release(base) } }
        let decision = try self.decide(base, isCatchingUp: isCatchingUp)
        let (target, pending) = try self.target(for: decision, isCatchingUp: isCatchingUp)
        defer { self.volume.release(target) }
        self.counters.volume.set(target.size)
        self.observe(.frozen(target.number, isResumed: self.wasResumed))
        var attempts = ReplicationAttempts(self, target, base, pending)
        let commit: ReplicationCommit
        do throws(ReplicationError) {
            commit = try attempts.perform()
            self = attempts.run
        } catch {
            self = attempts.run
            throw error
        }
        let former = self.pair.committed
        try self.record(commit, counts: !isCatchingUp)
        self.observe(.committed(commit.generation.number))
        self.counters.covered.set(target.size)
        return self.result(of: commit, former: former)
    }

    /// The snapshot of the common generation, in use until it is released.
    private func reopenBase() throws(ReplicationError) -> SourceSnapshot? {
        guard let committed = self.pair.committed else { return nil }
        return try self.stored { (volume, _) throws(StoreError) in
            try volume.reopen(committed.number, committed.snapshot)
        }
    }

    private func decide(
        _ base: SourceSnapshot?,
        isCatchingUp: Bool
    ) throws(ReplicationError) -> CadenceDecision {
        let requested: RequestedMode =
            isCatchingUp ? .automatic(.disasterRecovery) : self.request.mode
        let decision = requested.decide(
            run: self.pair.successfulRuns + 1,
            hasBase: self.pair.committed != nil
        )
        guard decision.mode == .incremental else { return decision }
        let committed = self.pair.committed
        let known = try self.stored { (_, _) throws(StoreError) in try base?.generation() }
        // The root stands for the digests beside it: another one would not be the base's.
        guard known == committed else { return CadenceDecision(.fullVerify, .baseDigestsLost) }
        return decision
    }

    /// An earlier run's target where it can be gone on with, else a new one; recorded as pending.
    private mutating func target(
        for decision: CadenceDecision,
        isCatchingUp: Bool
    ) throws(ReplicationError) -> (SourceSnapshot, PendingTarget) {
        self.wasResumed = false
        if let pending = self.pair.pending, self.canResume(pending, decision),
            let target = try self.reopen(pending)
        {
            self.wasResumed = true
            return (target, pending)
        }
        let target = try self.newTarget()
        let pending = PendingTarget(
            number: target.number,
            snapshot: target.snapshot,
            size: target.size,
            mode: decision.mode,
            reason: decision.reason?.rawValue
        )
        do throws(ReplicationError) {
            try self.store(pending)
        } catch {
            self.volume.release(target)
            throw error
        }
        return (target, pending)
    }

    private func canResume(_ pending: PendingTarget, _ decision: CadenceDecision) -> Bool {
        if let given = self.request.target, given.snapshot != pending.snapshot { return false }
        guard !pending.mode.needsBase || self.pair.committed != nil else { return false }
        return switch self.request.mode {
        case .automatic:
            // What it began as goes on, unless the base's digests are gone meanwhile.
            pending.mode != .incremental || decision.reason != .baseDigestsLost
        case .full: pending.mode == decision.mode
        }
    }

    private func reopen(_ pending: PendingTarget) throws(ReplicationError) -> SourceSnapshot? {
        try self.stored { (volume, _) throws(StoreError) in
            guard let target = try volume.reopen(pending.number, pending.snapshot) else {
                return nil
            }
            // Frozen where it lies, it may have been thawed and written since.
            if target.size == pending.size, let image = try? target.openImage(),
                try image.size() == pending.size, try target.isUnwritten()
            {
                return target
            }
            volume.release(target)
            return nil
        }
    }

    // MARK: Records

    /// Records what is on its way; durable before it is offered.
    mutating func store(_ pending: PendingTarget) throws(ReplicationError) {
        self.pair.pending = pending
        let record = self.pair
        try self.stored { (volume, _) throws(StoreError) in try volume.store(record) }
    }

    /// Records the commit with its line in the history, in one step.
    private mutating func record(
        _ commit: ReplicationCommit,
        counts: Bool
    ) throws(ReplicationError) {
        self.pair.committed = commit.generation
        self.pair.pending = nil
        var outcome = commit.outcome
        if counts {
            self.pair.successfulRuns += 1
        } else {
            // The second pass of one run: its line has the numbers of both, and is full if one was.
            let first = self.pair.runs.removeFirst()
            if first.mode == ReplicationOutcome.full.rawValue { outcome = .full }
        }
        self.note("committed", outcome)
        let record = self.pair
        try self.stored { (volume, _) throws(StoreError) in try volume.store(record) }
    }

    /// Adds a failed run to the pair's history; the outcome does not depend on it.
    private mutating func remember(_ outcome: String) {
        self.note(outcome, nil)
        try? self.volume.store(self.pair)
    }

    private mutating func note(_ outcome: String, _ mode: ReplicationOutcome?) {
        let progress = self.counters.reading
        let compared = UInt64(self.counters.compared.count.bytes)
        let (seconds, attoseconds) = self.elapsed.components
        self.pair.runs.insert(
            RunRecord(
                finishedAt: self.environment.secondsSince1970(),
                outcome: outcome,
                mode: mode?.rawValue,
                targetGeneration: mode.flatMap { _ in self.pair.committed?.number.number },
                changedBytes: UInt64(progress.changedBytes.bytes),
                wireBytes: UInt64(progress.wireBytes.bytes),
                seconds: Double(seconds) + Double(attoseconds) / 1e18,
                comparedBytes: compared > 0 ? compared : nil,
                equalBytes: compared > 0 ? UInt64(self.counters.equal.count.bytes) : nil
            ),
            at: 0
        )
        self.pair.runs.removeLast(max(0, self.pair.runs.count - SenderLimits.rememberedRuns))
    }

    func result(of commit: ReplicationCommit, former: Generation?) -> ReplicationResult {
        ReplicationResult(
            volume: self.volume.id,
            outcome: commit.outcome,
            mode: commit.mode,
            fullReason: commit.reason,
            run: self.pair.successfulRuns,
            base: commit.mode.needsBase ? former?.number : nil,
            target: commit.generation,
            changeSource: commit.changeSource,
            distrusted: self.distrusted,
            driftedLeaves: self.drifted,
            progress: self.counters.reading,
            streams: self.streamsUsed,
            duration: self.elapsed
        )
    }

    // MARK: Help

    private var elapsed: Duration { self.environment.now().elapsed(since: self.began) }

    func observe(_ event: ReplicationEvent) { self.observer.replication(self.id, event) }

    func checkCancelled() throws(ReplicationError) {
        guard self.cancellation.isCancelled else { return }
        throw ReplicationError(.cancelled, "the run was cancelled")
    }

    /// Throws where somebody has fenced the volume.
    func checkFence() throws(ReplicationError) {
        guard let fence = self.volume.fence else { return }
        throw ReplicationError(
            .fenced,
            "it is fenced and not replicated",
            cause: fence.by.map { "it was fenced for \($0)" } ?? "somebody fenced it"
        )
    }

    /// Runs an operation of the source's store.
    func stored<Result>(
        _ body: (SourceVolume, ClusterID) throws(StoreError) -> Result
    ) throws(ReplicationError) -> Result {
        do throws(StoreError) {
            return try body(self.volume, self.pair.pair)
        } catch {
            throw ReplicationError(error)
        }
    }
}

/// What a pass ended with.
struct ReplicationCommit {
    var generation: Generation
    var mode: TransferMode
    var reason: FullReason?
    var outcome: ReplicationOutcome
    var changeSource: ChangeSourceKind
}
