// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Testing
import WireProtocol

/// What can happen to a ``SenderSession``.
enum SenderEvent {
    case receives(ControlFrame)
    case finishes(StreamTotals)
    case cancels(discard: Bool)
    case rests
    case fails(ErrorReport)
    case malformed(FrameError)
    case loses
    case waits(until: UInt64)
}

extension SenderSession {
    mutating func perform(_ event: SenderEvent) throws -> SenderAction {
        switch event {
        case .receives(let frame): self.received(frame)
        case .finishes(let totals): self.streamsFinished(root: try Sample.root(7), totals: totals)
        case .cancels(let discard): self.cancel(discard: discard)
        case .rests: self.drained()
        case .fails(let report): self.failed(report)
        case .malformed(let error): self.malformed(error)
        case .loses: self.connectionClosed()
        case .waits(let seconds):
            self.handleTimeout(now: MonotonicTime(nanoseconds: seconds * 1_000_000_000))
        }
    }
}

/// Each line is an event and the action that follows.
@Suite("The sender's session")
struct SenderSessionTests {
    typealias Line = (SenderEvent, SenderAction)

    private func check(
        _ offer: Offer,
        _ lines: [Line],
        at location: SourceLocation = #_sourceLocation
    ) throws {
        var session = SenderSession(hello: Sample.hello(.control), offer: offer)
        let first = session.start()
        #expect(first == [.hello(Sample.hello(.control))], sourceLocation: location)
        for (index, line) in lines.enumerated() {
            let action = try session.perform(line.0)
            #expect(action == line.1, "line \(index): \(line.0)", sourceLocation: location)
        }
    }

    private static func hello(_ offer: Offer) -> Line {
        (.receives(.hello(Sample.hello(.control, cluster: 4))), .send([.offer(offer)]))
    }

    private static func accepted() throws -> Line {
        let accept = try Sample.accept()
        return (.receives(.accept(accept)), .stream(accept, durable: []))
    }

    @Test("offers, streams, commits and hears that the target is committed")
    func happyPath() throws {
        let offer = try Sample.offer()
        let commit = Commit(root: try Sample.root(7), totals: Sample.totals)
        let committed = Committed(offer.target.proven(commit.root))
        let half = Sample.ack(1 << 20, 1 << 20, 0)
        let whole = Sample.ack(1 << 20, 1 << 20, 1 << 20)
        try self.check(
            offer,
            [
                Self.hello(offer), try Self.accepted(),
                (.receives(.ping(99)), .send([.pong(99)])),
                (.receives(.ack(half)), .credit(half)),
                (.finishes(Sample.totals), .send([.commit(commit)])),
                (.receives(.ack(whole)), .credit(whole)),
                (.receives(.committed(committed)), .committed(committed)),
                (.receives(.ping(1)), .none), (.loses, .none), (.waits(until: 99), .none),
            ]
        )
    }

    @Test("goes on where an earlier session stopped")
    func resume() throws {
        let offer = try Sample.offer()
        let accept = try Sample.accept(resumed: true)
        try self.check(
            offer,
            [
                Self.hello(offer),
                (.receives(.accept(accept)), .none),
                (.receives(.ranges(Ranges([Sample.durable[0]], isLast: false))), .none),
                (
                    .receives(.ranges(Ranges([Sample.durable[1]], isLast: true))),
                    .stream(accept, durable: Sample.durable)
                ),
            ]
        )
    }

    @Test(
        "refuses ranges that are not what was announced",
        arguments: [
            [[Sample.durable[0]]],
            [[Sample.durable[1]], [Sample.durable[0]]],
            [[Sample.durable[0]], [Sample.durable[1], Sample.extent(2 << 20, 3 << 20)]],
            [[Sample.durable[0], Sample.extent(131072, (1 << 20) + 4096)]],
            [[Sample.durable[0], Sample.extent(131073, 1 << 20)]],
            [[Sample.durable[0], Sample.extent(9 << 20, 11 << 20)]],
        ]
    )
    func badRanges(frames: [[Extent]]) throws {
        var session = SenderSession(hello: Sample.hello(.control), offer: try Sample.offer())
        _ = session.received(.hello(Sample.hello(.control)))
        _ = session.received(.accept(try Sample.accept(resumed: true)))
        var actions: [SenderAction] = []
        for (index, extents) in frames.enumerated() {
            let ranges = Ranges(extents, isLast: index == frames.count - 1)
            actions.append(session.received(.ranges(ranges)))
        }
        #expect(actions.last?.violates == true)
        let isOver = session.isOver
        #expect(isOver)
    }

    @Test("is told no")
    func refused() throws {
        let offer = try Sample.offer()
        let refusal = Refusal(code: .wrongBase, visible: try Sample.stamp(4), text: "4, not 6")
        try self.check(
            offer,
            [
                Self.hello(offer), (.receives(.refuse(refusal)), .refused(refusal)),
                (.receives(.drain), .none),
            ]
        )
    }

    @Test("rests when the receiver drains, or commits if everything was sent")
    func drain() throws {
        let offer = try Sample.offer()
        let abort = Abort(
            code: .draining,
            discard: false,
            text: "stopped because the receiver drains"
        )
        let commit = Commit(root: try Sample.root(7), totals: Sample.totals)
        let opening = [Self.hello(offer), try Self.accepted(), (.receives(.drain), .drain)]
        try self.check(
            offer,
            opening + [(.receives(.drain), .none), (.rests, .close(.aborting(abort)))]
        )
        try self.check(
            offer,
            opening + [
                (.finishes(Sample.totals), .send([.commit(commit)])), (.receives(.drain), .none),
            ]
        )
    }

    @Test("ends in every way only once")
    func endings() throws {
        let offer = try Sample.offer()
        let report = ErrorReport(code: .storeFailed, text: "cannot read")
        let abort = Abort(code: .cancelled, discard: true, text: "cancelled at the sender")
        let theirs = Abort(code: .noSpace, discard: true, text: "full")
        let lost = ErrorReport(
            code: .streamLost,
            text: "the peer closed the connection while waiting for the answer to the offer"
        )
        let endings: [Line] = [
            (.cancels(discard: true), .close(.aborting(abort))),
            (.fails(report), .close(.failing(report))),
            (.receives(.error(report)), .close(.reported(report))),
            (.receives(.abort(theirs)), .close(.aborted(theirs))),
            (.malformed(.badHeaderChecksum), .close(.failing(FrameError.badHeaderChecksum.report))),
            (.loses, .close(.lost(lost))),
        ]
        for ending in endings {
            try self.check(
                offer,
                [
                    Self.hello(offer), ending, (.loses, .none), (.cancels(discard: false), .none),
                    (.receives(.drain), .none), (.finishes(Sample.totals), .none),
                ]
            )
        }
    }

    @Test("asks whether a silent peer is there, and gives up after 30 s")
    func silence() throws {
        let offer = try Sample.offer()
        try self.check(
            offer,
            [
                Self.hello(offer), (.waits(until: 100), .none), (.waits(until: 104), .none),
                (.waits(until: 105), .send([.ping(0)])), (.receives(.pong(0)), .none),
                (.waits(until: 106), .none), (.waits(until: 110), .send([.ping(1)])),
                (.waits(until: 115), .send([.ping(2)])), (.waits(until: 119), .none),
                (.waits(until: 120), .send([.ping(3)])), (.waits(until: 135), .send([.ping(4)])),
                (
                    .waits(until: 136),
                    .close(
                        .lost(
                            ErrorReport(
                                code: .timedOut,
                                text: "the peer has said nothing for \(Limits.peerTimeout)"
                            )
                        )
                    )
                ),
            ]
        )
    }

    @Test("gives up on a receiver that does not say hello within 10 s")
    func noHello() throws {
        var session = SenderSession(hello: Sample.hello(.control), offer: try Sample.offer())
        _ = session.start()
        var actions: [SenderAction] = []
        for second in [0, 9, 10] {
            actions.append(try session.perform(.waits(until: UInt64(second))))
        }
        #expect(actions[..<2] == [.none, .none])
        guard case .close(.lost(let report)) = actions[2] else {
            Issue.record("\(actions[2])")
            return
        }
        #expect(report.code == .timedOut)
    }

    @Test("a pong that answers no ping, or not the oldest, is a violation")
    func wrongPong() throws {
        for nonce: UInt64 in [1, 7] {
            var session = SenderSession(hello: Sample.hello(.control), offer: try Sample.offer())
            _ = session.received(.hello(Sample.hello(.control)))
            for second in [0, 1, 6, 11] { _ = try session.perform(.waits(until: UInt64(second))) }
            let action = session.received(.pong(nonce))
            #expect(action.violates)
        }
    }

    @Test("an acknowledgement never goes back, and is for an accepted stream")
    func acknowledgements() throws {
        let first = Sample.ack(30, 20, 10, limit: 100)
        let wrong = [
            Sample.ack(29, 20, 10, limit: 100), Sample.ack(30, 19, 10, limit: 100),
            Sample.ack(30, 20, 9, limit: 100), Sample.ack(30, 20, 10, limit: 99),
            Sample.ack(30, 20, 10, limit: 100, stream: 3),
        ]
        for ack in wrong {
            var session = SenderSession(hello: Sample.hello(.control), offer: try Sample.offer())
            _ = session.received(.hello(Sample.hello(.control)))
            _ = session.received(.accept(try Sample.accept()))
            let actions = [session.received(.ack(first)), session.received(.ack(first))]
            #expect(actions == [.credit(first), .credit(first)])
            let action = session.received(.ack(ack))
            #expect(action.violates, "\(ack)")
        }
    }

    @Test("only the offered target may be committed, with the proven root")
    func wrongCommit() throws {
        let target = try Sample.offer().target
        let wrong = [
            target.proven(try Sample.root(8)), try Sample.stamp(6),
            GenerationStamp(
                number: target.number,
                snapshot: target.snapshot,
                size: .mebibytes(9),
                root: try Sample.root(7)
            ),
        ]
        for stamp in wrong {
            var session = SenderSession(hello: Sample.hello(.control), offer: try Sample.offer())
            _ = session.received(.hello(Sample.hello(.control)))
            _ = session.received(.accept(try Sample.accept()))
            _ = session.streamsFinished(root: try Sample.root(7), totals: Sample.totals)
            let action = session.received(.committed(Committed(stamp)))
            #expect(action.violates)
        }
    }

    @Test("an acceptance must answer the offer")
    func wrongAcceptance() throws {
        let ticket = try Sample.ticket(.incremental)
        let more = Accept(
            transfer: Sample.identifier(5),
            token: try Sample.token(),
            streams: 4,
            ticket: ticket
        )
        let other = Accept(
            transfer: Sample.identifier(6),
            token: try Sample.token(),
            streams: 3,
            ticket: ticket
        )
        for accept in [more, other] {
            var session = SenderSession(hello: Sample.hello(.control), offer: try Sample.offer())
            _ = session.received(.hello(Sample.hello(.control)))
            let action = session.received(.accept(accept))
            #expect(action.violates)
        }
        var fresh = SenderSession(
            hello: Sample.hello(.control),
            offer: try Sample.offer(flags: .discardPartial)
        )
        _ = fresh.received(.hello(Sample.hello(.control)))
        let action = fresh.received(.accept(try Sample.accept(resumed: true)))
        #expect(action.violates)
    }
}

extension SenderAction {
    /// Whether the action ends the session because the peer broke the protocol.
    var violates: Bool {
        if case .close(.failing(let report)) = self { report.code == .violation } else { false }
    }
}
