// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Locks
import SecureTransport
import Synchronization
import VolumeStore
import WireProtocol

/// One session at the receiver: what its threads share.
///
/// ```
///  control thread   owns the control connection; performs what the session decides
///  worker thread    decides offers, flushes, proves, commits      ──post──▶ control thread
///  data threads     one for each stream: receive, check, stage    ──post──▶ control thread
/// ```
/// The session machine is behind a lock; its actions are performed outside of it, by the control
/// thread alone.
final class IncomingTransfer: Sendable {
    /// What another thread wants the control thread to tell the session.
    enum Notice {
        case decided(OfferDecision)
        case perform(ReceiverAction)
        case committed(GenerationStamp)
        case failed(ErrorReport)
        case drain
    }

    struct State {
        var offer: Offer?
        var volume: ReplicaVolume?
        var stage: Stage?
        var streams: [StreamProgress] = []
        var commit: Commit?
        /// Data connections with a thread at work.
        var connections: [StreamIndex: TLSConnection] = [:]
        /// No stream may begin any more.
        var isClosing = false
        var isDiscarding = false
        var status: TransferStatus?
        var wireBytes = ByteCount.zero
    }

    let pair: PairIdentity
    let certificate: PeerCertificate
    let peer: String
    let environment: ReceiverEnvironment
    let session: Locked<ReceiverSession>
    let state = Locked(State())
    let controlWakeup: Wakeup
    let workerWakeup: Wakeup
    private let notices = Locked<[Notice]>([])
    private let isDirty = Atomic<Bool>(false)

    init(
        pair: PairIdentity,
        certificate: PeerCertificate,
        peer: String,
        environment: ReceiverEnvironment,
        hello: Hello
    ) throws(TransportError) {
        self.pair = pair
        self.certificate = certificate
        self.peer = peer
        self.environment = environment
        self.controlWakeup = try Wakeup()
        self.workerWakeup = try Wakeup()
        self.session = Locked(ReceiverSession(hello: hello))
    }

    // MARK: Notices

    /// Hands a notice to the control thread.
    func post(_ notice: Notice) {
        self.notices.withLock { $0.append(notice) }
        self.controlWakeup.signal()
    }

    /// The notices since the last call, in order.
    func takeNotices() -> [Notice] {
        self.notices.withLock { notices in
            let taken = notices
            notices.removeAll(keepingCapacity: true)
            return taken
        }
    }

    // MARK: Streams

    /// Counts a data thread in; nil when the session is ending or has no such stream.
    func enter(
        _ stream: StreamIndex,
        _ connection: TLSConnection
    ) -> (stage: Stage, progress: StreamProgress)? {
        self.state.withLock { state in
            guard !state.isClosing, let stage = state.stage,
                stream.index < state.streams.count, state.connections[stream] == nil
            else { return nil }
            state.connections[stream] = connection
            return (stage, state.streams[stream.index])
        }
    }

    /// Counts a data thread out.
    func leave(_ stream: StreamIndex, _ connection: TLSConnection) {
        self.state.withLock { state in
            state.wireBytes += connection.receivedBytes
            state.connections[stream] = nil
        }
        self.controlWakeup.signal()
    }

    /// Wakes the worker at the first applied bytes, and when a stream has many of them.
    func noteApplied(_ charge: ByteCount, of stream: StreamProgress) {
        let step = self.environment.limits.flushStep
        let unflushed = stream.unflushedBytes
        let isDue = unflushed >= step && unflushed < step + charge
        let isFirst = !self.isDirty.exchange(true, ordering: .acquiringAndReleasing)
        if isFirst || isDue { self.workerWakeup.signal() }
    }

    /// Whether something was applied since the last flush began.
    var hasApplied: Bool { self.isDirty.load(ordering: .acquiring) }

    /// What every stream has applied, for a flush that begins now and takes at least that.
    func beginFlush() -> [(stream: StreamProgress, applied: ByteCount)] {
        self.isDirty.store(false, ordering: .sequentiallyConsistent)
        return self.state.withLock { $0.streams }.map { ($0, $0.appliedBytes) }
    }

    /// Keeps a data thread back while more of its bytes wait for a flush than may be lost (P5).
    ///
    /// Only where a flush of little takes so long that half a window comes meanwhile: else the credit
    /// ends first.
    func waitForRoom(_ charge: ByteCount, of stream: StreamProgress) {
        while !stream.hasRoom(for: charge), !self.isClosing {
            _ = stream.room.wait(timeout: Limits.timeoutResolution)
        }
    }

    /// Whether a stream has so much that its sender would soon have to wait.
    var isFlushDue: Bool {
        let step = self.environment.limits.flushStep
        return self.state.withLock { $0.streams }.contains { $0.unflushedBytes >= step }
    }

    // MARK: Ending

    /// Lets no stream begin any more and ends those that are there.
    func beginClosing(discarding: Bool) {
        let (connections, streams) = self.state.withLock { state in
            state.isClosing = true
            state.isDiscarding = state.isDiscarding || discarding
            return (Array(state.connections.values), state.streams)
        }
        for connection in connections { connection.interrupt() }
        for stream in streams { stream.room.signal() }
        self.workerWakeup.signal()
    }

    var isClosing: Bool { self.state.withLock { $0.isClosing } }

    var hasStreams: Bool { self.state.withLock { !$0.connections.isEmpty } }

    // MARK: Status

    /// The transfer as it stands; nil before its offer.
    var status: TransferStatus? {
        self.state.withLock { state in
            guard var status = state.status else { return nil }
            status.receivedBytes = Self.sum(state.streams) { $0.receivedBytes }
            status.appliedBytes = Self.sum(state.streams) { $0.appliedBytes }
            status.durableBytes = Self.sum(state.streams) { $0.durableBytes }
            status.wireBytes =
                state.wireBytes
                + state.connections.values.reduce(ByteCount.zero) { $0 + $1.receivedBytes }
            status.driftedLeaves = state.stage?.driftedLeaves ?? status.driftedLeaves
            return status
        }
    }

    func updateStatus(_ body: @Sendable (inout TransferStatus) -> Void) {
        self.state.withLock { state in
            guard var status = state.status else { return }
            body(&status)
            state.status = status
        }
    }

    /// Tells the observer about the transfer.
    func tell(_ event: (TransferStatus) -> ReceiverEvent) {
        guard let status = self.status else { return }
        self.environment.observer.received(event(status))
    }

    private static func sum(
        _ streams: [StreamProgress],
        _ bytes: (StreamProgress) -> ByteCount
    ) -> ByteCount {
        streams.reduce(ByteCount.zero) { $0 + bytes($1) }
    }
}
