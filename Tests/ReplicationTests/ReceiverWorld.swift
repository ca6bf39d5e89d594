// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Foundation
import Identity
import Locks
import Receiver
import SecureTransport
import Testing
import VolumeStore
import WireProtocol

/// A receiver with its pool, and credentials of pairs; the other side is scripted by the tests.
final class ReceiverWorld: Sendable {
    static let destination = ClusterID(halves: Halves(high: 0xDE, low: 1))
    static let source = ClusterID(halves: Halves(high: 0x50, low: 1))
    static let stranger = ClusterID(halves: Halves(high: 0x50, low: 2))
    static let unknown = ClusterID(halves: Halves(high: 0x50, low: 3))

    private static let credentials = Result {
        try TestCredentials(of: destination, pairs: [source, stranger, unknown])
    }

    let service: ReceiverService
    let store: ReplicaStore
    let events: EventLog
    let pool: String
    private let listener: TLSListener
    private let revoked: RevokedPairs

    init(
        pool: String,
        limits: ReceiverLimits = ReceiverLimits(flushInterval: .milliseconds(20)),
        options: ReplicaOptions = ReplicaOptions()
    ) throws {
        self.pool = pool
        self.store = try ReplicaStore(pool: pool, options: options)
        self.events = EventLog()
        let credentials = try Self.credentials.get()
        self.listener = try TLSListener(host: "127.0.0.1", port: 0) { credentials.server }
        let revoked = RevokedPairs()
        self.revoked = revoked
        self.service = try ReceiverService(
            store: self.store,
            listener: self.listener,
            configuration: ReceiverConfiguration(
                cluster: Self.destination,
                software: "receiver test",
                limits: limits
            ),
            authorise: { peer in
                if case .pair(let cluster) = peer.name.role, revoked.contains(cluster) {
                    return nil
                }
                return switch peer.name.role {
                case .pair(Self.source): PairIdentity(cluster: Self.source, name: "east")
                case .pair(Self.stranger): PairIdentity(cluster: Self.stranger, name: "west")
                case .pair, .agent: nil
                }
            },
            observer: self.events
        )
        try self.service.start()
    }

    deinit { self.service.stop() }

    /// Revokes a pair, in the order in which an agent does.
    func revoke(_ cluster: ClusterID) {
        self.revoked.insert(cluster)
        self.service.disconnect(cluster)
    }

    /// A connection of a cluster, on which nothing was said.
    func connect(as cluster: ClusterID = source) throws -> Lane {
        let credentials = try #require(try Self.credentials.get().clients[cluster])
        let client = try TLSClient(
            credentials: credentials,
            expectedServer: .agent(of: Self.destination)
        )
        let connection = try client.connect(host: "127.0.0.1", port: self.service.port)
        // A test that waits in vain fails instead of hanging.
        connection.setReadTimeout(.seconds(20))
        return Lane(connection)
    }

    func visibleBytes(_ volume: VolumeID) throws -> [UInt8]? {
        guard let replica = self.store.volume(volume), replica.visible != nil else { return nil }
        let reader = try replica.openVisible()
        let size = reader.generation.size
        var buffer = ChunkBuffer(capacity: size)
        try reader.read(at: .zero, length: size.bytes, into: &buffer, at: 0)
        return buffer.array(0..<size.bytes)
    }
}

/// The pairs that may not come in any more.
private final class RevokedPairs: Sendable {
    private let clusters = Locked<Set<ClusterID>>([])

    func insert(_ cluster: ClusterID) { self.clusters.withLock { _ = $0.insert(cluster) } }

    func contains(_ cluster: ClusterID) -> Bool { self.clusters.withLock { $0.contains(cluster) } }
}

/// Remembers what a receiver told.
final class EventLog: ReceiverObserver {
    private let events = Locked<[ReceiverEvent]>([])

    func received(_ event: ReceiverEvent) { self.events.withLock { $0.append(event) } }

    var finished: [TransferStatus] {
        self.events.withLock { events in
            events.compactMap { event in
                if case .transferFinished(let status) = event { status } else { nil }
            }
        }
    }

    var refusedConnections: Int {
        self.events.withLock { events in
            events.count { if case .connectionRefused = $0 { true } else { false } }
        }
    }

    var drift: Int {
        self.events.withLock { events in
            events.reduce(0) { if case .driftFound(_, let leaves) = $1 { $0 + leaves } else { $0 } }
        }
    }
}

/// One connection of a scripted sender; the machine of the protocol is left out on purpose.
final class Lane {
    var frames: FrameConnection

    init(_ connection: TLSConnection) { self.frames = FrameConnection(connection) }

    func send(_ frame: ControlFrame) throws { try self.frames.send(frame) }

    /// The next frame that is no ping and no acknowledgement; acknowledgements are remembered.
    func next() throws -> ControlFrame {
        while true {
            guard case .control(let frame) = try self.frames.receive() else {
                throw TransportError(.closed, "a receiver sends no data")
            }
            switch frame {
            case .ping(let nonce): try self.send(.pong(nonce))
            case .ack(let ack): self.acks.append(ack)
            case let frame: return frame
            }
        }
    }

    /// Waits until everything that a stream has sent is durable.
    func waitDurable(_ stream: Int, _ bytes: Int) throws {
        while self.acks.last(where: { $0.stream.index == stream })?.durable.bytes ?? 0 < bytes {
            guard case .control(let frame) = try self.frames.receive() else { return }
            switch frame {
            case .ping(let nonce): try self.send(.pong(nonce))
            case .ack(let ack): self.acks.append(ack)
            case let frame: throw TransportError(.closed, "instead of an ack: \(frame)")
            }
        }
    }

    private(set) var acks: [Ack] = []

    func hello(
        _ kind: ConnectionKind,
        as cluster: ClusterID = ReceiverWorld.source,
        version: WireVersion = .current,
        features: [Feature] = Feature.current
    ) throws {
        try self.send(
            .hello(
                Hello(
                    kind: kind,
                    cluster: cluster,
                    nonce: SessionNonce(halves: Halves(high: 1, low: 1)),
                    software: "scripted",
                    version: version,
                    features: features
                )
            )
        )
        let answer = try self.next()
        guard case .hello(let hello) = answer, hello.cluster == ReceiverWorld.destination else {
            throw Unexpected(frame: answer)
        }
    }

    /// The report with which the receiver closes; whatever else comes is a failure.
    func report() throws -> ErrorReport {
        let frame = try self.next()
        guard case .error(let report) = frame else { throw Unexpected(frame: frame) }
        return report
    }

    /// Sends bytes as a chunk.
    func chunk(
        _ bytes: [UInt8],
        at place: Int,
        codec: ChunkCodec = .none,
        breaking: Bool = false
    ) throws {
        var plain = ChunkBuffer(capacity: ByteCount(bytes.count))
        plain.copy(bytes, at: 0)
        var checksum = Checksum.xxh3(plain, 0..<bytes.count)
        if breaking { checksum ^= 1 }
        var packed = ChunkBuffer(capacity: ByteCount(bytes.count))
        var compressor = ChunkCompressor()
        let count = compressor.compress(
            plain,
            0..<bytes.count,
            into: &packed,
            at: 0,
            codec: codec
        )
        let header = DataHeader(
            offset: ByteOffset(place),
            rawLength: bytes.count,
            codec: count == nil ? .none : codec,
            checksum: checksum
        )
        if let count {
            try self.frames.sendData(header: header, packed, 0..<count)
        } else {
            try self.frames.sendData(header: header, plain, 0..<bytes.count)
        }
    }

    func close() { self.frames.close() }
}

extension FrameConnection {
    fileprivate mutating func sendData(
        header: DataHeader,
        _ buffer: borrowing ChunkBuffer,
        _ range: Range<Int>
    ) throws {
        try self.sendData(header, payload: buffer, range)
    }
}

struct Unexpected: Error, CustomStringConvertible {
    let frame: ControlFrame
    var description: String { "unexpected frame \(self.frame)" }
}
