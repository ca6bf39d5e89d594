// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Testing
import WireProtocol

/// What can happen to a ``ReceiverSession``.
enum ReceiverEvent {
    case receives(ControlFrame)
    case decides(OfferDecision)
    case ends(Int, StreamTotals)
    case acknowledges(Ack)
    case commits(GenerationStamp)
    case fails(ErrorReport)
    case malformed(FrameError)
    case drains
    case loses
    case waits(until: UInt64)
}

extension ReceiverSession {
    mutating func perform(_ event: ReceiverEvent) -> ReceiverAction {
        switch event {
        case .receives(let frame): self.received(frame)
        case .decides(let decision): self.decided(decision)
        case .ends(let stream, let totals): self.streamEnded(StreamIndex(stream), totals: totals)
        case .acknowledges(let ack): self.acknowledge(ack)
        case .commits(let stamp): self.committed(Committed(stamp))
        case .fails(let report): self.failed(report)
        case .malformed(let error): self.malformed(error)
        case .drains: self.drain()
        case .loses: self.connectionClosed()
        case .waits(let seconds):
            self.handleTimeout(now: MonotonicTime(nanoseconds: seconds * 1_000_000_000))
        }
    }
}

extension ReceiverAction {
    /// Whether the action ends the session because the peer broke the protocol.
    var violates: Bool {
        if case .close(.failing(let report)) = self { report.code == .violation } else { false }
    }
}

/// Each line is an event and the action that follows.
@Suite("The receiver's session")
struct ReceiverSessionTests {
    typealias Line = (ReceiverEvent, ReceiverAction)

    private static let ours = Sample.hello(.control, cluster: 4)
    private static let one = StreamTotals(
        dataFrames: 2,
        zeroFrames: 0,
        rawBytes: .kibibytes(1024),
        zeroBytes: .zero
    )
    private static let two = StreamTotals(
        dataFrames: 1,
        zeroFrames: 1,
        rawBytes: .kibibytes(4),
        zeroBytes: .mebibytes(2)
    )

    private func check(
        _ session: inout ReceiverSession,
        _ lines: [Line],
        at location: SourceLocation = #_sourceLocation
    ) {
        for (index, line) in lines.enumerated() {
            let action = session.perform(line.0)
            #expect(action == line.1, "line \(index): \(line.0)", sourceLocation: location)
        }
    }

    private static func opening(_ offer: Offer, resumed: Bool = false) throws -> [Line] {
        let frames: [ControlFrame] =
            [.accept(try Sample.accept(resumed: resumed))]
            + (resumed ? [.ranges(Ranges(Sample.durable, isLast: true))] : [])
        return [
            (.receives(.hello(Sample.hello(.control))), .send([.hello(Self.ours)])),
            (.receives(.offer(offer)), .decide(offer)),
            (.decides(.accept(try Sample.acceptance(resumed: resumed))), .send(frames)),
        ]
    }

    private static func receiving(streams: [Int]) throws -> ReceiverSession {
        var session = ReceiverSession(hello: Self.ours)
        for line in try Self.opening(try Sample.offer()) { _ = session.perform(line.0) }
        for stream in streams {
            guard case .admitted = session.admit(try Sample.join(stream: stream)) else {
                throw Sample.Missing()
            }
        }
        return session
    }

    private static func commit() throws -> Commit {
        Commit(root: try Sample.root(7), totals: Self.one + Self.two)
    }

    @Test("decides, receives, proves and says that the target is committed")
    func happyPath() throws {
        var session = ReceiverSession(hello: Self.ours)
        let offer = try Sample.offer()
        let commit = try Self.commit()
        let stamp = offer.target.proven(commit.root)
        let ack = Sample.ack(1 << 20, 1 << 20, 1 << 20)
        self.check(&session, try Self.opening(offer))
        let terms = StreamTerms(
            stream: StreamIndex(0),
            size: .mebibytes(10),
            codecs: [.none, .lz4, .deflate],
            allowsQueries: true,
            creditLimit: Limits.creditWindow
        )
        let admission = session.admit(try Sample.join(stream: 0))
        #expect(admission == .admitted(terms))
        _ = session.admit(try Sample.join(stream: 1))
        self.check(
            &session,
            [
                (.acknowledges(ack), .send([.ack(ack)])),
                (.ends(0, Self.one), .none), (.ends(1, Self.two), .none),
                (.receives(.commit(commit)), .prove(commit)),
                (.receives(.ping(3)), .send([.pong(3)])),
                (.acknowledges(ack), .send([.ack(ack)])),
                (.commits(stamp), .send([.committed(Committed(stamp))])),
                (.receives(.ping(4)), .none), (.loses, .none), (.drains, .none),
            ]
        )
    }

    @Test("a commit may come before the last end frame, on another connection")
    func commitOvertakes() throws {
        var session = try Self.receiving(streams: [0, 2])
        let commit = try Self.commit()
        self.check(
            &session,
            [
                (.ends(2, Self.two), .none), (.receives(.commit(commit)), .none),
                (.ends(0, Self.one), .prove(commit)),
            ]
        )
    }

    @Test("lists what an earlier session made durable")
    func resume() throws {
        var session = ReceiverSession(hello: Self.ours)
        self.check(&session, try Self.opening(try Sample.offer(), resumed: true))
    }

    @Test("lists at most 4,000 ranges in a frame")
    func manyRanges() throws {
        var session = ReceiverSession(hello: Self.ours)
        _ = session.received(.hello(Sample.hello(.control)))
        _ = session.received(.offer(try Sample.offer(size: .mebibytes(100))))
        let extents = (0..<8001).map { Sample.extent($0 * 8192, $0 * 8192 + 4096) }
        let acceptance = Acceptance(
            token: try Sample.token(),
            streams: 1,
            durable: extents,
            isResumed: true,
            ticket: try Sample.ticket(.incremental)
        )
        guard case .send(let frames) = session.decided(.accept(acceptance)) else {
            Issue.record("no frames")
            return
        }
        let counts = frames.map { frame in
            if case .ranges(let ranges) = frame { ranges.extents.count } else { 0 }
        }
        #expect(counts == [0, 4000, 4000, 1])
        // The other side understands them.
        var sender = SenderSession(
            hello: Sample.hello(.control),
            offer: try Sample.offer(size: .mebibytes(100))
        )
        _ = sender.received(.hello(Self.ours))
        var action = SenderAction.none
        for frame in frames { action = sender.received(frame) }
        guard case .stream(_, let durable) = action else {
            Issue.record("\(action)")
            return
        }
        #expect(durable == extents)
    }

    @Test("counts that differ are a violation")
    func wrongCounts() throws {
        let commit = Commit(root: try Sample.root(7), totals: Self.one)
        var late = try Self.receiving(streams: [0, 1])
        _ = late.perform(.ends(0, Self.one))
        _ = late.perform(.receives(.commit(commit)))
        let action = late.perform(.ends(1, Self.two))
        #expect(action.violates)
        var early = try Self.receiving(streams: [])
        let other = early.perform(.receives(.commit(commit)))
        #expect(other.violates)
    }

    @Test("a stream needs the token, a place and its first join")
    func joins() throws {
        var session = try Self.receiving(streams: [1])
        let token = try Sample.token(0x41)
        let wrongToken = Join(
            transfer: Sample.identifier(5),
            token: token,
            stream: StreamIndex(0)
        )
        let wrongTransfer = Join(
            transfer: Sample.identifier(6),
            token: try Sample.token(),
            stream: StreamIndex(0)
        )
        let codes = [
            session.admit(wrongToken), session.admit(wrongTransfer),
            session.admit(try Sample.join(stream: 1)), session.admit(try Sample.join(stream: 3)),
        ]
        .map { admission -> ProtocolCode? in
            if case .rejected(let report) = admission { report.code } else { nil }
        }
        #expect(codes == [.notAuthorised, .notAuthorised, .violation, .violation])
        let isOver = session.isOver
        #expect(!isOver)
        _ = session.received(.commit(try Self.commit()))
        guard case .rejected = session.admit(try Sample.join(stream: 0)) else {
            Issue.record("a stream joined after the commit")
            return
        }
    }

    @Test("says no, and is over")
    func refuses() throws {
        var session = ReceiverSession(hello: Self.ours)
        let refusal = Refusal(code: .noSpace, retryAfterSeconds: 60, text: "full")
        let offer = try Sample.offer()
        self.check(
            &session,
            Array(try Self.opening(offer)[..<2]) + [
                (.decides(.refuse(refusal)), .close(.refusing(refusal))),
                (.receives(.offer(offer)), .none),
            ]
        )
    }

    @Test("does not even ask about a volume of more than 64 TiB")
    func tooLarge() throws {
        for size in [ByteCount((64 << 40) + 1), ByteCount(Int.max)] {
            var session = ReceiverSession(hello: Self.ours)
            _ = session.received(.hello(Sample.hello(.control)))
            let action = session.received(.offer(try Sample.offer(size: size)))
            guard case .close(.refusing(let refusal)) = action else {
                Issue.record("\(action)")
                return
            }
            #expect(refusal.code == .sizeLimit)
        }
    }

    @Test("a sender that leaves while the offer is looked at, or the root is proven, is let go")
    func senderLeaves() throws {
        let offer = try Sample.offer()
        let abort = Abort(code: .cancelled, discard: true, text: "cancelled")
        var deciding = ReceiverSession(hello: Self.ours)
        self.check(
            &deciding,
            Array(try Self.opening(offer)[..<2]) + [
                (.receives(.abort(abort)), .aborted(abort)),
                (.decides(.accept(try Sample.acceptance())), .none),
            ]
        )
        var proving = try Self.receiving(streams: [])
        let commit = Commit(root: try Sample.root(7), totals: StreamTotals())
        let lost = ErrorReport(
            code: .streamLost,
            text: "the peer closed the connection while proving the root"
        )
        self.check(
            &proving,
            [
                (.receives(.commit(commit)), .prove(commit)), (.loses, .close(.lost(lost))),
                (.commits(offer.target.proven(commit.root)), .none),
                (.acknowledges(Sample.ack(0, 0, 0)), .none),
            ]
        )
    }

    @Test("drains: asks a streaming sender, finishes a proof, ends what has not begun")
    func drain() throws {
        let draining = ErrorReport(code: .draining, text: "the agent is about to stop")
        var fresh = ReceiverSession(hello: Self.ours)
        self.check(&fresh, [(.drains, .close(.failing(draining)))])
        var receiving = try Self.receiving(streams: [])
        let commit = Commit(root: try Sample.root(7), totals: StreamTotals())
        self.check(
            &receiving,
            [
                (.drains, .send([.drain])), (.receives(.commit(commit)), .prove(commit)),
                (.drains, .none),
            ]
        )
    }

    @Test("ends in every way only once")
    func endings() throws {
        let report = ErrorReport(code: .storeFailed, text: "cannot write")
        let abort = Abort(code: .cancelled, discard: false, text: "enough")
        let endings: [Line] = [
            (.fails(report), .close(.failing(report))),
            (.receives(.error(report)), .close(.reported(report))),
            (.receives(.abort(abort)), .aborted(abort)),
            (.malformed(.badFlags(4)), .close(.failing(FrameError.badFlags(4).report))),
        ]
        for ending in endings {
            var session = try Self.receiving(streams: [0])
            self.check(
                &session,
                [
                    ending, (.loses, .none), (.fails(report), .none), (.ends(0, Self.one), .none),
                    (.receives(.commit(try Self.commit())), .none),
                ]
            )
        }
    }

    @Test("our own acknowledgement that goes back is not sent")
    func acknowledgementsGoUp() throws {
        var session = try Self.receiving(streams: [0])
        _ = session.perform(.acknowledges(Sample.ack(30, 20, 10)))
        let action = session.perform(.acknowledges(Sample.ack(30, 20, 9)))
        guard case .close(.failing(let report)) = action else {
            Issue.record("\(action)")
            return
        }
        #expect(report.code == .internalFailure)
    }

    @Test("a sender that says nothing in time is let go")
    func silence() throws {
        var noOffer = ReceiverSession(hello: Self.ours)
        _ = noOffer.received(.hello(Sample.hello(.control)))
        let early = [noOffer.perform(.waits(until: 1)), noOffer.perform(.waits(until: 5))]
        #expect(early == [.none, .none])
        guard case .close(.lost) = noOffer.perform(.waits(until: 11)) else {
            Issue.record("the session still waits for an offer")
            return
        }
        var receiving = try Self.receiving(streams: [])
        let actions = [1, 5, 6, 11, 31].map { receiving.perform(.waits(until: $0)) }
        let kinds = actions.map { action in
            switch action {
            case .none: "none"
            case .send(let frames): frames.first?.type.name ?? "nothing"
            case .close(.lost): "lost"
            case .decide, .prove, .aborted, .close: "other"
            }
        }
        #expect(kinds == ["none", "none", "ping", "ping", "lost"])
    }
}
