// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import SecureTransport
import VolumeStore
import WireProtocol

// The threads of an attempt beside the one that listens: one for each data connection, then one that
// computes the root.

extension TransferAttempt {
    /// Starts the streams once the destination has accepted and it is known what there is to read.
    mutating func startStreams() throws(StreamFailure) {
        guard let (accept, durable) = self.waiting,
            let source = self.link.state.read({ $0.source })
        else { return }
        self.waiting = nil
        if accept.isResumed {
            guard accept.ticket.verify(self.scope, secret: self.link.request.identity.poolSecret)
            else {
                let abort = Abort(
                    code: .badTicket,
                    discard: true,
                    text: "the ticket of the stage is not ours"
                )
                if case .close(let closing) = self.session.abort(abort),
                    let frame = closing.lastFrame
                {
                    try self.send([frame])
                }
                throw .foreignTicket
            }
        }
        self.accepted(accept, source)
        let context = TransferContext(self.link, source)
        self.context = context
        if self.isDraining { context.dispenser.stop() }
        self.streams = min(accept.streams, self.threads)
        if let work = self.link.state.read({ $0.work }) {
            self.streams = min(self.streams, SenderLimits.streams(for: work))
        }
        let count = self.streams
        self.link.state.update { state in
            state.acks = Array(repeating: nil, count: count)
            state.running = count
        }
        let session = StreamSession(
            hello: self.hello,
            token: accept.token,
            codecs: Set(ChunkCodec.allCases.filter { self.session.offer.codecs.contains($0) }),
            durable: DurableRanges(durable)
        )
        for index in 0..<count {
            do throws(TransportError) {
                self.workers.append(
                    try DataThread.spawn(name: "gw-send-\(index)") {
                        runStream(context, session, StreamIndex(index))
                    }
                )
            } catch {
                self.link.state.update { state in state.running -= count - index }
                throw .transport(error)
            }
        }
    }

    mutating func startPreparer() throws(StreamFailure) {
        let (link, prepare) = (self.link, self.prepare)
        do throws(TransportError) {
            self.preparer = try DataThread.spawn(name: "gw-diff") { link.prepare(prepare) }
        } catch {
            throw .transport(error)
        }
    }

    /// Reacts to cancellation, failures and the end of the data threads.
    mutating func lookAtWorkers(_ now: MonotonicTime) throws(StreamFailure) -> Generation? {
        if self.isCancelled() {
            if case .close(let closing) = self.session.cancel(discard: false),
                let frame = closing.lastFrame
            {
                try? self.send([frame])
                self.connection.close(afterLastWord: true)
            }
            throw .cancelled
        }
        try self.startStreams()
        let (running, ended, failure, root) = self.link.state.read { state in
            (state.running, state.ended, state.failure, state.root)
        }
        if let failure { return try self.fail(failure, now) }
        if let root { return try self.commit(root) }
        guard self.streams > 0, running == 0, self.workers.count == self.streams else { return nil }
        self.workers.removeAll()
        if ended == self.streams {
            try self.startFinisher()
            return nil
        }
        guard self.isDraining else { throw .stopped }
        return try self.drained()
    }

    private mutating func drained() throws(StreamFailure) -> Generation? {
        do throws(StreamFailure) {
            return try self.perform(self.session.drained())
        } catch {
            throw .drained
        }
    }

    /// Everything was sent: computes the root, which may take a while, then makes it durable.
    private mutating func startFinisher() throws(StreamFailure) {
        guard let context = self.context else {
            preconditionFailure("\(self.streams) streams ended, but none was begun")
        }
        self.link.progress.enter(.committing)
        let target = self.target
        let offer = self.session.offer
        do throws(TransportError) {
            self.finisher = try DataThread.spawn(name: "gw-root") {
                computeRoot(of: target, offer, context)
            }
        } catch {
            throw .transport(error)
        }
    }

    /// Asks for the proof, while the digests become durable here.
    private mutating func commit(_ root: RootDigest) throws(StreamFailure) -> Generation? {
        let totals = self.link.state.update { state in
            state.root = nil
            return state.totals
        }
        self.isCommitting = true
        self.mayRest = self.session.agreement?.features.contains(.connectionReuse) ?? false
        return try self.perform(self.session.streamsFinished(root: root, totals: totals))
    }

    /// Returns when the root of a committed target is durable here too: the next base.
    func waitForRecord() throws(StreamFailure) {
        self.finisher?.join()
        if let failure = self.link.state.read({ $0.failure }) { throw failure }
    }

    /// Gives the destination a moment to say why a connection broke, then ends the session.
    private mutating func fail(
        _ failure: StreamFailure,
        _ now: MonotonicTime
    ) throws(StreamFailure) -> Generation? {
        if failure.isSecondary {
            let end = self.graceEnds ?? now.advanced(bySeconds: 2)
            self.graceEnds = end
            if now < end { return nil }
        }
        let report: ErrorReport =
            switch failure {
            case .store(let error), .sourceWritten(let error):
                ErrorReport(code: .storeFailed, isRetryable: true, text: "sender: \(error.what)")
            case .peer(let report): report
            case .missedChange:
                ErrorReport(
                    code: .driftFound,
                    isRetryable: true,
                    text: "the sender's change source missed a change"
                )
            case .stalled:
                ErrorReport(code: .timedOut, text: "the sender waited in vain for credit")
            case .commitStalled:
                ErrorReport(code: .timedOut, text: "the sender waited in vain for the commit")
            case .transport, .refused, .foreignTicket, .drained, .cancelled, .stopped:
                ErrorReport(code: .streamLost, text: "a data connection broke at the sender")
            }
        if case .close(let closing) = self.session.failed(report), let frame = closing.lastFrame {
            try? self.send([frame])
            self.connection.close(afterLastWord: true)
        }
        throw failure
    }
}

/// The body of a data thread.
private func runStream(
    _ context: TransferContext,
    _ session: StreamSession,
    _ index: StreamIndex
) {
    do throws(StreamFailure) {
        var worker = StreamWorker(context, session, index, try StreamWorker.connect(context))
        let isComplete = try worker.run()
        if isComplete { worker.rest() }
        let totals = worker.stream.totals
        context.state.update { state in
            state.totals = state.totals + totals
            if isComplete { state.ended += 1 }
            state.running -= 1
        }
    } catch {
        context.state.update { state in
            state.fail(error)
            state.running -= 1
        }
    }
    context.wakeup.signal()
}

/// The body of the thread that computes the root, and checks that what was read was really frozen.
///
/// The root is told before it is durable, so that the destination makes its side durable at the same
/// time. Where a kill comes between its commit and our record, the next run finds a base without
/// digests and compares all of it.
private func computeRoot(
    of target: SourceSnapshot,
    _ offer: Offer,
    _ context: TransferContext
) {
    do throws(StoreError) {
        try target.checkUnwritten()
    } catch {
        context.state.update { state in state.fail(.sourceWritten(error)) }
        context.wakeup.signal()
        return
    }
    do throws(StoreError) {
        let root = try context.digests.root()
        context.state.update { state in state.root = root }
        context.wakeup.signal()
        try context.digests.sync()
        try target.record(
            Generation(
                volume: offer.volume,
                lineage: offer.lineage,
                number: offer.target.number,
                snapshot: offer.target.snapshot,
                size: offer.target.size,
                root: root
            ),
            offer.algorithm
        )
    } catch {
        context.state.update { state in state.fail(.store(error)) }
    }
    context.wakeup.signal()
}
