// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import WireProtocol

/// Values for vectors and session tests; all are made from small numbers.
enum Sample {
    static func identifier<Name: Identifier>(_ number: UInt64) -> Name {
        Name(halves: Halves(high: 0x1122_3344_5566_7700 | number, low: number))
    }

    static func bytes(_ count: Int, from first: UInt8) -> [UInt8] {
        (0..<count).map { first &+ UInt8($0 & 0xff) }
    }

    static func root(_ first: UInt8) throws -> RootDigest {
        guard let root = RootDigest(self.bytes(32, from: first)) else { throw Missing() }
        return root
    }

    static func token(_ first: UInt8 = 0x40) throws -> JoinToken {
        guard let token = JoinToken(self.bytes(32, from: first)) else { throw Missing() }
        return token
    }

    struct Missing: Error {}

    static let mebibyte = 1 << 20

    static func extent(_ start: Int, _ end: Int) -> Extent {
        Extent(ByteOffset(start), ByteOffset(end))
    }

    /// What version 1.0 began with: vectors do not change when a feature comes.
    static let firstFeatures = Feature.current.filter {
        [.digestPH128, .codecLZ4, .codecDeflate].contains($0.name)
    }

    static func hello(
        _ kind: ConnectionKind,
        cluster: UInt64 = 1,
        version: WireVersion = .current,
        features: [Feature] = Feature.current
    ) -> Hello {
        Hello(
            kind: kind,
            cluster: self.identifier(cluster),
            nonce: self.identifier(9),
            software: "godwit-agent 0.1.0",
            version: version,
            features: features
        )
    }

    static func subject() throws -> Offer.Subject {
        guard let key = LineageKey(self.bytes(32, from: 0x20)) else { throw Missing() }
        return Offer.Subject(
            volume: self.identifier(2),
            lineage: self.identifier(3),
            lineageKey: key,
            name: "postgres-data"
        )
    }

    static func stamp(_ number: UInt64) throws -> GenerationStamp {
        GenerationStamp(
            number: GenerationNumber(number),
            snapshot: self.identifier(0x50 + number),
            size: .mebibytes(10),
            root: try self.root(UInt8(number))
        )
    }

    static func route(_ mode: TransferMode, size: ByteCount = .mebibytes(10)) throws -> Offer.Route
    {
        Offer.Route(
            mode: mode,
            base: mode.needsBase ? try self.stamp(6) : nil,
            target: TargetGeneration(
                number: GenerationNumber(7),
                snapshot: self.identifier(0x57),
                size: size
            )
        )
    }

    static let secret = Self.bytes(32, from: 0x80)

    static func scope(_ mode: TransferMode) throws -> ResumeTicket.Scope {
        ResumeTicket.Scope(
            pair: self.identifier(4),
            subject: try self.subject(),
            route: try self.route(mode)
        )
    }

    static func ticket(_ mode: TransferMode) throws -> ResumeTicket {
        ResumeTicket.seal(
            try self.scope(mode),
            secret: self.secret,
            nonce: self.identifier(0xb)
        )
    }

    static func offer(
        _ mode: TransferMode = .incremental,
        flags: OfferFlags = [],
        codecs: CodecSet = [.none, .lz4, .deflate],
        streams: Int = 3,
        size: ByteCount = .mebibytes(10)
    ) throws -> Offer {
        Offer(
            transfer: self.identifier(5),
            subject: try self.subject(),
            route: try self.route(mode, size: size),
            flags: flags,
            codecs: codecs,
            streams: streams,
            ticket: try self.ticket(mode)
        )
    }

    static let durable = [Self.extent(0, 65536), Self.extent(131072, 1 << 20)]

    static func acceptance(resumed: Bool = false, streams: Int = 3) throws -> Acceptance {
        Acceptance(
            token: try self.token(),
            streams: streams,
            durable: resumed ? self.durable : [],
            isResumed: resumed,
            ticket: try self.ticket(.incremental)
        )
    }

    static func accept(resumed: Bool = false, streams: Int = 3) throws -> Accept {
        Accept(
            transfer: self.identifier(5),
            token: try self.token(),
            streams: streams,
            durableBytes: resumed ? ByteCount(65536 + (1 << 20) - 131072) : .zero,
            rangeCount: resumed ? 2 : 0,
            isResumed: resumed,
            ticket: try self.ticket(.incremental)
        )
    }

    static let totals = StreamTotals(
        dataFrames: 3,
        zeroFrames: 1,
        rawBytes: .kibibytes(1028),
        zeroBytes: .mebibytes(2)
    )

    static func ack(
        _ received: Int,
        _ applied: Int,
        _ durable: Int,
        limit: Int = 64 << 20,
        stream: Int = 0
    ) -> Ack {
        Ack(
            stream: StreamIndex(stream),
            received: ByteCount(received),
            applied: ByteCount(applied),
            durable: ByteCount(durable),
            creditLimit: ByteCount(limit)
        )
    }

    static func join(stream: Int = 0) throws -> Join {
        Join(
            transfer: self.identifier(5),
            token: try self.token(),
            stream: StreamIndex(stream)
        )
    }

    static func digest(_ number: Int) -> LeafDigest {
        LeafDigest(low: UInt64(number) &* 0x0101_0101_0101_0101, high: UInt64(number))
    }

    /// 4,096 bytes of "A" as an LZ4 block, made by hand from the format's description: one literal,
    /// a match of 4,090 bytes at distance 1, five literals.
    static let lz4Block: [UInt8] =
        [0x1f, 0x41, 0x01, 0x00] + Array(repeating: 0xff, count: 15) + [0xf6]
        + [0x50, 0x41, 0x41, 0x41, 0x41, 0x41]

    /// The same as a Zstandard frame, made by hand from RFC 8878: a single segment with its length less
    /// 256 in two bytes, and one last block that repeats a byte.
    static let zstdFrame: [UInt8] =
        [0x28, 0xb5, 0x2f, 0xfd] + [0x60, 0x00, 0x0f] + [0x03, 0x80, 0x00] + [0x41]
}
