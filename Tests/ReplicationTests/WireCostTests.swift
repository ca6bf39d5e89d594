// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Receiver
import Sender
import TestSupport
import Testing
import VolumeStore

/// What a transfer puts on the wire beside its payload, counted between the two sockets.
@Suite(.serialized) struct WireCostTests {
    private static let size = 40 << 20
    private static let mebibyte = 1 << 20

    /// Handshakes of all connections, offer and answer, acknowledgements, digests of 640 leaves, and
    /// the end.
    private static let ofARun = 48 << 10
    /// TLS records have 22 bytes around 16 KiB, chunks have two headers: 1.5 in a thousand together.
    private static let ofABytePermille = 2

    @Test(arguments: [CodecChoice.none, .lz4, .deflate, .zstd])
    func aFullCopyCostsTwoThousandthsMoreThanItsPayload(codec: CodecChoice) throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: Self.size)
        // A quarter each: what does not compress, what does, written zeros, and a hole.
        for place in stride(from: 0, to: Self.size, by: 4 * Self.mebibyte) {
            try volume.write(noise(Self.mebibyte, using: &generator), at: place)
            try volume.write(Self.rows(using: &generator), at: place + Self.mebibyte)
            try volume.write(
                [UInt8](repeating: 0, count: Self.mebibyte),
                at: place + 2 * Self.mebibyte
            )
        }
        let payload = try Self.payload(of: volume, codec)
        let (result, counted) = try Self.count(volume, in: world) { $0.codec = codec }
        #expect(try world.shows(volume), "\(world.seed)")
        try Self.expect(counted, payload, result, "\(codec), \(world.seed)")
    }

    @Test func anIncrementalCostsTwoThousandthsMoreThanItsGranules() throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: Self.size)
        try volume.write(noise(Self.size, using: &generator), at: 0)
        _ = try world.run(volume)
        // Pieces of half a MiB, a tenth of the volume.
        var changed = 0
        for place in stride(from: 0, to: Self.size, by: 5 * Self.mebibyte) {
            try volume.write(noise(Self.mebibyte / 2, using: &generator), at: place)
            changed += Self.mebibyte / 2
        }
        let (result, counted) = try Self.count(volume, in: world)
        #expect(try world.shows(volume), "\(world.seed)")
        #expect(result.mode == .incremental && result.progress.changedBytes.bytes == changed)
        try Self.expect(counted, changed, result, "\(world.seed)")
    }

    private static func expect(
        _ counted: Int,
        _ payload: Int,
        _ result: ReplicationResult,
        _ facts: String
    ) throws {
        let more = counted - payload
        #expect(more > 0, "\(facts)")
        let bound = payload * Self.ofABytePermille / 1000 + Self.ofARun
        #expect(more <= bound, "payload \(payload), \(facts)")
        // What the report says is what went through the sockets.
        #expect(abs(result.progress.wireBytes.bytes - counted) <= 1024, "\(facts)")
    }

    /// Runs it through a counter.
    private static func count(
        _ volume: SourceVolume,
        in world: World,
        _ change: (inout ReplicationRequest) -> Void = { (_) in }
    ) throws -> (ReplicationResult, Int) {
        let counter = try Breaker(to: world.service.port, cutsAfter: [])
        world.route(through: counter.port)
        let result = try world.run(volume, change)
        world.route(through: world.service.port)
        counter.close()
        return (result, counter.passed)
    }

    /// What the chunks are in this codec, those that are zero left out.
    private static func payload(of volume: SourceVolume, _ codec: CodecChoice) throws -> Int {
        let file = try BlockFile.open(volume.livePath, writable: false)
        var compressor = ChunkCompressor()
        var chunk = ChunkBuffer(capacity: .mebibytes(1))
        var packed = ChunkBuffer(capacity: .mebibytes(1))
        var sum = 0
        for place in stride(from: 0, to: Self.size, by: Self.mebibyte) {
            try file.read(at: ByteOffset(place), length: Self.mebibyte, into: &chunk, at: 0)
            let range = 0..<Self.mebibyte
            if ZeroTest.isZero(chunk, range) { continue }
            let size: Int? =
                switch codec {
                case .none, .auto: nil
                case .lz4: compressor.compress(chunk, range, into: &packed, at: 0, codec: .lz4)
                case .deflate:
                    compressor.compress(chunk, range, into: &packed, at: 0, codec: .deflate)
                case .zstd: compressor.compress(chunk, range, into: &packed, at: 0, codec: .zstd)
                }
            sum += size ?? Self.mebibyte
        }
        return sum
    }

    /// Text with numbers in it.
    private static func rows(using generator: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.mebibyte + 64)
        while bytes.count < Self.mebibyte {
            bytes += "account \(generator.next() >> 24) delivered to customer ".utf8
        }
        return Array(bytes.prefix(Self.mebibyte))
    }
}
