// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
public import SecureTransport
public import VolumeStore
public import WireProtocol

/// Where a volume is sent to.
public struct Destination: Sendable {
    /// A host name or address of the destination agent.
    public let host: String

    /// Its data port, 9010 unless it was moved.
    public let port: UInt16

    /// The credentials of the pair.
    public let client: TLSClient

    /// The destination cluster: names the pair in this side's records.
    public let pair: ClusterID

    /// The destination as it is known at the moment; asked before each attempt but the first.
    ///
    /// A run may last longer than a certificate, and its next connection needs the renewed one.
    private let present: @Sendable () -> Destination?

    /// A destination of all its parts.
    public init(
        host: String,
        port: UInt16,
        client: TLSClient,
        pair: ClusterID,
        present: @escaping @Sendable () -> Destination? = { nil }
    ) {
        self.host = host
        self.port = port
        self.client = client
        self.pair = pair
        self.present = present
    }

    /// Frames over a connection to it, which may have served another transfer.
    func open(_ interruption: ConnectInterruption) throws(StreamFailure) -> FrameConnection {
        try transporting { () throws(TransportError) in
            try self.client.open(
                host: self.host,
                port: self.port,
                timeout: SenderLimits.connectTimeout,
                interruption: interruption
            )
        }
    }

    /// Takes over what has changed since, where that is still the same cluster.
    mutating func refresh() {
        guard let present = self.present(), present.pair == self.pair else { return }
        self = present
    }
}

/// Who sends: what the agent as a whole knows, the same for all its transfers.
public struct SenderIdentity: Sendable {
    /// This installation.
    public let cluster: ClusterID

    /// Program and version, for the logs of the other side.
    public let software: String

    /// What hellos say that this side speaks; another one than the current only in tests.
    public let version: WireVersion

    /// Seals resume tickets: at least 32 random bytes that never leave the pool.
    public let poolSecret: [UInt8]

    /// An identity of all its parts.
    public init(
        cluster: ClusterID,
        software: String,
        version: WireVersion = .current,
        poolSecret: [UInt8]
    ) {
        precondition(
            poolSecret.count >= 32,
            "a secret of \(poolSecret.count) bytes can be guessed"
        )
        self.cluster = cluster
        self.software = software
        self.version = version
        self.poolSecret = poolSecret
    }
}

/// Which codec chunks get.
public enum CodecChoice: String, Hashable, Sendable, CaseIterable {
    /// What pays off, chunk by chunk (docs/decisions/0004, 0029).
    case auto
    /// Chunks as they are.
    case none
    /// LZ4 blocks, where they get smaller.
    case lz4
    /// Deflate streams, where they get smaller: for slow links and destinations without Zstandard.
    case deflate
    /// Zstandard frames, where they get smaller: for slow links.
    case zstd
}

/// A view of a volume that somebody has frozen, and that a run is to bring.
public struct FrozenTarget: Hashable, Sendable {
    /// The number of the generation.
    public let number: GenerationNumber
    /// The frozen view.
    public let snapshot: SnapshotID

    /// The view of this number and identity.
    public init(number: GenerationNumber, snapshot: SnapshotID) {
        self.number = number
        self.snapshot = snapshot
    }
}

/// What a run is to do.
public struct ReplicationRequest: Sendable {
    /// What is sent.
    public var volume: SourceVolume

    /// Where to.
    public var destination: Destination

    /// By whom.
    public var identity: SenderIdentity

    /// What to bring; nil for what the volume holds when the run begins.
    ///
    /// The destination may hold such a target back: then a run that has brought all of it ends with
    /// `busy`, and one that comes after the release finds it committed.
    public var target: FrozenTarget?

    /// Full, or as the cadence says.
    public var mode = RequestedMode.automatic(.standard)

    /// Which codec chunks get.
    public var codec = CodecChoice.auto

    /// The data connections wanted, 1...16; the destination may allow fewer.
    public var streams: Int

    /// The bandwidth; shared with whoever changes it while the run goes on.
    public var limit: RateLimiter

    /// Whether the target may be smaller than what the destination has.
    public var allowShrink = false

    /// A run with the usual settings.
    public init(
        _ volume: SourceVolume,
        to destination: Destination,
        as identity: SenderIdentity,
        limit: RateLimiter
    ) {
        self.volume = volume
        self.destination = destination
        self.identity = identity
        self.streams = Limits.defaultStreams
        self.limit = limit
    }
}
