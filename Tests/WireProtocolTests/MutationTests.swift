// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Foundation
import TestSupport
import Testing
import WireProtocol

/// P7: no bytes of a peer trap, whatever they are; they are frames or a reason why not.
@Suite("Mutated bytes")
struct MutationTests {
    /// Frames per run; a nightly run sets more.
    private static let count = Environment.number("GODWIT_MUTATIONS") ?? 200_000

    @Test("200,000 mutated frames give a value or an error, and what is a value encodes again")
    func mutatedFrames() throws {
        var random = TestSeed("mutated frames").generator
        let seeds = try ValidVector.all().map(\.bytes).filter { $0.count < 1024 }
        var buffer = ChunkBuffer(capacity: .kibibytes(2))
        var values = 0
        var errors: Set<String> = []
        for _ in 0..<Self.count {
            var bytes = seeds.randomElement(using: &random) ?? []
            Mutation.apply(to: &bytes, using: &random)
            guard bytes.count >= FrameHeader.encodedSize else { continue }
            do throws(FrameError) {
                try self.decode(bytes, &buffer)
                values += 1
            } catch {
                errors.insert(Self.kind(of: error))
            }
        }
        // Mutations that repair their checksums must get behind them in both directions.
        #expect(values > Self.count / 100)
        #expect(errors.count >= 12, "only \(errors.sorted()) were seen")
    }

    /// As a shell does: the header, then as many bytes of the body as it says.
    private func decode(_ bytes: [UInt8], _ buffer: inout ChunkBuffer) throws(FrameError) {
        buffer.copy(bytes, at: 0)
        let header = try FrameHeader.decode(buffer, at: 0)
        guard let type = header.type else { return }
        let body = Array(bytes[FrameHeader.encodedSize...].prefix(header.bodyLength))
        // A short body would still be waited for; what is there is tried as if it were all.
        guard type != .data else {
            if body.count >= DataHeader.encodedSize {
                let data = try DataHeader.decode(buffer, at: FrameHeader.encodedSize)
                #expect(data.extent.end.bytes <= Geometry.maximumVolume.bytes + 1 << 20)
            }
            return
        }
        let frame = try ControlFrame.decode(type: type, body: body)
        if frame.encoded() != body { Issue.record("\(frame) does not encode to \(body)") }
    }

    private static func kind(of error: FrameError) -> String {
        String(String(reflecting: Mirror(reflecting: error).children.first?.label ?? "\(error)"))
    }

    @Test("random frames in random order never trap a machine, and end it or leave it open")
    func randomScripts() throws {
        var random = TestSeed("random scripts").generator
        let frames = try ValidVector.all()
            .compactMap { vector -> ControlFrame? in
                if case .control(let frame) = vector.frame { frame } else { nil }
            }
        for _ in 0..<3000 { try self.script(frames, &random) }
    }

    private func script(_ frames: [ControlFrame], _ random: inout SeededGenerator) throws {
        var sender = SenderSession(hello: Sample.hello(.control), offer: try Sample.offer())
        var receiver = ReceiverSession(hello: Sample.hello(.control))
        var incoming = ReceiverStream(hello: Sample.hello(.data))
        var outgoing = SenderStream(hello: Sample.hello(.data), join: try Sample.join(stream: 2))
        // Openings by the rules now and then, so that later states are reached too.
        if Bool.random(using: &random) {
            _ = sender.received(.hello(Sample.hello(.control)))
            _ = sender.received(.accept(try Sample.accept(resumed: Bool.random(using: &random))))
            _ = receiver.received(.hello(Sample.hello(.control)))
            _ = receiver.received(.offer(try Sample.offer()))
            _ = receiver.decided(.accept(try Sample.acceptance()))
            _ = incoming.received(.hello(Sample.hello(.data)))
            _ = incoming.received(.join(try Sample.join(stream: 2)))
            if case .admitted(let terms) = receiver.admit(try Sample.join(stream: 2)) {
                _ = incoming.joined(terms)
            }
            _ = outgoing.received(.hello(Sample.hello(.data)))
            _ = outgoing.received(
                .joined(Joined(stream: StreamIndex(2), creditLimit: Limits.creditWindow))
            )
        }
        for step in 0..<24 {
            guard let frame = frames.randomElement(using: &random) else { return }
            let now = MonotonicTime(nanoseconds: UInt64(step) * 1_500_000_000)
            _ = sender.received(frame)
            _ = receiver.received(frame)
            _ = outgoing.received(frame)
            if case .join = incoming.received(frame) {
                _ = incoming.failed(ErrorReport(code: .notAuthorised, text: "no"))
            }
            if case .decide = receiver.received(frame) {
                _ = receiver.decided(.accept(try Sample.acceptance()))
            }
            _ = incoming.receivedData(
                DataHeader(
                    offset: ByteOffset(4096 * Int.random(in: 0..<1 << 34, using: &random)),
                    rawLength: Int.random(in: 1...1 << 20, using: &random),
                    codec: ChunkCodec.allCases.randomElement(using: &random) ?? .none,
                    checksum: 0
                ),
                wireLength: Int.random(in: 0...1 << 20, using: &random)
            )
            if case .ack(let ack) = frame { _ = outgoing.acknowledged(ack) }
            _ = sender.handleTimeout(now: now)
            _ = receiver.handleTimeout(now: now)
            _ = incoming.handleTimeout(now: now)
        }
        #expect(incoming.charged <= Limits.creditWindow)
        #expect(outgoing.totals == StreamTotals())
    }
}

/// Small lies about a frame; half of them repair the checksums, to get behind them.
private enum Mutation {
    private static let numbers: [UInt64] = [
        0, 1, 2, 4095, 4096, 65535, 65536, 1 << 20, 1 << 31, 1 << 32, 1 << 46, 1 << 62,
        (1 << 63) - 1, 1 << 63, .max - 4095, .max,
    ]

    static func apply(to bytes: inout [UInt8], using random: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...3, using: &random) { self.change(&bytes, &random) }
        guard Bool.random(using: &random), bytes.count >= FrameHeader.encodedSize else { return }
        self.repair(&bytes, repairLength: Bool.random(using: &random))
    }

    private static func change(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes.removeSubrange(place..<min(place + 8, bytes.count))
        case 3: bytes.insert(contentsOf: bytes[place...].prefix(16), at: place)
        case 4: bytes.removeLast(min(bytes.count, Int.random(in: 0...16, using: &random)))
        default:
            let number = WireBytes.number(self.numbers.randomElement(using: &random) ?? 0)
            let size = [1, 2, 4, 8].randomElement(using: &random) ?? 8
            let end = min(place + size, bytes.count)
            bytes.replaceSubrange(place..<end, with: number[..<(end - place)])
        }
    }

    private static func repair(_ bytes: inout [UInt8], repairLength: Bool) {
        let size = FrameHeader.encodedSize
        if bytes.count >= size + 8, bytes[4] != FrameType.data.rawValue {
            let body = Array(bytes[size..<bytes.count - 8])
            bytes.replaceSubrange((bytes.count - 8)..., with: WireBytes.number(Checksum.xxh3(body)))
        }
        if repairLength {
            bytes.replaceSubrange(8..<12, with: WireBytes.number(UInt32(bytes.count - size)))
        }
        bytes.replaceSubrange(24..<32, with: WireBytes.number(Checksum.xxh3(Array(bytes[..<24]))))
    }
}

/// What the environment says about random tests.
enum Environment {
    static func number(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }
}
