// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import SecureTransport
import VolumeStore
import WireProtocol

/// One session: a control connection, its data connections, and how it ends.
///
/// Runs on the thread of its run. The protocol is ``SenderSession``'s; this performs what it
/// says, starts and ends the data threads, and carries news between them:
///
/// ```
///  control thread: frames, credit, timeouts ───acks───▶ AttemptState ◀──totals, failures── data threads
///          ▲──────────────────────────── wakeup ────────────────────────────────────────────┘
/// ```
struct TransferAttempt: ~Copyable {
    let link: AttemptLink
    let target: SourceSnapshot
    let threads: Int
    let scope: ResumeTicket.Scope
    let hello: Hello
    let isCancelled: @Sendable () -> Bool
    /// Finds out what there is to read; on a thread of its own.
    let prepare: @Sendable () throws(StoreError) -> AttemptSource
    /// Called when the streams begin, with what is durable there already.
    let accepted: (Accept, AttemptSource) -> Void

    var session: SenderSession
    var connection: FrameConnection
    var workers: [DataThread.Joinable] = []
    var streams = 0
    var lastTick: MonotonicTime
    /// Computes the root while this thread goes on to listen.
    var finisher: DataThread.Joinable?
    /// Prepares what is read while the destination prepares its stage.
    var preparer: DataThread.Joinable?
    /// What was accepted, until it is known what there is to read.
    var waiting: (accept: Accept, durable: [Extent])?
    /// What the streams and the computation of the root share; nil before the streams begin.
    var context: TransferContext?
    /// The streams rest because the receiver drains.
    var isDraining = false
    var stall: StallWatch
    var commitStall: StallWatch
    /// Whether the destination has everything, and has not yet said what became of it.
    var isCommitting = false
    /// Whether both sides use connections again; known when the commit is asked for.
    var mayRest = false
    /// How long the reason for a broken data connection may take to arrive.
    var graceEnds: MonotonicTime?

    /// Connects; nothing was sent yet.
    init(
        _ link: AttemptLink,
        _ plan: AttemptPlan,
        threads: Int,
        isCancelled: @escaping @Sendable () -> Bool,
        prepare: @escaping @Sendable () throws(StoreError) -> AttemptSource,
        accepted: @escaping (Accept, AttemptSource) -> Void
    ) throws(StreamFailure) {
        let request = link.request
        let identity = request.identity
        var generator = link.environment.generator
        self.link = link
        self.target = plan.target
        self.threads = threads
        self.isCancelled = isCancelled
        self.prepare = prepare
        self.accepted = accepted
        self.scope = ResumeTicket.Scope(
            pair: request.destination.pair,
            subject: plan.subject,
            route: plan.route
        )
        let nonce = SessionNonce.random(using: &generator)
        self.hello = Hello(
            kind: .data,
            cluster: identity.cluster,
            nonce: nonce,
            software: identity.software,
            version: identity.version
        )
        let offer = Offer(
            transfer: link.transfer,
            subject: plan.subject,
            route: plan.route,
            flags: plan.flags,
            codecs: request.codec.offered,
            streams: threads,
            ticket: .seal(
                self.scope,
                secret: identity.poolSecret,
                nonce: .random(using: &generator)
            )
        )
        self.session = SenderSession(
            hello: Hello(
                kind: .control,
                cluster: identity.cluster,
                nonce: nonce,
                software: identity.software,
                version: identity.version
            ),
            offer: offer
        )
        self.connection = try request.destination.open(link.connecting)
        self.connection.connection.setReadTimeout(Limits.peerTimeout)
        self.lastTick = link.environment.now()
        let stallLimit = link.environment.stallLimit
        self.stall = StallWatch(limit: stallLimit)
        self.commitStall = StallWatch(
            limit: SenderLimits.commitLimit(offer.target.size, stallLimit: stallLimit)
        )
    }

    /// The root of the committed target; throws when it came to nothing else.
    mutating func run() throws(StreamFailure) -> Generation {
        defer { self.finish() }
        do throws(StreamFailure) {
            try self.send(self.session.start())
            try self.startPreparer()
            while true {
                guard let generation = try self.step() else { continue }
                try self.waitForRecord()
                if self.mayRest { self.rest() }
                return generation
            }
        } catch {
            throw self.reason(for: error)
        }
    }

    // MARK: The loop

    /// Waits for one event and performs what follows from it.
    private mutating func step() throws(StreamFailure) -> Generation? {
        let wakeup = self.link.wakeup
        let readiness: ReadReadiness
        do throws(TransportError) {
            readiness = try self.connection.waitReadable(
                timeout: Limits.timeoutResolution,
                wakeup: wakeup
            )
        } catch {
            throw .transport(error)
        }
        let now = self.link.environment.now()
        if now.elapsed(since: self.lastTick) >= Limits.timeoutResolution {
            self.lastTick = now
            self.countWire()
            if let generation = try self.perform(self.session.handleTimeout(now: now)) {
                return generation
            }
            self.lookForStall(now)
        }
        switch readiness {
        case .timedOut, .woken: return try self.lookAtWorkers(now)
        case .readable:
            let action = try self.receive()
            if let generation = try self.perform(action) { return generation }
            return try self.lookAtWorkers(now)
        }
    }

    /// Ends the attempt where data threads, or the commit, wait for a destination at which nothing
    /// happens.
    private mutating func lookForStall(_ now: MonotonicTime) {
        let (isWaiting, acks, wire) = self.link.state.read { state in
            (state.waiting > 0, state.acks, state.wire)
        }
        let reading = StallWatch.Reading(acks: acks, wire: wire)
        if let wait = self.stall.look(at: now, isWaiting: isWaiting, reading) {
            self.link.state.update { state in state.fail(.stalled(wait)) }
        }
        if let wait = self.commitStall.look(at: now, isWaiting: self.isCommitting, reading) {
            self.link.state.update { state in state.fail(.commitStalled(wait)) }
        }
    }

    private mutating func receive() throws(StreamFailure) -> SenderAction {
        do throws(TransportError) {
            switch try self.connection.receive() {
            case .control(let frame): return self.session.received(frame)
            case .data: throw TransportError(.violation(.misplaced(.data)), "data came here")
            case .skipped: return .none
            }
        } catch {
            if case .violation(let violation) = error.code {
                return self.session.malformed(violation)
            }
            throw .transport(error)
        }
    }

    /// Does what the session says; the generation once it is committed.
    mutating func perform(_ action: SenderAction) throws(StreamFailure) -> Generation? {
        switch action {
        case .none: break
        case .send(let frames): try self.send(frames)
        case .stream(let accept, let durable):
            self.waiting = (accept, durable)
            try self.startStreams()
        case .credit(let ack):
            self.link.state.update { state in
                let index = ack.stream.index
                guard index < state.acks.count else { return }
                state.acks[index] = ack
            }
        case .refused(let refusal): throw .refused(refusal)
        case .committed(let committed):
            return committed.generation.generation(
                of: self.session.offer.volume,
                lineage: self.session.offer.lineage
            )
        case .drain:
            self.isDraining = true
            self.context?.dispenser.stop()
        case .close(let closing):
            if let frame = closing.lastFrame {
                try self.send([frame])
                self.connection.close(afterLastWord: true)
            }
            if case .reported(let report) = closing { throw .peer(report.quoted) }
            if let cause = closing.cause { throw .peer(cause) }
            throw .stopped
        }
        return nil
    }

    mutating func send(_ frames: [ControlFrame]) throws(StreamFailure) {
        do throws(TransportError) {
            for frame in frames { try self.connection.send(frame, flush: false) }
            try self.connection.flush()
        } catch {
            throw .transport(error)
        }
    }

    // MARK: The end

    /// The reason that is closest to the cause: what a peer said beats what broke because of it.
    private func reason(for failure: StreamFailure) -> StreamFailure {
        guard failure.isSecondary else { return failure }
        let known = self.link.state.read { $0.failure }
        guard let known, !known.isSecondary else { return failure }
        return known
    }

    /// Ends whatever still runs; afterwards nothing of the attempt is left but its numbers.
    private mutating func finish() {
        self.link.end()
        for worker in self.workers { worker.join() }
        self.finisher?.join()
        self.preparer?.join()
        self.countWire()
        // Nobody needs them: the transfer was not committed.
        for connection in self.takeResting() { connection.close() }
        self.connection.close()
    }

    /// Leaves the connections for the next transfer: the destination has taken all that was sent.
    private mutating func rest() {
        self.countWire()
        let destination = self.link.request.destination
        var resting = self.takeResting()
        if let control = self.connection.rest() { resting.append(control) }
        for connection in resting {
            destination.client.rest(connection, host: destination.host, port: destination.port)
        }
    }

    /// The connections of complete streams.
    private func takeResting() -> [RestingConnection] {
        self.link.state.update { state in
            let resting = state.resting
            state.resting.removeAll()
            return resting
        }
    }

    var counted = 0

    private mutating func countWire() {
        guard !self.connection.isGivenAway else { return }
        let control = self.connection.connection
        let wire = self.link.state.read { $0.wire }
        let bytes = control.sentBytes.bytes + control.receivedBytes.bytes + wire.bytes
        self.link.progress.wire.add(ByteCount(bytes - self.counted))
        self.counted = bytes
    }
}

extension ErrorReport {
    /// The report of the destination in a person's words: its "this side" is not ours.
    fileprivate var quoted: Self {
        Self(
            code: self.code,
            isRetryable: self.isRetryable,
            offset: self.offset,
            text: "the destination says: \(self.text)"
        )
    }
}
