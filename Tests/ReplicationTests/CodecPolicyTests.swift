// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Sender
import TestSupport
import Testing

/// One stream over a simulated link: what it would take, without any waiting.
private struct SimulatedStream {
    /// What a byte costs in reading and hashing, in nanoseconds.
    var otherCost = 0.3
    /// What a byte on the wire costs in TLS and TCP.
    var sendCost = 0.4
    var lz4Cost = 2.0
    /// Compressed over raw length; nil where the data does not compress.
    var lz4Ratio: Double? = 0.5
    var strongRatio: Double? = 0.35
    /// This stream's share of the link, in bytes for each nanosecond (so GB/s).
    var link: Double

    var policy: CodecPolicy
    var clock = 0.0
    var chunks: [ChunkCodec: Int] = [:]
    var changes = 0
    private var place = 0
    /// The instant at which the link has sent all it was given.
    private var linkIsFree = 0.0

    init(
        link: Double,
        _ choice: CodecChoice = .auto,
        accepted: Set<ChunkCodec> = [.lz4, .deflate, .zstd]
    ) {
        self.link = link
        self.policy = CodecPolicy(choice, accepted: accepted)
    }

    /// Sends chunks of 1 MiB; `noise` multiplies what each of them costs.
    mutating func send(mebibytes: Int, noise: () -> Double = { 1 }) {
        for _ in 0..<mebibytes {
            let before = self.policy.level
            self.sendChunk(noise())
            self.changes += self.policy.level == before ? 0 : 1
        }
    }

    private mutating func sendChunk(_ noise: Double) {
        let raw = Double(1 << 20)
        let place = ByteOffset(self.place)
        self.place += 1 << 20
        let codec = self.policy.codec(at: place)
        self.chunks[codec, default: 0] += 1
        self.clock += self.otherCost * raw
        var wire = raw
        if codec != .none {
            let ratio = codec == .lz4 ? self.lz4Ratio : self.strongRatio
            let cost = self.cost(of: codec, isInVain: ratio == nil) * raw * noise
            self.clock += cost
            wire = raw * (ratio ?? 1)
            self.policy.compressed(
                at: place,
                ByteCount(1 << 20),
                to: ratio.map { ByteCount(Int(raw * $0)) },
                in: .nanoseconds(Int(cost))
            )
        }
        self.clock += self.sendCost * wire
        // The socket holds 4 MiB; the write blocks until the rest has left.
        self.linkIsFree = max(self.linkIsFree, self.clock) + wire / self.link
        let blocked = max(0, self.linkIsFree - Double(4 << 20) / self.link - self.clock)
        self.clock += blocked
        self.policy.sent(
            ByteCount(1 << 20),
            as: ByteCount(Int(wire)),
            in: .nanoseconds(Int(self.sendCost * wire)),
            blocked: .nanoseconds(Int(blocked))
        )
    }

    /// Nanoseconds a byte; LZ4 runs through what does not compress, and Zstandard nearly so.
    private func cost(of codec: ChunkCodec, isInVain: Bool) -> Double {
        switch codec {
        case .none: 0
        case .lz4: isInVain ? 0.06 : self.lz4Cost
        case .deflate: 16
        case .zstd: isInVain ? 0.6 : 3.5
        }
    }

    /// Raw bytes for each nanosecond so far.
    var speed: Double { Double(self.place) / self.clock }
}

@Suite struct CodecPolicyTests {
    @Test func aFastLinkEndsUpWithoutCompression() {
        var stream = SimulatedStream(link: 2)
        stream.send(mebibytes: 1024)
        #expect(stream.policy.level == .none)
        #expect(stream.changes == 1)
        #expect(stream.chunks[.lz4] == 16, "two windows of 8 MiB")
    }

    /// Nothing waits, and still compressing takes less than encrypting what it saves.
    @Test func whereSendingIsDearerThanCompressingItIsCompressed() {
        var stream = SimulatedStream(link: 10)
        stream.sendCost = 3
        stream.lz4Cost = 1
        stream.send(mebibytes: 1024)
        #expect(stream.policy.level == .lz4)
        #expect(stream.changes == 0)
        stream.sendCost = 0.4
        stream.send(mebibytes: 1024)
        #expect(stream.policy.level == .none)
    }

    // A third of 1 Gb/s for each of three streams, where deflate would take all of a core.
    @Test(
        arguments: [([.lz4, .deflate], .lz4), ([.lz4, .zstd], .zstd)]
            as [(Set<ChunkCodec>, ChunkCodec)]
    )
    func aLinkOfAGigabitGetsWhatACoreKeepsUpWith(
        accepted: Set<ChunkCodec>,
        expected: ChunkCodec
    ) {
        var stream = SimulatedStream(link: 0.118 / 3, accepted: accepted)
        stream.send(mebibytes: 4096)
        #expect(stream.policy.level == expected)
        #expect(stream.changes == (expected == .lz4 ? 0 : 1))
    }

    @Test(arguments: [0.001, 0.005, 0.015])
    func aSlowLinkClimbs(link: Double) {
        for strong in [ChunkCodec.deflate, .zstd] {
            var stream = SimulatedStream(link: link, accepted: [.lz4, strong])
            stream.send(mebibytes: 512)
            #expect(stream.policy.level == strong)
            #expect(stream.changes == 1)
        }
    }

    @Test func deflateIsLeftAloneWhereThereIsZstandard() {
        var stream = SimulatedStream(link: 0.005)
        stream.send(mebibytes: 512)
        #expect(stream.policy.level == .zstd)
        #expect(stream.chunks[.deflate] == nil)
    }

    @Test func aVerySlowLinkDecidesAfterSecondsNotMinutes() {
        var stream = SimulatedStream(link: 0.001)
        while stream.policy.level != .zstd && stream.clock < 600e9 { stream.send(mebibytes: 1) }
        #expect(stream.clock < 30e9)
    }

    @Test func everyLinkIsNearlyAsFastAsWithItsBestFixedCodec() {
        for link in [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2] {
            var adaptive = SimulatedStream(link: link)
            adaptive.send(mebibytes: 16_384)
            let best =
                [CodecChoice.none, .lz4, .deflate, .zstd]
                .map { choice in
                    var fixed = SimulatedStream(link: link, choice)
                    fixed.send(mebibytes: 1024)
                    return fixed.speed
                }
                .max() ?? 0
            #expect(adaptive.speed > 0.9 * best, "at \(link) GB/s")
        }
    }

    @Test func aStepDownThatWasTakenBackIsTriedLessAndLess() {
        // LZ4 hides that the link is slower than raw bytes would need: 2.7 ns a byte of work
        // against 2.5 ns on the link; without compression the link would take 5 ns.
        var stream = SimulatedStream(link: 0.2)
        stream.send(mebibytes: 2048)
        let early = stream.changes
        #expect(early >= 2)
        stream.chunks = [:]
        stream.changes = 0
        stream.send(mebibytes: 65_536)
        #expect(stream.changes < 40)
        #expect((stream.chunks[.lz4] ?? 0) > 60_000)
    }

    @Test(arguments: [UInt64](1...8))
    func noiseDoesNotMakeItFlap(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var stream = SimulatedStream(link: 2)
        stream.send(mebibytes: 8192) { Double.random(in: 0.5...2, using: &generator) }
        #expect(stream.policy.level == .none, "seed \(seed)")
        #expect(stream.changes <= 3, "seed \(seed)")
    }

    @Test func aLinkThatGetsSlowerIsFollowed() {
        var stream = SimulatedStream(link: 2)
        stream.send(mebibytes: 1024)
        #expect(stream.policy.level == .none)
        stream.link = 0.01
        stream.send(mebibytes: 1024)
        #expect(stream.policy.level == .zstd)
        stream.link = 2
        stream.send(mebibytes: 1024)
        #expect(stream.policy.level == .none)
    }

    @Test func dataThatDoesNotCompressNeverClimbs() {
        var stream = SimulatedStream(link: 0.005)
        stream.lz4Ratio = nil
        stream.strongRatio = nil
        stream.send(mebibytes: 1024)
        #expect(stream.policy.level == .lz4)
        #expect(stream.chunks[.zstd] == nil)
    }

    /// What was asked for, what the destination takes, and what a stream then begins with.
    struct Beginning: Sendable {
        let choice: CodecChoice
        let accepted: Set<ChunkCodec>
        let first: ChunkCodec

        init(_ choice: CodecChoice, _ accepted: Set<ChunkCodec>, _ first: ChunkCodec) {
            self.choice = choice
            self.accepted = accepted
            self.first = first
        }
    }

    @Test(arguments: [
        Beginning(.auto, [], .none), Beginning(.auto, [.deflate], .none),
        Beginning(.auto, [.lz4], .lz4), Beginning(.auto, [.lz4, .deflate], .lz4),
        Beginning(.lz4, [.lz4], .lz4), Beginning(.lz4, [.deflate], .none),
        Beginning(.deflate, [.lz4, .deflate], .deflate), Beginning(.none, [.lz4], .none),
        Beginning(.zstd, [.lz4, .zstd], .zstd), Beginning(.zstd, [.lz4, .deflate], .none),
        Beginning(.auto, [.zstd], .none),
    ])
    func onlyWhatIsWantedAndAcceptedIsUsed(beginning: Beginning) {
        let policy = CodecPolicy(beginning.choice, accepted: beginning.accepted)
        #expect(policy.level == beginning.first)
    }

    @Test(arguments: [CodecChoice.none, .lz4, .deflate, .zstd], [0.001, 0.1, 10])
    func aFixedChoiceNeverChanges(choice: CodecChoice, link: Double) {
        var stream = SimulatedStream(link: link, choice)
        stream.send(mebibytes: 1024)
        #expect(stream.changes == 0)
    }
}

@Suite struct RegionMemoryTests {
    static let chunk = ByteCount.kibibytes(64)

    /// Offers the chunks of a region to a policy and says which were tried.
    private func tries(
        _ policy: inout CodecPolicy,
        region: Int,
        chunks: Range<Int>,
        shrinks: Bool
    ) -> [Int] {
        chunks.filter { number in
            let place = ByteOffset(region << 24 + number * Self.chunk.bytes)
            guard policy.codec(at: place) == .lz4 else { return false }
            policy.compressed(
                at: place,
                Self.chunk,
                to: shrinks ? .kibibytes(32) : nil,
                in: .microseconds(9)
            )
            return true
        }
    }

    @Test func fourTriesInVainGiveARegionUpAndEach16thChunkIsTriedAgain() {
        var policy = CodecPolicy(.lz4, accepted: [.lz4])
        let tried = self.tries(&policy, region: 0, chunks: 0..<256, shrinks: false)
        #expect(tried == [0, 1, 2, 3] + Array(stride(from: 19, to: 256, by: 16)))
    }

    @Test func aRetryThatShrinksTakesTheRegionBack() {
        var policy = CodecPolicy(.lz4, accepted: [.lz4])
        #expect(self.tries(&policy, region: 0, chunks: 0..<10, shrinks: false).count == 4)
        let tried = self.tries(&policy, region: 0, chunks: 10..<100, shrinks: true)
        #expect(tried == Array(19..<100))
    }

    @Test func aRegionAfterOneThatWasGivenUpHasASingleTry() {
        var policy = CodecPolicy(.lz4, accepted: [.lz4])
        _ = self.tries(&policy, region: 0, chunks: 0..<256, shrinks: false)
        #expect(self.tries(&policy, region: 1, chunks: 0..<16, shrinks: false) == [0])
        #expect(self.tries(&policy, region: 2, chunks: 0..<16, shrinks: true) == Array(0..<16))
        #expect(self.tries(&policy, region: 3, chunks: 0..<4, shrinks: false).count == 4)
    }

    @Test func chunksThatShrinkInBetweenKeepARegion() {
        var policy = CodecPolicy(.lz4, accepted: [.lz4])
        for round in 0..<20 {
            let first = round * 4
            let vain = self.tries(&policy, region: 5, chunks: first..<first + 3, shrinks: false)
            let good = self.tries(&policy, region: 5, chunks: first + 3..<first + 4, shrinks: true)
            #expect(vain.count == 3 && good.count == 1)
        }
    }

    @Test func eachRegionHasItsOwnVerdict() {
        var policy = CodecPolicy(.lz4, accepted: [.lz4])
        _ = self.tries(&policy, region: 7, chunks: 0..<4, shrinks: true)
        _ = self.tries(&policy, region: 8, chunks: 0..<8, shrinks: false)
        #expect(self.tries(&policy, region: 7, chunks: 4..<8, shrinks: true).count == 4)
        #expect(self.tries(&policy, region: 8, chunks: 8..<12, shrinks: false).isEmpty)
    }
}
