// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Identity
import Locks
import Receiver
import SecureTransport
import Sender
import TestSupport
import Testing
import VolumeStore
import WireProtocol

/// A source and a destination in one process: real pools, real files, real TLS on 127.0.0.1.
final class World: Sendable {
    static let source = ClusterID(halves: Halves(high: 0x50, low: 1))
    static let destination = ClusterID(halves: Halves(high: 0xD0, low: 2))

    private static let credentials = Result {
        try TestCredentials(of: destination, pairs: [source])
    }

    let sources: SourceStore
    let replicas: ReplicaStore
    let service: ReceiverService
    let client: TLSClient
    let threads = ThreadBudget(threads: 8)
    let seed: TestSeed
    private let random: Locked<SeededGenerator>
    /// Only kept: what is in them goes with the world.
    private let directories: [TemporaryDirectory]
    /// Another port than the service's, for tests that stand in between.
    private let port = Locked<UInt16?>(nil)

    /// Pools in temporary directories, unless others are given.
    init(
        source: String? = nil,
        destination: String? = nil,
        options: ReplicaOptions = ReplicaOptions(),
        limits: ReceiverLimits = ReceiverLimits(),
        place: @escaping @Sendable (PairIdentity, Offer) -> VolumeBacking = { (_, _) in .pool }
    ) throws {
        self.seed = TestSeed("a world")
        self.random = Locked(self.seed.generator)
        let directories = try [TemporaryDirectory(), TemporaryDirectory()]
        self.directories = directories
        self.sources = try SourceStore(pool: source ?? directories[0].path)
        self.replicas = try ReplicaStore(
            pool: destination ?? directories[1].path,
            options: options
        )
        let credentials = try Self.credentials.get()
        let listener = try TLSListener(host: "127.0.0.1", port: 0) { credentials.server }
        self.service = try ReceiverService(
            store: self.replicas,
            listener: listener,
            configuration: ReceiverConfiguration(
                cluster: Self.destination,
                software: "test",
                limits: limits,
                place: place
            ),
            authorise: { peer in
                guard case .pair(let cluster) = peer.name.role else { return nil }
                return PairIdentity(cluster: cluster, name: "test")
            },
            observer: SilentReceiver()
        )
        self.client = try Self.client(expecting: Self.destination)
        try self.service.start()
    }

    deinit { self.service.stop() }

    /// The pair's client, which trusts a server of this name only.
    static func client(expecting cluster: ClusterID) throws -> TLSClient {
        try TLSClient(
            credentials: try #require(try self.credentials.get().clients[self.source]),
            expectedServer: .agent(of: cluster)
        )
    }

    // MARK: Volumes

    /// An empty volume.
    func volume(_ name: String = "data", size: Int) throws -> SourceVolume {
        var generator = self.generator
        return try self.sources.create(
            VolumeName(name),
            size: ByteCount(size),
            using: &generator
        )
    }

    /// Another sequence at each call, all from the seed.
    var generator: SeededGenerator { SeededGenerator(seed: self.random.withLock { $0.next() }) }

    // MARK: Runs

    var environment: SenderEnvironment {
        let origin = ContinuousClock.now
        return SenderEnvironment(
            now: {
                let parts = origin.duration(to: ContinuousClock.now).components
                return MonotonicTime(
                    nanoseconds: UInt64(
                        clamping: parts.seconds * 1_000_000_000 + parts.attoseconds
                            / 1_000_000_000
                    )
                )
            },
            secondsSince1970: { 1_700_000_000 },
            random: { [self] in self.random.withLock { $0.next() } },
            backoff: [.milliseconds(20)]
        )
    }

    func request(_ volume: SourceVolume) -> ReplicationRequest {
        let environment = self.environment
        var request = ReplicationRequest(
            volume,
            to: Destination(
                host: "127.0.0.1",
                port: self.port.withLock { $0 } ?? self.service.port,
                client: self.client,
                pair: Self.destination
            ),
            as: SenderIdentity(
                cluster: Self.source,
                software: "test",
                poolSecret: [UInt8](repeating: 42, count: 32)
            ),
            limit: RateLimiter(limit: nil, now: environment.now)
        )
        request.codec = .none
        return request
    }

    /// Sends through another port from now on.
    func route(through port: UInt16) { self.port.withLock { $0 = port } }

    func run(
        _ volume: SourceVolume,
        observer: any ReplicationObserver = SilentObserver(),
        _ change: (inout ReplicationRequest) -> Void = { (_) in }
    ) throws -> ReplicationResult {
        var request = self.request(volume)
        change(&request)
        let run = Replication(
            request,
            threads: self.threads,
            environment: self.environment,
            observer: observer
        )
        defer { run.tidy() }
        return try run.run()
    }

    /// Sends until a connection breaks after so many bytes, and then gives up.
    func breakAndCancel(_ volume: SourceVolume, after bytes: Int) throws {
        let breaker = try Breaker(to: self.service.port, cutsAfter: [bytes])
        defer { breaker.close() }
        self.route(through: breaker.port)
        defer { self.route(through: self.service.port) }
        let running = Locked<Replication?>(nil)
        let events = RecordedEvents { event in
            if case .retrying = event { running.withLock { $0 }?.cancel() }
        }
        let run = Replication(
            self.request(volume),
            threads: self.threads,
            environment: self.environment,
            observer: events
        )
        running.withLock { $0 = run }
        let error = try #require(throws: ReplicationError.self) { try run.run() }
        #expect(error.code == .cancelled, "\(error)")
        running.withLock { $0 = nil }
    }

    /// An incremental whose process dies when the destination has committed, before the pair's record
    /// says so.
    ///
    /// The files are made what such a kill leaves: the run ends, and what it recorded last is taken back.
    ///
    /// - Parameters:
    ///   - volume: has been committed there before.
    ///   - recordsDigests: whether the target's became durable before the kill, and its root was recorded.
    /// - Returns: what the destination shows, and the source does not know of.
    /// - Throws: where the run fails, or nothing was committed before.
    func killedAfterCommit(
        of volume: SourceVolume,
        recordsDigests: Bool
    ) throws -> Generation {
        var record = try volume.pair(Self.destination)
        let committed = try #require(record.committed, "nothing was committed before")
        // Both in use, or the run would end with removing the base and the copy that it has sent.
        let base = try #require(try volume.reopen(committed.number, committed.snapshot))
        defer { volume.release(base) }
        let held = Locked<SourceSnapshot?>(nil)
        let holder = RecordedEvents { event in
            guard case .frozen(let number, _) = event,
                let found = try? volume.snapshots().last(where: { $0.number == number })
            else { return }
            held.withLock { $0 = try? volume.reopen(found.number, found.snapshot) }
        }
        let result = try self.run(volume, observer: holder)
        #expect(result.mode == .incremental)
        let shown = result.target
        let target = try #require(held.withLock { $0 })
        defer { volume.release(target) }
        if !recordsDigests {
            try FileManager.default.moveItem(
                atPath: target.digestsPath,
                toPath: target.workingDigestsPath
            )
            try target.forgetDigests()
        }
        record.pending = PendingTarget(
            number: shown.number,
            snapshot: shown.snapshot,
            size: shown.size,
            mode: result.mode,
            reason: nil
        )
        try volume.store(record)
        return shown
    }

    // MARK: What the destination shows

    func replica(of volume: SourceVolume) throws -> ReplicaVolume {
        try #require(self.replicas.volume(volume.id), "no replica, seed \(self.seed)")
    }

    /// Whether the destination shows exactly the bytes of a file.
    func shows(_ volume: SourceVolume, bytesOf path: String? = nil) throws -> Bool {
        let reader = try self.replica(of: volume).openVisible()
        let file = try BlockFile.open(path ?? volume.livePath, writable: false)
        let size = try file.size()
        guard reader.generation.size == size else { return false }
        var left = ChunkBuffer(capacity: .mebibytes(1))
        var right = ChunkBuffer(capacity: .mebibytes(1))
        var place = ByteOffset.zero
        while place.bytes < size.bytes {
            // Where both have a hole there is nothing to compare.
            let end = ByteOffset(size.bytes)
            let hole = min(
                try Self.holeEnd(file.nextExtent(from: place), place, end),
                try Self.holeEnd(reader.nextExtent(from: place), place, end)
            )
            if hole > place {
                place = hole
                continue
            }
            let length = min(1 << 20, size.bytes - place.bytes)
            try file.read(at: place, length: length, into: &left, at: 0)
            try reader.read(at: place, length: length, into: &right, at: 0)
            guard left.matches(0..<length, right, 0..<length) else { return false }
            place += ByteCount(length)
        }
        return true
    }

    private static func holeEnd(
        _ extent: KindedExtent?,
        _ place: ByteOffset,
        _ end: ByteOffset
    ) -> ByteOffset {
        guard let extent else { return end }
        return extent.kind == .zero ? extent.extent.end : place
    }
}

/// Listens to nothing.
struct SilentReceiver: ReceiverObserver {
    func received(_ event: ReceiverEvent) {}
}

/// Keeps what a run tells.
final class RecordedEvents: ReplicationObserver {
    private let events = Locked<[ReplicationEvent]>([])
    private let reaction: @Sendable (ReplicationEvent) -> Void

    init(_ reaction: @escaping @Sendable (ReplicationEvent) -> Void = { (_) in }) {
        self.reaction = reaction
    }

    var all: [ReplicationEvent] { self.events.withLock { $0 } }

    /// The attempts that failed and were followed by another one.
    var retries: [ReplicationEvent] {
        self.all.filter { event in
            if case .retrying = event { true } else { false }
        }
    }

    func replication(_ transfer: TransferID, _ event: ReplicationEvent) {
        self.events.withLock { $0.append(event) }
        self.reaction(event)
    }
}

extension SourceVolume {
    /// Writes as the application would.
    func write(_ bytes: [UInt8], at place: Int) throws {
        guard !bytes.isEmpty else { return }
        var buffer = ChunkBuffer(capacity: ByteCount(bytes.count))
        buffer.copy(bytes, at: 0)
        try BlockFile.open(self.livePath, writable: true)
            .write(buffer, 0..<bytes.count, at: ByteOffset(place))
    }

    /// Reads what the application has.
    func bytes(_ count: Int, at place: Int) throws -> [UInt8] {
        var buffer = ChunkBuffer(capacity: ByteCount(count))
        try BlockFile.open(self.livePath, writable: false)
            .read(at: ByteOffset(place), length: count, into: &buffer, at: 0)
        return buffer.array(0..<count)
    }

    /// Discards a range, as a trimming file system would.
    func discard(_ start: Int, _ end: Int) throws {
        try BlockFile.open(self.livePath, writable: true)
            .zero(Extent(ByteOffset(start), ByteOffset(end)))
    }
}
