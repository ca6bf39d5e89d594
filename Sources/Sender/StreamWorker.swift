// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import SecureTransport
import VolumeStore
import WireProtocol

/// What a granule needs.
enum GranuleKind: UInt8 {
    /// The destination has it.
    case same
    case data
    case zero
}

/// One data connection with its thread's memory; runs each piece of work to its end.
///
/// Read, compare, digest, compress and send happen one after the other in private buffers that are
/// still in the cache: the shape that was fastest (docs/architecture.md). Nothing is allocated for a
/// chunk. Made inside its thread and never leaves it.
struct StreamWorker: ~Copyable {
    let context: TransferContext
    let index: StreamIndex
    /// The ranges that are durable at the destination already (P5).
    let durable: DurableRanges

    var connection: FrameConnection
    var stream: SenderStream

    /// Bytes of the snapshot, and of the base's clone where there is one.
    var target: ChunkBuffer
    var base: ChunkBuffer
    var packed: ChunkBuffer
    var compressor = ChunkCompressor()
    var policy: CodecPolicy

    /// For each granule in `target`, what it needs.
    var kinds: [GranuleKind]
    /// Shares to take into the digests after the present unit.
    var changes: [(leaf: LeafIndex, share: LeafDigest)] = []
    /// Digests of the leaves of the present unit, and what they were.
    var digests: [LeafDigest] = []
    var formerDigests: [LeafDigest] = []
    /// Leaves that differ, and whose granules the destination has to be asked about.
    var dirty: [LeafIndex] = []
    /// Zeros that were found and not sent, in case more follow.
    var zeros: Extent?

    /// A worker on a connection that carries no other stream.
    init(
        _ context: TransferContext,
        _ session: StreamSession,
        _ index: StreamIndex,
        _ connection: consuming FrameConnection
    ) {
        self.context = context
        self.index = index
        self.durable = session.durable
        self.connection = connection
        self.stream = SenderStream(
            hello: session.hello,
            join: Join(transfer: context.transfer, token: session.token, stream: index)
        )
        self.target = ChunkBuffer(capacity: Geometry.maximumChunk, isKept: true)
        self.base = ChunkBuffer(
            capacity: context.base == nil ? Geometry.granule : Geometry.maximumChunk,
            isKept: true
        )
        self.packed = ChunkBuffer(capacity: Geometry.maximumChunk, isKept: true)
        self.policy = CodecPolicy(context.request.codec, accepted: session.codecs)
        let granules = Geometry.maximumChunk.bytes / Geometry.granule.bytes
        self.kinds = Array(repeating: .same, count: granules)
        self.changes.reserveCapacity(granules)
        self.digests.reserveCapacity(SenderLimits.verifyUnitLeaves)
        self.formerDigests.reserveCapacity(SenderLimits.verifyUnitLeaves)
        self.dirty.reserveCapacity(Limits.leavesPerGranuleQuery)
    }

    /// A data connection of the session, known to whoever may have to interrupt it.
    static func connect(_ context: TransferContext) throws(StreamFailure) -> FrameConnection {
        let connection = try context.request.destination.open(context.connecting)
        let tls = connection.connection
        let isOver = context.state.update { state in
            state.connections.append(tls)
            return state.isOver
        }
        guard !isOver else { throw .stopped }
        return connection
    }

    /// Leaves the connection of a complete stream for another transfer.
    mutating func rest() {
        let tls = self.connection.connection
        guard self.context.state.update({ $0.release(tls) }), let resting = self.connection.rest()
        else { return }
        self.context.state.update { $0.resting.append(resting) }
    }

    /// Joins the session, works until nothing is left, and ends the stream; true when its end frame was sent.
    mutating func run() throws(StreamFailure) -> Bool {
        try self.join()
        var batch = WorkBatch()
        while try self.takeWork(into: &batch) {
            for unit in batch.units { try self.perform(unit) }
        }
        try self.resolveDirty()
        try self.sendZeros()
        let isComplete = self.context.dispenser.isExhausted
        if isComplete { _ = try self.perform(self.stream.end()) }
        try self.flush()
        return isComplete
    }

    private mutating func perform(_ unit: WorkUnit) throws(StreamFailure) {
        switch unit.task {
        case .data: try self.process(unit.extent)
        case .replaced: try self.replaceLeaves(unit.extent)
        case .zero: try self.processZeros(unit.extent)
        case .audit: return try self.audit(unit.extent)
        }
        self.context.progress.covered.reach(unit.extent.end)
    }

    private func takeWork(into batch: inout WorkBatch) throws(StreamFailure) -> Bool {
        if self.context.state.read({ $0.isOver }) { throw .stopped }
        do throws(StoreError) {
            return try self.context.dispenser.next(into: &batch)
        } catch {
            throw .store(error)
        }
    }

    // MARK: The beginning

    private mutating func join() throws(StreamFailure) {
        self.connection.connection.setReadTimeout(Limits.handshakeTimeout)
        try self.send(self.stream.start())
        while !self.stream.isStreaming { _ = try self.receive() }
        self.connection.connection.setReadTimeout(SenderLimits.answerTimeout)
        // One write, of which the kernel takes not a single byte.
        self.connection.connection.setWriteTimeout(self.context.environment.stallLimit)
    }

    // MARK: Frames

    /// An answer of the destination.
    enum Answer {
        case leaves([LeafDigest])
        case granules([GranuleShares])
    }

    /// Does what the stream says; an answer, if there is one.
    mutating func perform(_ action: SenderStreamAction) throws(StreamFailure) -> Answer? {
        switch action {
        case .none, .ready: return nil
        case .send(let frames):
            try self.send(frames)
            return nil
        case .leafDigests(let digests): return .leaves(digests.digests)
        case .granuleDigests(let digests): return .granules(digests.leaves)
        case .close(let closing):
            if let frame = closing.lastFrame {
                try self.send([frame])
                self.connection.close(afterLastWord: true)
            }
            throw .peer(
                closing.cause ?? ErrorReport(code: .streamLost, text: "the stream was closed")
            )
        }
    }

    /// Sends frames at once: the destination waits for them.
    private mutating func send(_ frames: [ControlFrame]) throws(StreamFailure) {
        for frame in frames { try self.append(frame) }
        try self.flush()
    }

    /// Sends a frame together with what follows.
    mutating func append(_ frame: ControlFrame) throws(StreamFailure) {
        do throws(TransportError) {
            try self.connection.send(frame, flush: false)
        } catch {
            throw .transport(error)
        }
    }

    mutating func flush() throws(StreamFailure) {
        do throws(TransportError) {
            try self.connection.flush()
        } catch {
            throw .transport(error)
        }
    }

    /// Takes the next frame of the destination.
    private mutating func receive() throws(StreamFailure) -> Answer? {
        let received: FrameConnection.Received
        do throws(TransportError) {
            received = try self.connection.receive()
        } catch {
            guard case .violation(let violation) = error.code else { throw .transport(error) }
            return try self.perform(self.stream.malformed(violation))
        }
        switch received {
        case .control(let frame): return try self.perform(self.stream.received(frame))
        case .data: return try self.perform(self.stream.malformed(.misplaced(.data)))
        case .skipped: return nil
        }
    }

    /// Waits for the answer to a question; the machine lets nothing else through.
    mutating func answer() throws(StreamFailure) -> Answer {
        while true {
            if let answer = try self.receive() { return answer }
        }
    }
}

/// What the control connection agreed on, for each data connection.
struct StreamSession: Sendable {
    let hello: Hello
    let token: JoinToken
    let codecs: Set<ChunkCodec>
    let durable: DurableRanges
}
