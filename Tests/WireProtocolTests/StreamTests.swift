// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Testing
import WireProtocol

/// What can happen to a ``ReceiverStream``.
enum ReceiverStreamEvent {
    case receives(ControlFrame)
    case data(Int, Int, ChunkCodec, wire: Int)
    case joins(StreamTerms)
    case extends(Int)
    case fails(ErrorReport)
    case loses
    case waits(until: UInt64)
}

extension ReceiverStream {
    mutating func perform(_ event: ReceiverStreamEvent) -> ReceiverStreamAction {
        switch event {
        case .receives(let frame): return self.received(frame)
        case .data(let offset, let length, let codec, let wire):
            let header = DataHeader(
                offset: ByteOffset(offset),
                rawLength: length,
                codec: codec,
                checksum: 0
            )
            return self.receivedData(header, wireLength: wire)
        case .joins(let terms): return self.joined(terms)
        case .extends(let limit):
            self.extendCredit(to: ByteCount(limit))
            return .none
        case .fails(let report): return self.failed(report)
        case .loses: return self.connectionClosed()
        case .waits(let seconds):
            return self.handleTimeout(now: MonotonicTime(nanoseconds: seconds * 1_000_000_000))
        }
    }
}

/// Each line is an event and the action that follows.
@Suite("The receiver's stream")
struct ReceiverStreamTests {
    typealias Line = (ReceiverStreamEvent, ReceiverStreamAction)

    /// 10 MiB and 100 bytes: the last granule and the last leaf are short.
    private static let size = ByteCount((10 << 20) + 100)

    private static func terms(
        codecs: CodecSet = .all,
        allowsQueries: Bool = true,
        credit: ByteCount = .mebibytes(32)
    ) -> StreamTerms {
        StreamTerms(
            stream: StreamIndex(0),
            size: Self.size,
            codecs: codecs,
            allowsQueries: allowsQueries,
            creditLimit: credit
        )
    }

    private static func opening(_ terms: StreamTerms) throws -> [Line] {
        let hello = ControlFrame.hello(Sample.hello(.data))
        let join = try Sample.join()
        return [
            (.receives(hello), .send([hello])), (.receives(.join(join)), .join(join)),
            (
                .joins(terms),
                .send([.joined(Joined(stream: terms.stream, creditLimit: terms.creditLimit))])
            ),
        ]
    }

    private static func open(_ terms: StreamTerms) throws -> ReceiverStream {
        var stream = ReceiverStream(hello: Sample.hello(.data))
        for line in try Self.opening(terms) { _ = stream.perform(line.0) }
        return stream
    }

    private func check(
        _ stream: inout ReceiverStream,
        _ lines: [Line],
        at location: SourceLocation = #_sourceLocation
    ) {
        for (index, line) in lines.enumerated() {
            let action = stream.perform(line.0)
            #expect(action == line.1, "line \(index): \(line.0)", sourceLocation: location)
        }
    }

    @Test("joins, takes chunks, zero records and questions, and ends with what it counted")
    func happyPath() throws {
        var stream = ReceiverStream(hello: Sample.hello(.data))
        let leaves = LeafQuery(first: LeafIndex(159), count: 2)
        let granules = GranuleQuery([LeafIndex(0), LeafIndex(160)])
        let totals = StreamTotals(
            dataFrames: 3,
            zeroFrames: 1,
            rawBytes: ByteCount((1 << 20) + 4096 + 100),
            zeroBytes: .mebibytes(4)
        )
        self.check(
            &stream,
            try Self.opening(Self.terms()) + [
                (.data(0, 1 << 20, .none, wire: 1 << 20), .data(Sample.extent(0, 1 << 20))),
                (
                    .data(8 << 20, 4096, .lz4, wire: 26),
                    .data(Sample.extent(8 << 20, (8 << 20) + 4096))
                ),
                (
                    .data(10 << 20, 100, .deflate, wire: 99),
                    .data(Sample.extent(10 << 20, (10 << 20) + 100))
                ),
                (
                    .receives(.zero(ZeroExtent(Sample.extent(2 << 20, 6 << 20)))),
                    .zero(Sample.extent(2 << 20, 6 << 20))
                ),
                (.receives(.leafQuery(leaves)), .answerLeaves(leaves)),
                (.receives(.granuleQuery(granules)), .answerGranules(granules)),
            ]
        )
        let charged = stream.charged
        #expect(charged == ByteCount((1 << 20) + 4096 + 100 + 4096))
        self.check(
            &stream,
            [
                (.receives(.end(totals)), .ended(totals)), (.loses, .close(.finished)),
                (.loses, .none),
            ]
        )
    }

    @Test(
        "refuses what does not fit the target, the codec or its length",
        arguments: [
            (10 << 20, 4096, ChunkCodec.none, 4096), (10 << 20, 99, .none, 99),
            (4096, 100, .none, 100), (11 << 20, 4096, .none, 4096),
            (63 << 40, 1 << 20, .none, 1 << 20), (0, 4096, .none, 4095), (0, 4096, .lz4, 4096),
            (0, 4096, .deflate, 0), (0, 4096, .lz4, -1),
        ]
    )
    func misplaced(offset: Int, length: Int, codec: ChunkCodec, wire: Int) throws {
        var stream = try Self.open(Self.terms())
        let action = stream.perform(.data(offset, length, codec, wire: wire))
        #expect(action.violates)
        guard case .close(.failing(let report)) = action else { return }
        #expect(report.offset == ByteOffset(offset))
    }

    @Test("refuses a codec that the offer did not name")
    func codec() throws {
        var stream = try Self.open(Self.terms(codecs: [.none, .lz4]))
        let right = stream.perform(.data(0, 4096, .lz4, wire: 100))
        let wrong = stream.perform(.data(4096, 4096, .deflate, wire: 100))
        #expect(right == .data(Sample.extent(0, 4096)))
        #expect(wrong.violates)
    }

    @Test("refuses zeros outside of the target or off the granules")
    func misplacedZeros() throws {
        let extents = [
            Sample.extent(10 << 20, (10 << 20) + 4096), Sample.extent(0, 100),
            Sample.extent(0, 64 << 40), Sample.extent(4096, 8193),
        ]
        for extent in extents {
            var stream = try Self.open(Self.terms())
            let action = stream.received(.zero(ZeroExtent(extent)))
            #expect(action.violates, "\(extent)")
        }
        var stream = try Self.open(Self.terms())
        let whole = Sample.extent(0, Self.size.bytes)
        let action = stream.received(.zero(ZeroExtent(whole)))
        #expect(action == .zero(whole))
    }

    @Test("refuses more bytes than the target has, however they come")
    func tooMuch() throws {
        var stream = try Self.open(Self.terms())
        _ = stream.received(.zero(ZeroExtent(Sample.extent(0, Self.size.bytes))))
        let zero = stream.received(.zero(ZeroExtent(Sample.extent(0, 4096))))
        #expect(zero.violates)
    }

    @Test("takes exactly what the credit allows, and more after it was extended")
    func credit() throws {
        var stream = try Self.open(Self.terms(credit: .kibibytes(8)))
        self.check(
            &stream,
            [
                (.data(0, 4096, .none, wire: 4096), .data(Sample.extent(0, 4096))),
                (
                    .receives(.zero(ZeroExtent(Sample.extent(1 << 20, 2 << 20)))),
                    .zero(Sample.extent(1 << 20, 2 << 20))
                ),
                (.extends(12288), .none), (.extends(8192), .none),
                (.data(4096, 4096, .none, wire: 4096), .data(Sample.extent(4096, 8192))),
            ]
        )
        let over = stream.perform(.data(8192, 4096, .none, wire: 4096))
        #expect(over.violates)
    }

    @Test("answers questions only about leaves of the target, and only where there is a base")
    func queries() throws {
        let leaves = ControlFrame.leafQuery(LeafQuery(first: LeafIndex(160), count: 2))
        let granules = ControlFrame.granuleQuery(GranuleQuery([LeafIndex(0), LeafIndex(161)]))
        let fine = ControlFrame.leafQuery(LeafQuery(first: LeafIndex(0), count: 161))
        for frame in [leaves, granules] {
            var stream = try Self.open(Self.terms())
            let action = stream.received(frame)
            #expect(action.violates)
        }
        for frame in [fine, .granuleQuery(GranuleQuery([LeafIndex(0)]))] {
            var withBase = try Self.open(Self.terms())
            let answered = withBase.received(frame)
            #expect(!answered.violates)
            var without = try Self.open(Self.terms(allowsQueries: false))
            let refused = without.received(frame)
            #expect(refused.violates)
        }
    }

    @Test("refuses an end that counts otherwise, or comes twice")
    func wrongEnd() throws {
        var stream = try Self.open(Self.terms())
        _ = stream.perform(.data(0, 4096, .none, wire: 4096))
        let wrong = stream.received(.end(StreamTotals()))
        #expect(wrong.violates)
        var twice = try Self.open(Self.terms())
        _ = twice.received(.end(StreamTotals()))
        let second = twice.received(.end(StreamTotals()))
        #expect(second.violates)
    }

    @Test("a rejected, a broken and a silent connection end")
    func endings() throws {
        let report = ErrorReport(code: .notAuthorised, text: "no")
        var rejected = ReceiverStream(hello: Sample.hello(.data))
        let opening = try Self.opening(Self.terms())
        self.check(
            &rejected,
            Array(opening[..<2]) + [
                (.fails(report), .close(.failing(report))), (.joins(Self.terms()), .none),
            ]
        )
        var broken = try Self.open(Self.terms())
        let lost = ErrorReport(
            code: .streamLost,
            text: "the peer closed the connection while streaming"
        )
        self.check(&broken, [(.loses, .close(.lost(lost))), (.loses, .none)])
        var silent = ReceiverStream(hello: Sample.hello(.data))
        self.check(&silent, [(.waits(until: 3), .none), opening[0], (.waits(until: 12), .none)])
        guard case .close(.lost(let late)) = silent.perform(.waits(until: 13)) else {
            Issue.record("the stream still waits for its join")
            return
        }
        #expect(late.code == .timedOut)
        var joined = try Self.open(Self.terms())
        self.check(&joined, [(.waits(until: 3), .none), (.waits(until: 9999), .none)])
    }
}

@Suite("The sender's stream")
struct SenderStreamTests {
    private func open(credit: ByteCount = .kibibytes(8)) throws -> SenderStream {
        var stream = SenderStream(hello: Sample.hello(.data), join: try Sample.join(stream: 2))
        let actions = [
            SenderStreamAction.send(stream.start()),
            stream.received(.hello(Sample.hello(.data, cluster: 4))),
            stream.received(.joined(Joined(stream: StreamIndex(2), creditLimit: credit))),
        ]
        #expect(
            actions == [
                .send([.hello(Sample.hello(.data))]),
                .send([.join(try Sample.join(stream: 2))]), .ready(creditLimit: credit),
            ]
        )
        return stream
    }

    @Test("sends within its credit, counts, and ends with its totals")
    func happyPath() throws {
        var stream = try self.open()
        let steps = [
            stream.reserve(Sample.extent(0, 4096), .data),
            stream.reserve(Sample.extent(1 << 20, 9 << 20), .zero),
            stream.reserve(Sample.extent(4096, 8192), .data),
        ]
        #expect(steps == [true, true, false])
        let acknowledged = stream.acknowledged(
            Sample.ack(8192, 4096, 0, limit: 12288, stream: 2)
        )
        #expect(acknowledged == .none)
        let granted = stream.reserve(Sample.extent(4096, 8192), .data)
        let refused = stream.reserve(Sample.extent(8192, 8292), .data)
        #expect(granted && !refused)
        let totals = StreamTotals(
            dataFrames: 2,
            zeroFrames: 1,
            rawBytes: .kibibytes(8),
            zeroBytes: .mebibytes(8)
        )
        let ended = stream.end()
        #expect(ended == .send([.end(totals)]))
        let after = stream.reserve(Sample.extent(8192, 12288), .data)
        #expect(!after)
        let late = stream.acknowledged(
            Sample.ack(12288, 12288, 12288, limit: 1 << 30, stream: 2)
        )
        let closed = stream.connectionClosed()
        #expect([late, closed] == [.none, .close(.finished)])
    }

    @Test("asks one question at a time, and sends nothing before the answer")
    func questions() throws {
        var stream = try self.open()
        let leaves = LeafQuery(first: LeafIndex(3), count: 2)
        let answer = LeafDigests(first: LeafIndex(3), digests: [.zero, Sample.digest(1)])
        let asked = stream.ask(leaves)
        let whileAsking = stream.reserve(Sample.extent(0, 4096), .data)
        _ = stream.acknowledged(Sample.ack(0, 0, 0, limit: 1 << 20, stream: 2))
        let answered = stream.received(.leafDigests(answer))
        let granted = stream.reserve(Sample.extent(0, 1 << 20), .data)
        #expect([asked, answered] == [.send([.leafQuery(leaves)]), .leafDigests(answer)])
        #expect(!whileAsking && granted)
        let granules = GranuleQuery([LeafIndex(1)])
        let shares = GranuleDigests([
            GranuleShares(leaf: LeafIndex(1), shares: Array(repeating: .zero, count: 16))
        ])
        let second = [stream.ask(granules), stream.received(.granuleDigests(shares))]
        #expect(second == [.send([.granuleQuery(granules)]), .granuleDigests(shares)])
    }

    @Test("an answer to another question is a violation")
    func wrongAnswers() throws {
        let leaves = LeafQuery(first: LeafIndex(3), count: 2)
        let wrong: [ControlFrame] = [
            .leafDigests(LeafDigests(first: LeafIndex(3), digests: [.zero])),
            .leafDigests(LeafDigests(first: LeafIndex(4), digests: [.zero, .zero])),
            .granuleDigests(
                GranuleDigests([
                    GranuleShares(leaf: LeafIndex(3), shares: Array(repeating: .zero, count: 16))
                ])
            ),
        ]
        for frame in wrong {
            var stream = try self.open()
            _ = stream.ask(leaves)
            let action = stream.received(frame)
            #expect(action.violates)
        }
    }

    @Test("an acknowledgement of more than was sent is a violation")
    func tooMuchAcknowledged() throws {
        var stream = try self.open()
        _ = stream.reserve(Sample.extent(0, 4096), .data)
        let action = stream.acknowledged(Sample.ack(4097, 0, 0, limit: 8192, stream: 2))
        #expect(action.violates)
    }

    @Test("another stream's joined, and a broken connection, end the stream")
    func endings() throws {
        var other = SenderStream(hello: Sample.hello(.data), join: try Sample.join(stream: 2))
        _ = other.received(.hello(Sample.hello(.data)))
        let wrong = other.received(
            .joined(Joined(stream: StreamIndex(1), creditLimit: .mebibytes(1)))
        )
        #expect(wrong.violates)
        var broken = try self.open()
        guard case .close(.lost(let report)) = broken.connectionClosed() else {
            Issue.record("a broken connection goes on")
            return
        }
        #expect(report.code == .streamLost)
        let nothing = broken.end()
        #expect(nothing == .none)
    }

    @Test("a credit that no number can hold is never reached")
    func hugeCredit() {
        var window = CreditWindow(limit: ByteCount(Int.max))
        let first = window.reserve(ByteCount(Int.max))
        let second = window.reserve(ByteCount(1))
        #expect(first && !second)
    }
}
