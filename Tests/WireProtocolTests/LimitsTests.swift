// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Testing
import WireProtocol

/// The relations between limits that the rest relies on.
@Suite("Limits")
struct LimitsTests {
    @Test("every body fits its connection's limit")
    func bodies() {
        for type in FrameType.allCases {
            let limit = type == .data ? Limits.dataBody : Limits.controlBody
            #expect(type.bodyLengths.upperBound <= limit.bytes, "\(type.name)")
            #expect(type.bodyLengths.lowerBound > 0, "\(type.name)")
        }
        #expect(DataHeader.encodedSize == 24)
        #expect(FrameHeader.encodedSize == 32)
        #expect(Limits.dataBody == Geometry.maximumChunk + ByteCount(24))
    }

    @Test("the largest frame of each type encodes, and fills its limit")
    func largest() throws {
        let name = String(repeating: "n", count: Limits.nameLength)
        let text = String(repeating: "t", count: Limits.textLength)
        let ticket = try #require(ResumeTicket(Sample.bytes(Limits.ticketLength, from: 0)))
        let subject = try Sample.subject()
        let leaves = (0..<Limits.leavesPerGranuleQuery).map(LeafIndex.init)
        let frames: [ControlFrame] = [
            .offer(
                Offer(
                    transfer: Sample.identifier(5),
                    subject: Offer.Subject(
                        volume: subject.volume,
                        lineage: subject.lineage,
                        lineageKey: subject.lineageKey,
                        name: name
                    ),
                    route: try Sample.route(.incremental),
                    ticket: ticket
                )
            ),
            .accept(
                Accept(
                    transfer: Sample.identifier(5),
                    token: try Sample.token(),
                    streams: 1,
                    ticket: ticket
                )
            ),
            .ranges(
                Ranges(
                    (0..<Limits.rangesPerFrame).map { Sample.extent($0 * 8, $0 * 8 + 1) },
                    isLast: false
                )
            ),
            .refuse(Refusal(code: .busy, visible: try Sample.stamp(1), text: text + "more")),
            .leafDigests(
                LeafDigests(
                    first: LeafIndex(0),
                    digests: Array(repeating: .zero, count: Limits.leavesPerQuery)
                )
            ),
            .granuleQuery(GranuleQuery(leaves)),
            .granuleDigests(
                GranuleDigests(
                    leaves.map {
                        GranuleShares(leaf: $0, shares: Array(repeating: .zero, count: 16))
                    }
                )
            ),
            .abort(Abort(code: .cancelled, discard: true, text: text)),
            .error(ErrorReport(code: .busy, offset: .zero, text: text)),
        ]
        for frame in frames {
            let body = frame.encoded()
            #expect(body.count == frame.type.bodyLengths.upperBound, "\(frame.type.name)")
            #expect(try ControlFrame.decode(type: frame.type, body: body) == frame)
        }
    }

    @Test("a full hello stays under 3 KiB")
    func fullHello() throws {
        let features = try (0..<Limits.features)
            .map { number in
                let name = String(repeating: "f", count: Limits.featureNameLength - 2)
                let digits = number < 10 ? "0\(number)" : "\(number)"
                return Feature(try #require(FeatureName(name + digits)), isRequired: false)
            }
        let hello = ControlFrame.hello(Sample.hello(.control, features: features))
        let body = hello.encoded()
        #expect(body.count < 3072)
        #expect(try ControlFrame.decode(type: .hello, body: body) == hello)
    }

    @Test("windows and times fit each other")
    func relations() {
        #expect(Limits.creditWindow == Limits.durableStep + Limits.durableStep)
        #expect(Limits.minimumCreditWindow >= Geometry.maximumChunk)
        #expect(Limits.creditWindow >= Limits.minimumCreditWindow)
        #expect(Limits.creditWindow <= Limits.maximumCreditWindow)
        #expect(Limits.pingInterval * 6 <= Limits.peerTimeout)
        #expect(Limits.handshakeTimeout < Limits.peerTimeout)
        #expect((1...Limits.streams).contains(Limits.defaultStreams))
        // RFC 8446 §5.5: 2^24.5 records of at most 2^14 bytes.
        #expect(Limits.bytesPerKey.bytes < 23_726_566 * 16384 / 5)
        #expect(Limits.rangesPerTransfer * MemoryLayout<Extent>.stride == 16 << 20)
    }

    @Test("texts are cut at whole characters and lose what moves a cursor")
    func texts() {
        let report = ErrorReport(
            code: .violation,
            text: "a\u{1b}[2Jb\nc\u{2028}d" + String(repeating: "ü", count: 600)
        )
        #expect(report.text.hasPrefix("a [2Jb c d"))
        #expect(report.text.utf8.count == Limits.textLength)
        #expect(report.text.unicodeScalars.last == "ü")
    }

    @Test("every code has a number of its own, and says what it means")
    func codes() {
        #expect(Set(ProtocolCode.allCases.map(\.rawValue)).count == ProtocolCode.allCases.count)
        #expect(ProtocolCode.allCases.map(\.rawValue) == Array(1...25))
        #expect(ProtocolCode.allCases.allSatisfy { !$0.meaning.isEmpty && !$0.name.isEmpty })
    }

    @Test("time that seems to go back is no time at all")
    func time() {
        let early = MonotonicTime(nanoseconds: 5)
        let late = MonotonicTime(nanoseconds: 1_000_000_005)
        #expect(late.elapsed(since: early) == .seconds(1))
        #expect(early.elapsed(since: late) == .zero)
        #expect(early.advanced(bySeconds: 1) == late)
        #expect(MonotonicTime(nanoseconds: .max - 1).advanced(bySeconds: 9).nanoseconds == .max)
    }

    @Test("our own mistakes stop the process and are not taken for a peer's")
    func preconditions() async {
        await #expect(processExitsWith: .failure) {
            _ = DataHeader(offset: ByteOffset(1), rawLength: 4096, codec: .none, checksum: 0)
        }
        await #expect(processExitsWith: .failure) { _ = StreamIndex(16) }
        await #expect(processExitsWith: .failure) {
            _ = FrameHeader(type: .ping, bodyLength: 17, sequence: 0)
        }
        await #expect(processExitsWith: .failure) {
            var session = ReceiverSession(hello: Sample.hello(.control))
            _ = session.committed(Committed(try Sample.stamp(7)))
        }
    }
}
