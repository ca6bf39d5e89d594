// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Locks
import SecureTransport
import VolumeStore
import WireProtocol

/// The control connection of one transfer, and the thread that owns it.
///
/// Performs what the session decides, and nothing else: what belongs to the disk is the worker's.
struct ControlConnection: ~Copyable {
    private var frames: FrameConnection
    private let transfer: IncomingTransfer
    private var worker: DataThread.Joinable?
    private var lastAcks: [Ack?] = []
    private var lastTick: MonotonicTime
    private var closing: Closing?

    private var environment: ReceiverEnvironment { self.transfer.environment }

    init(_ frames: consuming FrameConnection, _ transfer: IncomingTransfer) {
        self.frames = frames
        self.transfer = transfer
        self.lastTick = transfer.environment.now
    }

    /// Runs the session that the client's hello begins, to its end.
    ///
    /// - Parameters:
    ///   - hello: the client's.
    ///   - mayRest: whether another session may follow on the connection.
    /// - Returns: the connection, where that is so and the transfer was committed; else it is closed.
    consuming func run(_ hello: Hello, mayRest: Bool) -> FrameConnection? {
        self.frames.connection.setReadTimeout(Limits.peerTimeout)
        self.frames.connection.setWriteTimeout(Limits.peerTimeout)
        self.perform(self.transfer.session.withLock { $0.received(.hello(hello)) })
        while self.closing == nil && !self.transfer.session.withLock({ $0.isOver }) {
            self.step()
        }
        self.finish()
        // Without a reason to close, the last word was that it is committed.
        if mayRest, self.closing == nil { return self.frames }
        // Last: the sender has to read our last frame, but nobody waits for that.
        self.frames.close(afterLastWord: true)
        return nil
    }

    private mutating func step() {
        for notice in self.transfer.takeNotices() where self.closing == nil {
            self.handle(notice)
        }
        self.acknowledge()
        guard self.closing == nil, !self.transfer.session.withLock({ $0.isOver }) else { return }
        do throws(TransportError) {
            switch try self.frames.waitReadable(
                timeout: Limits.timeoutResolution,
                wakeup: self.transfer.controlWakeup
            )
            {
            case .readable: self.take(try self.frames.receive())
            case .woken, .timedOut: break
            }
        } catch {
            self.perform(self.transfer.session.withLock { $0.broken(error) })
        }
        self.tick()
    }

    private mutating func take(_ received: FrameConnection.Received) {
        switch received {
        case .control(let frame):
            self.perform(self.transfer.session.withLock { $0.received(frame) })
        case .data:
            self.perform(
                self.transfer.session.withLock { $0.malformed(.misplaced(.data)) }
            )
        case .skipped:
            break
        }
    }

    private mutating func tick() {
        let now = self.environment.now
        guard now.elapsed(since: self.lastTick) >= Limits.timeoutResolution else { return }
        self.lastTick = now
        self.perform(self.transfer.session.withLock { $0.handleTimeout(now: now) })
        self.transfer.tell { .transferProgressed($0) }
    }

    // MARK: Notices of the other threads

    private mutating func handle(_ notice: IncomingTransfer.Notice) {
        switch notice {
        case .decided(let decision):
            if case .refuse(let refusal) = decision {
                self.transfer.tell { .transferRefused($0, refusal) }
            } else {
                self.lastAcks = self.transfer.state.withLock { state in
                    Array(repeating: nil, count: state.streams.count)
                }
                self.transfer.tell { .transferStarted($0) }
            }
            self.perform(self.transfer.session.withLock { $0.decided(decision) })
        case .perform(let action):
            self.perform(action)
        case .committed(let generation):
            self.transfer.updateStatus { status in
                status.state = .committed
                status.committed = generation
            }
            self.perform(
                self.transfer.session.withLock { $0.committed(Committed(generation)) }
            )
        case .failed(let report):
            self.perform(self.transfer.session.withLock { $0.failed(report) })
        case .drain:
            self.perform(self.transfer.session.withLock { $0.drain() })
        }
    }

    /// Sends the levels of the streams that got further.
    private mutating func acknowledge() {
        let streams = self.transfer.state.withLock { $0.streams }
        guard streams.count == self.lastAcks.count else { return }
        for (index, stream) in streams.enumerated() {
            let ack = stream.acknowledgement()
            let isNews = self.lastAcks[index].map { $0 != ack } ?? (ack.received > .zero)
            guard isNews, self.closing == nil else { continue }
            self.lastAcks[index] = ack
            self.perform(self.transfer.session.withLock { $0.acknowledge(ack) })
        }
    }

    // MARK: Actions

    private mutating func perform(_ action: ReceiverAction) {
        switch action {
        case .none:
            break
        case .send(let frames):
            self.send(frames)
        case .decide(let offer):
            self.startWorker(offer)
        case .prove(let commit):
            self.transfer.state.withLock { $0.commit = commit }
            self.transfer.workerWakeup.signal()
        case .aborted(let abort):
            self.transfer.state.withLock { $0.isDiscarding = abort.discard }
            self.closing = .aborted(abort)
        case .close(let closing):
            self.closing = closing
            if let frame = closing.lastFrame { self.send([frame]) }
        }
    }

    private mutating func send(_ frames: [ControlFrame]) {
        do throws(TransportError) {
            for frame in frames { try self.frames.send(frame, flush: false) }
            try self.frames.flush()
        } catch {
            // What could not be sent is not repeated: the sender comes again and asks.
            let closing = self.closing
            self.perform(self.transfer.session.withLock { $0.broken(error) })
            self.closing = closing ?? self.closing ?? .lost(ErrorReport(error))
        }
    }

    private mutating func startWorker(_ offer: Offer) {
        let transfer = self.transfer
        transfer.state.withLock { state in
            state.offer = offer
            state.status = TransferStatus(offer, of: transfer)
        }
        do throws(TransportError) {
            self.worker = try DataThread.spawn(name: "gw-stage") {
                TransferWorker(transfer: transfer).run(offer)
            }
        } catch {
            let report = ErrorReport(code: .busy, text: error.what)
            self.perform(transfer.session.withLock { $0.failed(report) })
        }
    }

    // MARK: The end

    /// Ends the other threads of the session, then gives stage and volume back.
    private mutating func finish() {
        let transfer = self.transfer
        transfer.beginClosing(discarding: false)
        while transfer.hasStreams { _ = transfer.controlWakeup.wait(timeout: .milliseconds(100)) }
        self.worker?.join()
        let (volume, stage, isDiscarding, offer) = transfer.state.withLock { state in
            (state.volume, state.stage, state.isDiscarding, state.offer)
        }
        let drifted = stage?.driftedLeaves ?? 0
        if let volume, let stage {
            do throws(StageError) {
                if isDiscarding { try volume.discard(stage) } else { try volume.close(stage) }
            } catch {
                self.environment.observer.received(.serviceFailed("\(error)"))
            }
        }
        // What is committed or prepared is whole on the disk: nobody goes on with it.
        let isWhole = [.committed, .prepared].contains(transfer.status?.state)
        if let stage {
            let isKept = !isWhole && !isDiscarding && !stage.isFailed
            if isKept { self.environment.keep(stage) } else { self.environment.forget(stage) }
        }
        // The status remembers what the stage knew.
        transfer.state.withLock { state in
            state.status?.driftedLeaves = drifted
            state.stage = nil
        }
        if let offer { self.environment.registry.release(offer, of: transfer) }
        if drifted > 0 { transfer.tell { .driftFound($0, leaves: drifted) } }
        let cause = self.closing?.cause
        transfer.updateStatus { status in
            guard ![.committed, .prepared].contains(status.state) else { return }
            status.state = .failed
            status.error = cause
        }
        let wasRefused = if case .refusing? = self.closing { true } else { false }
        if !wasRefused { transfer.tell { .transferFinished($0) } }
    }
}

extension ReceiverSession {
    /// The connection ended, or carried what is no frame.
    fileprivate mutating func broken(_ error: TransportError) -> ReceiverAction {
        if case .violation(let frame) = error.code { return self.malformed(frame) }
        return self.connectionClosed()
    }
}

extension TransferStatus {
    fileprivate init(_ offer: Offer, of transfer: IncomingTransfer) {
        self.init(
            transfer: offer.transfer,
            volume: offer.volume,
            name: offer.name,
            pair: transfer.pair,
            peer: transfer.peer,
            mode: offer.mode,
            base: offer.base,
            target: offer.target,
            state: .preparing,
            streams: 0,
            resumedBytes: .zero,
            receivedBytes: .zero,
            appliedBytes: .zero,
            durableBytes: .zero,
            wireBytes: .zero,
            driftedLeaves: 0,
            committed: nil,
            error: nil
        )
    }
}
