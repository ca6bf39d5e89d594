// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

//  awaitingHello ──hello──▶ awaitingAnswer ──accept, no ranges──────────────▶ streaming ──┐ ack,
//        │                    │        │                                      ▲  │  ▲     │ drain
//        │                 refuse   accept, ranges──▶ awaitingRanges ──last───┘  │  └─────┘
//        ▼                    ▼                            │        of them      │
//      closed ◀───────────────┴────────────────────────────┴──── committing ◀────┘
//        ▲  error, abort, silence, violation: from every state       │        streamsFinished
//        └──────────────────────────── committed ────────────────────┘
//
// Illegal, and why (each ends the session as a violation):
//   anything but hello, error, abort before the hello   no version is agreed
//   a second hello                                      a session has one agreement
//   accept or refuse twice                              an offer has one answer
//   ranges without an acceptance that announced them, or other ones than it announced
//   ack or drain before the acceptance                  nothing is under way
//   committed before the commit                         nothing was proven (P2)
//   pong without a ping                                 the peer counts wrong
//   offer, join, joined, commit, all of data connections: these never come this way

/// The sender's side of a control connection: one transfer from its offer to its commit.
///
/// Pure: takes events, returns what is to be done. One owner, who also reads the clock.
public struct SenderSession: ~Copyable {
    private enum State: ~Copyable {
        /// Our hello is on its way. Holds: the peer is not known.
        /// Can go to: `awaitingAnswer`; `closed`, also when the peer's hello takes too long.
        case awaitingHello
        /// The offer is on its way. Holds: it has no codec that the peer lacks.
        /// Can go to: `streaming`, `awaitingRanges`; `closed`, also on refusal.
        case awaitingAnswer(Agreement)
        /// A resumed transfer: what is durable is being listed. Holds: see ``RangeListing``.
        /// Can go to: `streaming`; `closed`.
        case awaitingRanges(Agreement, RangeListing)
        /// The data connections carry the transfer; no new work once `isDraining`.
        /// Holds: no level of an acknowledgement ever went back.
        /// Can go to: `committing`; `closed`, to be resumed later.
        case streaming(Streaming)
        /// All streams have ended and the receiver is to prove the root.
        /// Holds: the commit's totals are those of the streams' end frames.
        /// Can go to: `closed`; unless the commit was confirmed, the outcome is known by the next
        /// offer only.
        case committing(Streaming, Commit)
        /// The session is over. Late frames are ignored. Goes nowhere.
        case closed
    }

    private struct Streaming {
        let agreement: Agreement
        var acks: AckLevels
        var isDraining = false

        init(_ agreement: Agreement, _ accept: Accept) {
            self.agreement = agreement
            self.acks = AckLevels(streams: accept.streams)
        }
    }

    private struct Context {
        let hello: Hello
        var offer: Offer
        var liveness = Liveness()

        init(_ hello: Hello, _ offer: Offer) {
            self.hello = hello
            self.offer = offer
        }
    }

    private var state: State
    private var context: Context

    /// A session that will make this offer.
    public init(hello: Hello, offer: Offer) {
        precondition(hello.kind == .control, "a session needs a control connection")
        self.state = .awaitingHello
        self.context = Context(hello, offer)
    }

    private init(_ state: consuming State, _ context: Context) {
        self.state = state
        self.context = context
    }

    /// The offer; from the peer's hello on with no codec that the peer lacks.
    public var offer: Offer { self.context.offer }

    /// What both sides agreed on; nil before the peer's hello and after the end.
    public var agreement: Agreement? {
        switch self.state {
        case .awaitingHello: nil
        case .awaitingAnswer(let agreement): agreement
        case .awaitingRanges(let agreement, _): agreement
        case .streaming(let streaming): streaming.agreement
        case .committing(let streaming, _): streaming.agreement
        case .closed: nil
        }
    }

    /// Whether the session is over.
    public var isOver: Bool {
        switch self.state {
        case .closed: true
        case .awaitingHello: false
        case .awaitingAnswer: false
        case .awaitingRanges: false
        case .streaming: false
        case .committing: false
        }
    }

    // MARK: Events

    /// The connection stands: the frames to begin with.
    public mutating func start() -> [ControlFrame] { [.hello(self.context.hello)] }

    /// A frame came.
    public mutating func received(_ frame: ControlFrame) -> SenderAction {
        guard !self.isOver else { return .none }
        self.context.liveness.heard()
        switch frame {
        case .error(let report): return self.close(.reported(report))
        case .abort(let abort): return self.close(.aborted(abort))
        case .ping(let nonce):
            guard self.agreement != nil else { return self.close(self.illegal(.ping)) }
            return self.send([.pong(nonce)])
        case .pong(let nonce):
            guard self.context.liveness.answered(nonce) else {
                return self.close(.violation("pong \(nonce) answers no ping"))
            }
            return .none
        case .hello(let hello): return self.received(hello)
        case .accept(let accept): return self.received(accept)
        case .ranges(let ranges): return self.received(ranges)
        case .refuse(let refusal): return self.received(refusal)
        case .ack(let ack): return self.received(ack)
        case .committed(let committed): return self.received(committed)
        case .drain: return self.receivedDrain()
        case .offer, .join, .joined, .zero, .leafQuery, .leafDigests, .granuleQuery,
            .granuleDigests, .end, .commit:
            return self.close(self.illegal(frame.type))
        }
    }

    /// All streams have sent their end frames, whose sum is `totals`.
    ///
    /// Only after `.stream`, once; nothing happens where the session is over already.
    public mutating func streamsFinished(root: RootDigest, totals: StreamTotals) -> SenderAction {
        switch consume self.state {
        case .streaming(let streaming):
            let commit = Commit(root: root, totals: totals)
            self = Self(.committing(streaming, commit), self.context)
            return self.send([.commit(commit)])
        case .closed:
            self = Self(.closed, self.context)
            return .none
        case .awaitingHello: preconditionFailure("streams cannot finish before the hello")
        case .awaitingAnswer: preconditionFailure("streams cannot finish before the acceptance")
        case .awaitingRanges: preconditionFailure("streams cannot finish before the ranges")
        case .committing: preconditionFailure("streams cannot finish twice")
        }
    }

    /// After `.drain`: the streams rest, and not everything was sent.
    ///
    /// It can be resumed later.
    public mutating func drained() -> SenderAction {
        self.abort(
            Abort(code: .draining, discard: false, text: "stopped because the receiver drains")
        )
    }

    /// Someone cancelled the transfer; `discard` throws the receiver's stage away.
    public mutating func cancel(discard: Bool) -> SenderAction {
        self.abort(Abort(code: .cancelled, discard: discard, text: "cancelled at the sender"))
    }

    /// Ends the session on purpose, for example because of a ticket that is not ours.
    public mutating func abort(_ abort: Abort) -> SenderAction { self.close(.aborting(abort)) }

    /// This side cannot go on, for example because the snapshot cannot be read.
    public mutating func failed(_ report: ErrorReport) -> SenderAction {
        self.close(.failing(report))
    }

    /// Bytes came that are not a frame.
    public mutating func malformed(_ error: FrameError) -> SenderAction {
        self.close(.failing(error.report))
    }

    /// The peer closed the connection, or it broke.
    public mutating func connectionClosed() -> SenderAction {
        self.close(.closedEarly(while: self.stateName))
    }

    /// Time passed; called each ``Limits/timeoutResolution``.
    public mutating func handleTimeout(now: MonotonicTime) -> SenderAction {
        guard !self.isOver else { return .none }
        let age = self.context.liveness.age(now)
        guard self.agreement != nil else {
            guard age >= Limits.handshakeTimeout else { return .none }
            return self.close(.lost(Liveness.lateReport("hello")))
        }
        switch self.context.liveness.tick(now) {
        case .quiet: return .none
        case .ping(let nonce): return .send([.ping(nonce)])
        case .lost: return self.close(.lost(Liveness.report))
        }
    }
}

// MARK: - Frames

extension SenderSession {
    private mutating func received(_ hello: Hello) -> SenderAction {
        let illegal = self.illegal(.hello)
        switch consume self.state {
        case .awaitingHello:
            do throws(ErrorReport) {
                let agreement = try self.context.hello.agreement(with: hello)
                self.context.offer = self.context.offer.limited(to: agreement.codecs)
                self = Self(.awaitingAnswer(agreement), self.context)
                return self.send([.offer(self.offer)])
            } catch {
                self = Self(.closed, self.context)
                return .close(.failing(error))
            }
        case .awaitingAnswer: self = Self(.closed, self.context)
        case .awaitingRanges: self = Self(.closed, self.context)
        case .streaming: self = Self(.closed, self.context)
        case .committing: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .close(illegal)
    }

    private mutating func received(_ accept: Accept) -> SenderAction {
        let illegal = self.illegal(.accept)
        switch consume self.state {
        case .awaitingAnswer(let agreement):
            guard accept.answers(self.context.offer) else {
                self = Self(.closed, self.context)
                return .close(.violation("the acceptance does not answer the offer"))
            }
            guard accept.rangeCount == 0 else {
                let listing = RangeListing(accept, size: self.context.offer.target.size)
                self = Self(.awaitingRanges(agreement, listing), self.context)
                return .none
            }
            self = Self(.streaming(Streaming(agreement, accept)), self.context)
            return .stream(accept, durable: [])
        case .awaitingHello: self = Self(.closed, self.context)
        case .awaitingRanges: self = Self(.closed, self.context)
        case .streaming: self = Self(.closed, self.context)
        case .committing: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .close(illegal)
    }

    private mutating func received(_ ranges: Ranges) -> SenderAction {
        let illegal = self.illegal(.ranges)
        switch consume self.state {
        case .awaitingRanges(let agreement, var listing):
            if let problem = listing.take(ranges) {
                self = Self(.closed, self.context)
                return .close(.violation(problem))
            }
            guard ranges.isLast else {
                self = Self(.awaitingRanges(agreement, listing), self.context)
                return .none
            }
            self = Self(.streaming(Streaming(agreement, listing.accept)), self.context)
            return .stream(listing.accept, durable: listing.extents)
        case .awaitingHello: self = Self(.closed, self.context)
        case .awaitingAnswer: self = Self(.closed, self.context)
        case .streaming: self = Self(.closed, self.context)
        case .committing: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .close(illegal)
    }

    private mutating func received(_ refusal: Refusal) -> SenderAction {
        let illegal = self.illegal(.refuse)
        switch consume self.state {
        case .awaitingAnswer:
            self = Self(.closed, self.context)
            return .refused(refusal)
        case .awaitingHello: self = Self(.closed, self.context)
        case .awaitingRanges: self = Self(.closed, self.context)
        case .streaming: self = Self(.closed, self.context)
        case .committing: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .close(illegal)
    }

    private mutating func received(_ ack: Ack) -> SenderAction {
        var closing = self.illegal(.ack)
        switch consume self.state {
        case .streaming(var streaming):
            let problem = streaming.acks.take(ack)
            self = Self(.streaming(streaming), self.context)
            guard let problem else { return .credit(ack) }
            closing = .violation(problem)
        case .committing(var streaming, let commit):
            let problem = streaming.acks.take(ack)
            self = Self(.committing(streaming, commit), self.context)
            guard let problem else { return .credit(ack) }
            closing = .violation(problem)
        case .awaitingHello: self = Self(.closed, self.context)
        case .awaitingAnswer: self = Self(.closed, self.context)
        case .awaitingRanges: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        self = Self(.closed, self.context)
        return .close(closing)
    }

    private mutating func receivedDrain() -> SenderAction {
        let illegal = self.illegal(.drain)
        switch consume self.state {
        case .streaming(var streaming):
            let isNews = !streaming.isDraining
            streaming.isDraining = true
            self = Self(.streaming(streaming), self.context)
            return isNews ? .drain : .none
        case .committing(let streaming, let commit):
            // Everything was sent: the receiver finishes what it has before it stops.
            self = Self(.committing(streaming, commit), self.context)
            return .none
        case .awaitingHello: self = Self(.closed, self.context)
        case .awaitingAnswer: self = Self(.closed, self.context)
        case .awaitingRanges: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .close(illegal)
    }

    private mutating func received(_ committed: Committed) -> SenderAction {
        let illegal = self.illegal(.committed)
        switch consume self.state {
        case .committing(_, let commit):
            self = Self(.closed, self.context)
            guard committed.generation == self.offer.target.proven(commit.root) else {
                return .close(.violation("another generation than the target was committed"))
            }
            return .committed(committed)
        case .awaitingHello: self = Self(.closed, self.context)
        case .awaitingAnswer: self = Self(.closed, self.context)
        case .awaitingRanges: self = Self(.closed, self.context)
        case .streaming: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .close(illegal)
    }
}

// MARK: - Helpers

extension SenderSession {
    private var stateName: String {
        switch self.state {
        case .awaitingHello: "waiting for the hello"
        case .awaitingAnswer: "waiting for the answer to the offer"
        case .awaitingRanges: "waiting for the durable ranges"
        case .streaming: "streaming"
        case .committing: "waiting for the commit"
        case .closed: "closed"
        }
    }

    private func illegal(_ type: FrameType) -> Closing { .illegal(type, while: self.stateName) }

    private mutating func send(_ frames: [ControlFrame]) -> SenderAction {
        self.context.liveness.spoke()
        return .send(frames)
    }

    private mutating func close(_ closing: Closing) -> SenderAction {
        guard !self.isOver else { return .none }
        self = Self(.closed, self.context)
        return .close(closing)
    }
}

extension Accept {
    /// Whether it is one of the answers that the offer allows.
    fileprivate func answers(_ offer: Offer) -> Bool {
        self.transfer == offer.transfer && self.streams <= offer.streams
            && self.durableBytes <= offer.target.size
            && !(self.isResumed && offer.flags.contains(.discardPartial))
    }
}
