// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
public import WireProtocol

/// Frames over one TLS connection, for the one thread that owns it.
///
/// Whatever a peer sends is checked before it is believed, and ends as a frame or as a
/// `violation`, after which nothing more is received (P7). Payloads stay where they were received: 4 KiB
/// aligned in `receiveBuffer`, so that they can go on to direct I/O without a copy.
public struct FrameConnection: ~Copyable {
    /// One frame of the peer.
    public enum Received: Hashable, Sendable {
        /// A frame without payload.
        case control(ControlFrame)
        /// A data frame: its payload lies in this range of `receiveBuffer` until the next receive.
        case data(DataHeader, payload: Range<Int>)
        /// An optional frame of a later version, which was read over.
        case skipped
    }

    /// Where payloads start in `receiveBuffer`.
    public static let payloadOffset = 4096

    /// The connection below, for interruption, waiting, timeouts and counters.
    public let connection: TLSConnection
    /// The memory into which frames are received.
    public private(set) var receiveBuffer: ChunkBuffer

    /// The size of `receiveBuffer` where data is carried, and of what may take its place.
    public static let receiveCapacity =
        ByteCount(Self.payloadOffset) + Limits.dataBody + ByteCount.kibibytes(4)

    private static let bodyOffset = Self.payloadOffset - DataHeader.encodedSize
    private static let headerOffset = Self.bodyOffset - FrameHeader.encodedSize
    private static let dataPrefix = FrameHeader.encodedSize + DataHeader.encodedSize
    /// What goes into one TLS record together with its headers: small chunks cost one record.
    private static let smallPayload = 16384 - Self.dataPrefix

    private let carriesData: Bool
    private var sendBuffer: ChunkBuffer
    private var sendSequence = FrameSequence()
    private var receiveSequence = FrameSequence()
    private var failure: TransportError?
    /// Whether another transfer has the connection.
    public private(set) var isGivenAway = false

    /// Frames over a connection on which nothing has been sent yet.
    ///
    /// Without `carriesData`, as on a control connection, a data frame is a violation and the
    /// memory is 72 KiB instead of 1 MiB.
    public init(_ connection: TLSConnection, carriesData: Bool = true) {
        self.connection = connection
        self.carriesData = carriesData
        self.receiveBuffer = ChunkBuffer(
            capacity: carriesData
                ? Self.receiveCapacity
                : ByteCount(Self.payloadOffset) + Limits.controlBody + ByteCount.kibibytes(4)
        )
        self.sendBuffer = ChunkBuffer(capacity: ByteCount.kibibytes(16))
    }

    /// The frames of another transfer over a connection that rests, without data.
    init(_ resting: RestingConnection) {
        self.init(resting.connection, carriesData: false)
        self.sendSequence = resting.sent
        self.receiveSequence = resting.received
        self.connection.beginUse()
    }

    /// Gives the connection away for another transfer; nothing but `close` may follow, and does
    /// nothing.
    ///
    /// - Returns: nil where the connection has failed.
    public mutating func rest() -> RestingConnection? {
        guard self.failure == nil, !self.isGivenAway else { return nil }
        self.isGivenAway = true
        return RestingConnection(
            connection: self.connection,
            sent: self.sendSequence,
            received: self.receiveSequence
        )
    }

    // MARK: Sending

    /// Sends one frame; with `flush` it is on its way when this returns.
    public mutating func send(
        _ frame: ControlFrame,
        flags: FrameFlags = [],
        flush: Bool = true
    ) throws(TransportError) {
        let sequence = self.sendSequence.take()
        try self.connection.write(frame.encodedFrame(sequence: sequence, flags: flags))
        if flush { try self.connection.flush() }
    }

    /// Sends a chunk whose payload, compressed or not, is the range of the buffer.
    ///
    /// Without `flush` it may wait with others in the connection's buffer of 1 MiB: cheaper for
    /// small chunks, and then `flush()` must come before the sender waits for anything.
    public mutating func sendData(
        _ data: DataHeader,
        payload: borrowing ChunkBuffer,
        _ range: Range<Int>,
        flush: Bool = true
    ) throws(TransportError) {
        let header = FrameHeader(
            type: .data,
            bodyLength: DataHeader.encodedSize + range.count,
            sequence: self.sendSequence.take()
        )
        header.encode(into: &self.sendBuffer, at: 0)
        data.encode(into: &self.sendBuffer, at: FrameHeader.encodedSize)
        if range.count <= Self.smallPayload {
            self.sendBuffer.copy(payload, range, at: Self.dataPrefix)
            try self.connection.write(self.sendBuffer, 0..<Self.dataPrefix + range.count)
        } else {
            try self.connection.write(self.sendBuffer, 0..<Self.dataPrefix)
            try self.connection.write(payload, range)
        }
        if flush { try self.connection.flush() }
    }

    /// Hands everything sent so far to the network.
    public mutating func flush() throws(TransportError) { try self.connection.flush() }

    // MARK: Receiving

    /// Waits for a frame, or for another thread's wake-up.
    public mutating func waitReadable(
        timeout: Duration?,
        wakeup: Wakeup? = nil
    ) throws(TransportError) -> ReadReadiness {
        try self.connection.waitReadable(timeout: timeout, wakeup: wakeup)
    }

    /// Receives one frame.
    ///
    /// - Throws: `violation` for anything that is no frame of this protocol; tell the peer with
    ///   the error's report and close. `closed` where the peer ends.
    public mutating func receive() throws(TransportError) -> Received {
        if let failure = self.failure { throw failure }
        let result: Result<Received, TransportError>
        do throws(FrameError) {
            result = try self.receiveFrame()
        } catch {
            let failure = TransportError(.violation(error), "the peer broke the protocol: \(error)")
            self.failure = failure
            throw failure
        }
        return try result.get()
    }

    /// The frame, or why the connection ended; throws what the peer did wrong.
    private mutating func receiveFrame() throws(FrameError) -> Result<Received, TransportError> {
        let bodyOffset = Self.bodyOffset
        if let failure = self.fill(Self.headerOffset..<bodyOffset) { return .failure(failure) }
        let header = try FrameHeader.decode(self.receiveBuffer, at: Self.headerOffset)
        try self.receiveSequence.accept(header)
        if header.type == .data && !self.carriesData { throw .misplaced(.data) }
        // Within the limits of its type, and so within the buffer: the header was checked.
        let body = bodyOffset..<bodyOffset + header.bodyLength
        if let failure = self.fill(body) { return .failure(failure) }
        guard let type = header.type else { return .success(.skipped) }
        guard type == .data else {
            let frame = try ControlFrame.decode(type: type, body: self.receiveBuffer.array(body))
            return .success(.control(frame))
        }
        let data = try DataHeader.decode(self.receiveBuffer, at: bodyOffset)
        return .success(.data(data, payload: Self.payloadOffset..<body.upperBound))
    }

    /// Gives away what was received, payload and all, for another buffer of ``receiveCapacity``.
    public mutating func exchangeReceiveBuffer(for buffer: inout ChunkBuffer) {
        precondition(
            buffer.capacity == self.receiveBuffer.capacity,
            "a buffer of \(buffer.capacity) bytes for one of \(self.receiveBuffer.capacity)"
        )
        swap(&self.receiveBuffer, &buffer)
    }

    private mutating func fill(_ range: Range<Int>) -> TransportError? {
        do throws(TransportError) {
            try self.connection.read(into: &self.receiveBuffer, range)
            return nil
        } catch {
            return error
        }
    }

    // MARK: Ending

    /// Says goodbye and closes; with `afterLastWord` such that the peer surely gets what was sent
    /// last, an error report above all.
    public mutating func close(afterLastWord: Bool = false) {
        guard !self.isGivenAway else { return }
        self.connection.close(draining: afterLastWord ? Limits.lingerTime : .zero)
    }
}
