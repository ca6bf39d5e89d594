// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import SecureTransport
import Synchronization
import VolumeStore
import WireProtocol

/// Attempts to bring one target to the destination, until one succeeds or none can.
///
/// | what happened | what follows |
/// |---|---|
/// | the connection broke, the peer is busy or drains | wait, go on where it stopped |
/// | the base is refused | a full copy of the same target |
/// | the target is visible there already | it is recorded as committed |
/// | the roots differ after an incremental | a full verify of the same target |
/// | a change source missed a change (P9) | it is distrusted, another one compares |
/// | the stage's ticket is not ours | the stage is thrown away |
/// | busy, with a target that was given | the run ends: it may be held back there for its group |
/// | anything else | the run ends with the reason |
struct ReplicationAttempts {
    var run: ReplicationRun
    private let target: SourceSnapshot
    private let base: SourceSnapshot?
    private var pending: PendingTarget
    private var discardPartial = false
    private var foreignTickets = 0
    private var failedProofs = 0
    private var fruitless = 0
    private var durableBefore = ByteCount.zero
    private var attempt = 0
    /// What told the present attempt where to look.
    private var changeSource: ChangeSourceKind?

    init(
        _ run: ReplicationRun,
        _ target: SourceSnapshot,
        _ base: SourceSnapshot?,
        _ pending: PendingTarget
    ) {
        self.run = run
        self.target = target
        self.base = base
        self.pending = pending
    }

    private enum Next {
        case again
        case wait(ReplicationError)
        case adopt(Generation)
    }

    /// The commit of the target.
    mutating func perform() throws(ReplicationError) -> ReplicationCommit {
        while true {
            try self.run.checkCancelled()
            try self.run.checkFence()
            self.attempt += 1
            self.run.counters.attempt.store(self.attempt, ordering: .relaxed)
            do throws(StreamFailure) {
                return try self.attemptOnce()
            } catch {
                switch try self.next(after: error) {
                case .again: break
                case .wait(let reason): try self.wait(because: reason)
                case .adopt(let generation): return self.adopted(generation)
                }
            }
        }
    }

    // MARK: One attempt

    private mutating func attemptOnce() throws(StreamFailure) -> ReplicationCommit {
        self.run.counters.enter(.connecting)
        self.run.counters.covered.set(.zero)
        if self.attempt > 1 { self.run.request.destination.refresh() }
        let request = self.run.request
        let (target, base, mode) = (self.target, self.base, self.pending.mode)
        let environment = self.run.environment
        let trust = RewriteTrust(after: self.run.pair.runs)
        var generator = environment.generator
        let transfer = self.attempt == 1 ? self.run.id : TransferID.random(using: &generator)
        let link = try AttemptLink(transfer, request, environment, self.run.counters)
        self.run.cancellation.set(link.wakeup, link.connecting)
        defer { self.run.cancellation.set(nil, nil) }
        let progress = AcceptedOffer()
        let cancellation = self.run.cancellation
        let run = self.run
        defer { self.note(progress.accept, link) }
        var attempt = try TransferAttempt(
            link,
            self.plan(),
            threads: self.run.streams,
            isCancelled: { cancellation.isCancelled },
            prepare: { () throws(StoreError) in
                // Hundreds of numbers for the audit, each a call of the kernel otherwise.
                var generator = SplitMix(state: environment.random())
                return try AttemptSource(
                    request.volume,
                    mode,
                    target,
                    base: base,
                    trust: trust,
                    using: &generator
                )
            },
            accepted: { accept, source in
                progress.accept = accept
                run.counters.enter(.streaming)
                run.counters.resumed.set(accept.durableBytes)
                run.observe(
                    .started(
                        transfer,
                        mode,
                        source.kind,
                        resumed: accept.durableBytes,
                        sent: run.counters.changed.count
                    )
                )
            }
        )
        let generation = try attempt.run()
        let (totals, source) = link.state.read { ($0.totals, $0.source) }
        guard let source else {
            preconditionFailure("generation \(generation.number) committed, but nothing was read")
        }
        let shipped = totals.dataFrames + totals.zeroFrames > 0
        let wasResumed = progress.accept.map { $0.durableBytes > .zero } ?? false
        return self.commit(
            generation,
            source.kind,
            isEmpty: !shipped && !wasResumed
        )
    }

    private func plan() -> AttemptPlan {
        let volume = self.run.volume.record
        var flags: OfferFlags = []
        if self.run.request.allowShrink { flags.insert(.allowShrink) }
        if self.discardPartial { flags.insert(.discardPartial) }
        let base = self.pending.mode.needsBase ? self.run.pair.committed : nil
        return AttemptPlan(
            subject: Offer.Subject(
                volume: volume.volume,
                lineage: volume.lineage,
                lineageKey: volume.key,
                algorithm: volume.algorithm,
                name: volume.name
            ),
            route: Offer.Route(
                mode: self.pending.mode,
                base: base.map { GenerationStamp($0) },
                target: TargetGeneration(
                    number: self.target.number,
                    snapshot: self.target.snapshot,
                    size: self.target.size
                )
            ),
            flags: flags,
            target: self.target
        )
    }

    /// Takes the numbers of an attempt, whatever came of it.
    private mutating func note(_ accept: Accept?, _ link: AttemptLink) {
        let (drifted, source, streams) = link.state.read { ($0.drifted, $0.source, $0.acks.count) }
        self.changeSource = source?.kind
        if drifted > 0 {
            self.run.drifted = max(self.run.drifted, drifted)
            self.run.observe(.driftFound(leaves: drifted))
        }
        guard let accept else { return }
        self.discardPartial = false
        self.run.streamsUsed = streams
        // More is durable than before: the attempts get somewhere.
        if accept.durableBytes > self.durableBefore { self.fruitless = 0 }
        self.durableBefore = accept.durableBytes
    }

    private func commit(
        _ generation: Generation,
        _ source: ChangeSourceKind,
        isEmpty: Bool
    ) -> ReplicationCommit {
        let outcome: ReplicationOutcome =
            switch self.pending.mode {
            case .fullCopy, .fullVerify: .full
            case .incremental: isEmpty ? .none : .incremental
            }
        return ReplicationCommit(
            generation: generation,
            mode: self.pending.mode,
            reason: self.pending.reason.flatMap { FullReason(rawValue: $0) },
            outcome: outcome,
            changeSource: source
        )
    }

    /// The commit whose acknowledgement was lost.
    private func adopted(_ generation: Generation) -> ReplicationCommit {
        let source: ChangeSourceKind =
            self.pending.mode == .incremental ? .storedDigests : .allocationMap
        return self.commit(generation, source, isEmpty: false)
    }

    // MARK: What follows

    private mutating func next(after failure: StreamFailure) throws(ReplicationError) -> Next {
        switch failure {
        case .refused(let refusal): return try self.next(after: refusal)
        case .peer(let report): return try self.next(after: report)
        case .missedChange(let leaf):
            try self.distrust(leaf)
            return .again
        case .foreignTicket:
            self.foreignTickets += 1
            guard self.foreignTickets == 1 else {
                throw ReplicationError(
                    .protocolViolation,
                    "the destination returned another sender's ticket twice"
                )
            }
            self.discardPartial = true
            return .again
        case .cancelled:
            throw ReplicationError(.cancelled, "the run was cancelled")
        case .sourceWritten, .stalled, .commitStalled:
            throw ReplicationError(failure)
        case .drained, .stopped, .transport, .store:
            // What broke because somebody cancelled is not the reason.
            if case .transport = failure { try self.run.checkCancelled() }
            let error = ReplicationError(failure)
            guard error.isRetryable, error.code != .sourceFailed else { throw error }
            return .wait(error)
        }
    }

    private mutating func next(after refusal: Refusal) throws(ReplicationError) -> Next {
        if let visible = refusal.visible, let generation = try self.ours(visible) {
            return .adopt(generation)
        }
        switch refusal.code {
        case .needsFull, .wrongBase:
            guard self.pending.mode.needsBase else { throw ReplicationError(refusal) }
            try self.fallBack(to: .fullCopy, .baseRefused, refusal.text)
            return .again
        case .badTicket:
            return try self.next(after: .foreignTicket)
        case .busy where self.isGiven: throw ReplicationError(refusal)
        case .busy, .draining, .duplicateTransfer, .streamLost, .timedOut, .internalFailure:
            return .wait(ReplicationError(refusal))
        case .violation, .versionMismatch, .missingFeature, .notAuthorised, .noSpace,
            .lineageFork, .staleGeneration, .alreadyCommitted, .shrinkNotAllowed, .sizeLimit,
            .rootMismatch, .storeFailed, .cancelled, .driftFound, .corruptData, .activeElsewhere:
            throw ReplicationError(refusal)
        }
    }

    private mutating func next(after report: ErrorReport) throws(ReplicationError) -> Next {
        let error = ReplicationError(report)
        switch report.code {
        case .rootMismatch, .driftFound:
            self.failedProofs += 1
            guard self.failedProofs <= 2 else { throw error }
            if self.pending.mode == .incremental {
                try self.fallBack(to: .fullVerify, .proofFailed, report.text)
            }
            return .again
        case .needsFull, .wrongBase:
            guard self.pending.mode.needsBase else { throw error }
            try self.fallBack(to: .fullCopy, .baseRefused, report.text)
            return .again
        case .busy where self.isGiven: throw error
        case .busy, .draining, .duplicateTransfer, .streamLost, .timedOut, .internalFailure,
            .storeFailed, .corruptData:
            return .wait(error)
        case .violation, .versionMismatch, .missingFeature, .notAuthorised, .noSpace,
            .lineageFork, .staleGeneration, .alreadyCommitted, .shrinkNotAllowed, .sizeLimit,
            .badTicket, .cancelled, .activeElsewhere:
            throw error
        }
    }

    /// Whether somebody else froze the target; who did can tell whether it is held back.
    private var isGiven: Bool { self.run.request.target != nil }

    /// Our target, if that is what the destination shows: only its acknowledgement was lost.
    private func ours(_ visible: GenerationStamp) throws(ReplicationError) -> Generation? {
        guard visible.number == self.target.number, visible.snapshot == self.target.snapshot,
            visible.size == self.target.size
        else { return nil }
        let volume = self.run.volume
        let shown = visible.generation(of: volume.id, lineage: volume.lineage)
        // Recorded while the commit was asked for: another root was never proven here (P2).
        let target = self.target
        let sent = try self.run.stored { (_, _) throws(StoreError) in try target.generation() }
        guard let sent, sent != shown else { return shown }
        throw ReplicationError(
            .proofFailed,
            "the destination shows other contents as generation \(shown.number.number)",
            cause: "its root is \(shown.root), what was sent has \(sent.root)"
        )
    }

    private mutating func fallBack(
        to mode: TransferMode,
        _ reason: FullReason,
        _ text: String
    ) throws(ReplicationError) {
        self.pending.mode = mode
        self.pending.reason = reason.rawValue
        try self.run.store(self.pending)
        self.run.observe(.fallenBack(reason, text))
    }

    private mutating func distrust(_ leaf: LeafIndex) throws(ReplicationError) {
        // Digests are compared where the map of holes says that there is data: the map missed it.
        let kind: ChangeSourceKind =
            self.changeSource == .physicalExtents ? .physicalExtents : .allocationMap
        try self.run.stored { (volume, _) throws(StoreError) in try volume.distrust(kind) }
        self.run.distrusted.append(kind)
        self.run.observe(.changeSourceDistrusted(kind, leaf))
    }

    private mutating func wait(because error: ReplicationError) throws(ReplicationError) {
        self.fruitless += 1
        guard self.fruitless < SenderLimits.fruitlessAttempts else { throw error }
        let waits = self.run.environment.backoff
        var pause = waits.isEmpty ? .zero : waits[min(self.fruitless, waits.count) - 1]
        if let asked = error.retryAfter { pause = max(pause, min(asked, SenderLimits.longestWait)) }
        self.run.counters.enter(.waiting)
        self.run.observe(.retrying(error, attempt: self.attempt, after: pause))
        if self.run.cancellation.sleep(pause) { try self.run.checkCancelled() }
    }
}

/// What the destination accepted, told from inside the attempt.
private final class AcceptedOffer {
    var accept: Accept?
}
