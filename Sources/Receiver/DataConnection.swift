// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Locks
import SecureTransport
import VolumeStore
import WireProtocol

/// One data connection, and the thread that owns it: each chunk is received, decompressed, checked,
/// digested and staged before the next one is looked at.
///
/// Nothing here is allocated, queued or handed over for a chunk; the buffers are made once.
struct DataConnection: ~Copyable {
    private var frames: FrameConnection
    private var stream: ReceiverStream
    private let pair: PairIdentity
    private let environment: ReceiverEnvironment
    private var decompressor = ChunkDecompressor()
    // Made large when the stream has joined: who only connects gets no memory for chunks (P6).
    private var chunk = ChunkBuffer(capacity: .zero)
    private var writer = StageWriter(largestChunk: .zero)
    private var small = SmallChunks()
    private var lane: Lane?
    private var isClosed = false

    /// What the stream works on once it has joined.
    private struct Lane {
        let transfer: IncomingTransfer
        let stage: Stage
        let progress: StreamProgress
        let index: StreamIndex
    }

    init(
        _ frames: consuming FrameConnection,
        _ pair: PairIdentity,
        _ environment: ReceiverEnvironment,
        hello: Hello
    ) {
        self.frames = frames
        self.pair = pair
        self.environment = environment
        self.stream = ReceiverStream(hello: hello)
    }

    /// Runs the stream that the client's hello begins, to its end.
    ///
    /// - Parameters:
    ///   - hello: the client's.
    ///   - mayRest: whether another stream may follow on the connection.
    /// - Returns: the connection, where that is so and the stream is complete; else it is closed.
    consuming func run(_ hello: Hello, mayRest: Bool) -> FrameConnection? {
        self.perform(self.stream.received(.hello(hello)))
        while !self.isClosed, !(mayRest && self.stream.isComplete) { self.step() }
        self.finishWrites()
        if let lane = self.lane {
            lane.transfer.leave(lane.index, self.frames.connection)
        }
        guard self.isClosed else { return self.frames }
        self.frames.close(afterLastWord: true)
        return nil
    }

    private mutating func step() {
        if self.lane == nil {
            let now = self.environment.now
            self.perform(self.stream.handleTimeout(now: now))
            guard !self.isClosed else { return }
        }
        do throws(TransportError) {
            if !self.small.isEmpty || self.writer.isBusy,
                try self.frames.waitReadable(timeout: .zero) != .readable
            {
                // Nothing more to put with them: the sender may be waiting for them.
                return self.catchUp()
            }
            self.take(try self.frames.receive())
        } catch {
            self.applySmall()
            guard !self.isClosed else { return }
            if case .violation(let frame) = error.code {
                self.perform(self.stream.malformed(frame))
            } else {
                self.perform(self.stream.connectionClosed())
            }
        }
    }

    private mutating func take(_ received: FrameConnection.Received) {
        if let lane = self.lane {
            // The sender may have heard of more credit than this thread has looked at.
            self.stream.extendCredit(to: lane.progress.creditLimit)
        }
        switch received {
        case .control(let frame):
            self.applySmall()
            // Zeros wait for nobody; whatever else is said is about what was sent before it.
            if case .zero = frame {} else { self.finishWrites() }
            guard !self.isClosed else { return }
            self.perform(self.stream.received(frame))
        case .data(let header, let payload):
            // Before the stream counts this one: what is applied must not run ahead.
            if !self.small.hasRoom(for: header) { self.applySmall() }
            guard !self.isClosed else { return }
            self.take(header, payload)
        case .skipped:
            break
        }
    }

    // MARK: Chunks

    private mutating func take(_ header: DataHeader, _ payload: Range<Int>) {
        let action = self.stream.receivedData(header, wireLength: payload.count)
        guard case .data(let extent) = action, let lane = self.lane else {
            return self.perform(action)
        }
        if SmallChunks.isSmall(header), lane.stage.readsBase {
            return self.keep(header, payload, lane)
        }
        precondition(self.small.isEmpty, "small chunks wait behind a large one")
        lane.stage.prefetch(extent)
        let range: Range<Int>
        let isIntact: Bool
        switch header.codec {
        case .none:
            // From where it was received: no copy.
            range = payload
            isIntact = Checksum.xxh3(self.frames.receiveBuffer, payload) == header.checksum
            self.frames.exchangeReceiveBuffer(for: &self.chunk)
        case .lz4, .deflate, .zstd:
            range = 0..<header.rawLength
            isIntact = self.unpack(header, payload, into: range)
        }
        guard isIntact else { return self.fail(.corrupt(header)) }
        lane.progress.noteReceived(self.stream.charged)
        lane.transfer.waitForRoom(extent.length + self.writer.pendingBytes, of: lane.progress)
        do throws(StageError) {
            try self.writer.write(
                &self.chunk,
                range,
                at: extent.start,
                to: lane.stage,
                mark: self.stream.charged
            )
        } catch {
            return self.fail(ErrorReport(error))
        }
        self.noteApplied()
    }

    // MARK: Writes under way

    /// Nothing has arrived: time for what waits here.
    private mutating func catchUp() {
        self.applySmall()
        guard !self.isClosed, let lane = self.lane else { return }
        do throws(StageError) { try self.writer.waitForOne(lane.stage) } catch {
            return self.fail(ErrorReport(error))
        }
        self.noteApplied()
    }

    /// Waits until everything that was received is staged.
    private mutating func finishWrites() {
        guard let lane = self.lane, self.writer.isBusy else { return }
        do throws(StageError) { try self.writer.drain(lane.stage) } catch {
            if !self.isClosed { self.fail(ErrorReport(error)) }
        }
        self.noteApplied()
    }

    /// Decompresses a payload into the chunk buffer; whether it has its checksum.
    private mutating func unpack(
        _ header: DataHeader,
        _ payload: Range<Int>,
        into range: Range<Int>
    ) -> Bool {
        self.decompressor.decompress(
            self.frames.receiveBuffer,
            payload,
            into: &self.chunk,
            range,
            codec: header.codec
        )
            && Checksum.xxh3(self.chunk, range) == header.checksum
    }

    /// Puts a small chunk with others, while the base's bytes in its place are read in.
    private mutating func keep(_ header: DataHeader, _ payload: Range<Int>, _ lane: Lane) {
        let range = self.small.place(for: header)
        guard self.unpack(header, payload, into: range) else {
            return self.fail(.corrupt(header))
        }
        lane.progress.noteReceived(self.stream.charged)
        self.small.add(header.extent)
        if self.small.isReadDue { self.readAhead(lane) }
    }

    /// Asks for the base's bytes in the places of the small chunks that wait.
    private mutating func readAhead(_ lane: Lane) {
        lane.stage.prefetch(self.small.takeUnread())
    }

    /// Stages the small chunks that wait.
    private mutating func applySmall() {
        guard !self.small.isEmpty, let lane = self.lane else { return }
        self.readAhead(lane)
        let waiting = self.small.byteCount + self.writer.pendingBytes
        lane.transfer.waitForRoom(waiting, of: lane.progress)
        while let (extent, range) = self.small.next() {
            do throws(StageError) {
                try lane.stage.write(
                    self.chunk,
                    range,
                    at: extent.start,
                    using: &self.writer.scratch
                )
            } catch {
                self.small.removeAll()
                return self.fail(ErrorReport(error))
            }
        }
        self.small.removeAll()
        self.writer.note(self.stream.charged)
        self.noteApplied()
    }

    private mutating func zero(_ extent: Extent) {
        guard let lane = self.lane else { return }
        lane.progress.noteReceived(self.stream.charged)
        do throws(StageError) {
            try lane.stage.zero(extent, using: &self.writer.scratch)
        } catch {
            return self.fail(ErrorReport(error))
        }
        self.writer.note(self.stream.charged)
        self.noteApplied()
    }

    /// Tells of what is staged by now.
    private func noteApplied() {
        guard let lane = self.lane else { return }
        // Only this thread moves it.
        let former = lane.progress.appliedBytes
        guard self.writer.applied > former else { return }
        let charge = self.writer.applied - former
        lane.progress.noteApplied(self.writer.applied)
        lane.transfer.noteApplied(charge, of: lane.progress)
    }

    // MARK: Questions about the base

    private mutating func answer(_ query: LeafQuery) {
        guard let lane = self.lane else { return }
        do throws(StageError) {
            let digests = try lane.stage.leafDigests(
                from: query.first,
                count: query.count,
                using: &self.writer.scratch
            )
            self.send([.leafDigests(LeafDigests(first: query.first, digests: digests))])
        } catch {
            self.fail(ErrorReport(error))
        }
    }

    private mutating func answer(_ query: GranuleQuery) {
        guard let lane = self.lane else { return }
        var answers: [GranuleShares] = []
        for leaf in query.leaves {
            do throws(StageError) {
                let shares = try lane.stage.granuleShares(of: leaf, using: &self.writer.scratch)
                answers.append(GranuleShares(leaf: leaf, shares: shares))
            } catch {
                return self.fail(ErrorReport(error))
            }
        }
        self.send([.granuleDigests(GranuleDigests(answers))])
    }

    // MARK: Actions

    private mutating func perform(_ action: ReceiverStreamAction) {
        switch action {
        case .none: break
        case .send(let frames): self.send(frames)
        case .join(let join): self.join(join)
        case .data: preconditionFailure("a chunk without its payload")
        case .zero(let extent): self.zero(extent)
        case .answerLeaves(let query): self.answer(query)
        case .answerGranules(let query): self.answer(query)
        case .ended(let totals): self.end(totals)
        case .close(let closing): self.close(closing)
        }
    }

    /// Finds the session; a stranger to it learns only that it was rejected (P8).
    private mutating func join(_ join: Join) {
        let transfer = self.environment.registry.transfer(join.transfer)
        guard let transfer, transfer.pair == self.pair else {
            return self.fail(.unknownTransfer)
        }
        switch transfer.session.withLock({ $0.admit(join) }) {
        case .rejected(let report):
            self.fail(report)
        case .admitted(let terms):
            guard let (stage, progress) = transfer.enter(terms.stream, self.frames.connection)
            else { return self.fail(.unknownTransfer) }
            self.lane = Lane(
                transfer: transfer,
                stage: stage,
                progress: progress,
                index: terms.stream
            )
            self.chunk = ChunkBuffer(capacity: FrameConnection.receiveCapacity, isKept: true)
            self.writer = StageWriter()
            // From here on the control connection tells whether the peer is alive.
            self.frames.connection.setReadTimeout(nil)
            self.perform(self.stream.joined(terms))
        }
    }

    private mutating func end(_ totals: StreamTotals) {
        guard let lane = self.lane else { return }
        let action = lane.transfer.session.withLock { $0.streamEnded(lane.index, totals: totals) }
        lane.transfer.post(.perform(action))
    }

    private mutating func send(_ frames: [ControlFrame]) {
        do throws(TransportError) {
            for frame in frames { try self.frames.send(frame, flush: false) }
            try self.frames.flush()
        } catch {
            self.perform(self.stream.connectionClosed())
        }
    }

    private mutating func fail(_ report: ErrorReport) { self.perform(self.stream.failed(report)) }

    private mutating func close(_ closing: Closing) {
        self.isClosed = true
        if let frame = closing.lastFrame {
            try? self.frames.send(frame)
        }
        guard let lane = self.lane, let cause = closing.cause else { return }
        lane.transfer.post(.failed(cause))
    }
}

extension ErrorReport {
    fileprivate static let unknownTransfer = Self(
        code: .notAuthorised,
        text: "there is no such transfer of this pair"
    )

    fileprivate static func corrupt(_ header: DataHeader) -> Self {
        Self(
            code: .corruptData,
            offset: header.offset,
            text: "the chunk at \(header.offset.bytes) does not have its checksum"
        )
    }
}
