// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

//  awaitingHello ──hello──▶ awaitingJoined ──joined──▶ streaming ──end()──▶ ended
//        │                        │                     │  ▲  │              │
//        │                        │               query │  │  │reserve,      │
//        ▼                        ▼                     ▼  │  │credit        │
//      closed ◀───────────────────┴───────────────── asking┴──┴──────────────┘
//               error, violation, a closed connection: from every state
//
// Illegal, and why (each ends the stream and its session as a violation):
//   anything but hello or error before the hello   no version is agreed
//   anything but joined after it; another stream's joined
//   digests without a query, or of other leaves than it asked for
//   an acknowledgement of more than was sent
//   all other frames                               these never come this way

/// One data connection at the sender: hello, join, then chunks, zero records, questions, the end.
///
/// Pure: takes events, returns what is to be done. Owned by the thread of the connection, which
/// also hands over the acknowledgements that came on the control connection.
public struct SenderStream: ~Copyable {
    private enum State: ~Copyable {
        /// Our hello is on its way. Can go to: `awaitingJoined`; `closed`.
        case awaitingHello
        /// Our join is on its way. Holds: nothing was carried. Can go to: `streaming`; `closed`.
        case awaitingJoined
        /// Chunks and zero records flow. Holds: what was charged is within the credit.
        /// Can go to: `asking`, `ended`; `closed`.
        case streaming(SenderFlow)
        /// A question is open: nothing else is sent, so that never both sides wait to write.
        /// Can go to: `streaming`; `closed`.
        case asking(SenderFlow, SenderQuestion)
        /// The end frame was sent. Holds: nothing more is sent. Can go to: `closed`.
        case ended(SenderFlow)
        /// The connection is over. Late frames are ignored. Goes nowhere.
        case closed
    }

    private struct Context {
        let hello: Hello
        let join: Join

        init(_ hello: Hello, _ join: Join) {
            self.hello = hello
            self.join = join
        }
    }

    private var state: State
    private var context: Context

    /// A stream that will join a session.
    public init(hello: Hello, join: Join) {
        precondition(hello.kind == .data, "a stream needs a data connection")
        self.state = .awaitingHello
        self.context = Context(hello, join)
    }

    private init(_ state: consuming State, _ context: Context) {
        self.state = state
        self.context = context
    }

    /// What was sent so far; nothing outside of `streaming`, `asking` and `ended`.
    public var totals: StreamTotals { self.flow?.totals ?? StreamTotals() }

    /// What was sent so far and up to where may be sent; nil before `ready` and after the close.
    public var credit: CreditWindow? { self.flow?.credit }

    /// Whether `reserve(_:_:)` can succeed, now or after more credit.
    public var isStreaming: Bool {
        switch self.state {
        case .streaming: true
        case .awaitingHello: false
        case .awaitingJoined: false
        case .asking: false
        case .ended: false
        case .closed: false
        }
    }

    /// Whether the connection is over.
    public var isOver: Bool {
        switch self.state {
        case .closed: true
        case .awaitingHello: false
        case .awaitingJoined: false
        case .streaming: false
        case .asking: false
        case .ended: false
        }
    }

    // MARK: Events of the peer

    /// The connection stands: the frames to begin with.
    public mutating func start() -> [ControlFrame] { [.hello(self.context.hello)] }

    /// A frame came.
    public mutating func received(_ frame: ControlFrame) -> SenderStreamAction {
        guard !self.isOver else { return .none }
        switch frame {
        case .error(let report): return self.close(.reported(report))
        case .hello(let hello): return self.received(hello)
        case .joined(let joined): return self.received(joined)
        case .leafDigests(let digests):
            return self.received(.leafDigests, .leafDigests(digests)) { $0.isAnswered(by: digests) }
        case .granuleDigests(let digests):
            return self.received(.granuleDigests, .granuleDigests(digests)) {
                $0.isAnswered(by: digests)
            }
        case .offer, .accept, .ranges, .refuse, .join, .zero, .leafQuery, .granuleQuery, .end,
            .ack, .commit, .committed, .abort, .drain, .ping, .pong:
            return self.close(self.illegal(frame.type))
        }
    }

    /// An acknowledgement for this stream came on the control connection.
    public mutating func acknowledged(_ ack: Ack) -> SenderStreamAction {
        guard ack.stream == self.context.join.stream else {
            preconditionFailure("the acknowledgement of stream \(ack.stream.index) came here")
        }
        guard let credit = self.credit else { return .none }
        guard ack.received <= credit.charged else {
            return self.close(
                .violation(
                    "stream \(ack.stream.index) acknowledges \(ack.received.bytes) charged bytes"
                        + " of \(credit.charged.bytes)"
                )
            )
        }
        switch consume self.state {
        case .streaming(var flow):
            flow.credit.extend(to: ack.creditLimit)
            self = Self(.streaming(flow), self.context)
        case .asking(var flow, let question):
            flow.credit.extend(to: ack.creditLimit)
            self = Self(.asking(flow, question), self.context)
        case .ended(let flow): self = Self(.ended(flow), self.context)
        case .awaitingHello: self = Self(.awaitingHello, self.context)
        case .awaitingJoined: self = Self(.awaitingJoined, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .none
    }

    /// Bytes came that are not a frame.
    public mutating func malformed(_ error: FrameError) -> SenderStreamAction {
        self.close(.failing(error.report))
    }

    /// The peer closed the connection, or it broke.
    ///
    /// After our end frame that is in order.
    public mutating func connectionClosed() -> SenderStreamAction {
        self.close(self.hasEnded ? .finished : .closedEarly(while: self.stateName))
    }

    // MARK: Events of this side

    /// Takes an extent that is about to be sent out of the credit and counts it.
    ///
    /// False where the credit is too small: wait for an acknowledgement; and where the stream is not
    /// ``isStreaming``: it is over, or a question is open.
    public mutating func reserve(_ extent: Extent, _ kind: ExtentKind) -> Bool {
        switch consume self.state {
        case .streaming(var flow):
            let isGranted = flow.reserve(extent, kind)
            self = Self(.streaming(flow), self.context)
            return isGranted
        case .asking(let flow, let question): self = Self(.asking(flow, question), self.context)
        case .ended(let flow): self = Self(.ended(flow), self.context)
        case .awaitingHello: self = Self(.awaitingHello, self.context)
        case .awaitingJoined: self = Self(.awaitingJoined, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return false
    }

    /// Asks for the digests of leaves of the base; the answer must be read before anything is sent.
    public mutating func ask(_ query: LeafQuery) -> SenderStreamAction {
        self.ask(.leaves(query), .leafQuery(query))
    }

    /// Asks for the granule shares of leaves of the base; the answer must be read before anything
    /// is sent.
    public mutating func ask(_ query: GranuleQuery) -> SenderStreamAction {
        self.ask(.granules(query), .granuleQuery(query))
    }

    /// Everything was sent: the frame that says what.
    public mutating func end() -> SenderStreamAction {
        switch consume self.state {
        case .streaming(let flow):
            self = Self(.ended(flow), self.context)
            return .send([.end(flow.totals)])
        case .closed:
            self = Self(.closed, self.context)
            return .none
        case .awaitingHello: preconditionFailure("a stream cannot end before the hello")
        case .awaitingJoined: preconditionFailure("a stream cannot end before it has joined")
        case .asking: preconditionFailure("a stream cannot end while a question is open")
        case .ended: preconditionFailure("a stream ends once")
        }
    }

    /// This side cannot go on, for example because the snapshot cannot be read.
    public mutating func failed(_ report: ErrorReport) -> SenderStreamAction {
        self.close(.failing(report))
    }
}

// MARK: - Frames

extension SenderStream {
    private mutating func received(_ hello: Hello) -> SenderStreamAction {
        let illegal = self.illegal(.hello)
        switch consume self.state {
        case .awaitingHello:
            do throws(ErrorReport) {
                _ = try self.context.hello.agreement(with: hello)
                self = Self(.awaitingJoined, self.context)
                return .send([.join(self.context.join)])
            } catch {
                self = Self(.closed, self.context)
                return .close(.failing(error))
            }
        case .awaitingJoined: self = Self(.closed, self.context)
        case .streaming: self = Self(.closed, self.context)
        case .asking: self = Self(.closed, self.context)
        case .ended: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .close(illegal)
    }

    private mutating func received(_ joined: Joined) -> SenderStreamAction {
        let illegal = self.illegal(.joined)
        switch consume self.state {
        case .awaitingJoined:
            guard joined.stream == self.context.join.stream else {
                self = Self(.closed, self.context)
                return .close(.violation("stream \(joined.stream.index) did not ask to join"))
            }
            self = Self(.streaming(SenderFlow(joined.creditLimit)), self.context)
            return .ready(creditLimit: joined.creditLimit)
        case .awaitingHello: self = Self(.closed, self.context)
        case .streaming: self = Self(.closed, self.context)
        case .asking: self = Self(.closed, self.context)
        case .ended: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .close(illegal)
    }

    /// Takes an answer, which must fit the open question.
    private mutating func received(
        _ type: FrameType,
        _ action: SenderStreamAction,
        fits: (SenderQuestion) -> Bool
    ) -> SenderStreamAction {
        let illegal = self.illegal(type)
        switch consume self.state {
        case .asking(let flow, let question):
            guard fits(question) else {
                self = Self(.closed, self.context)
                return .close(.violation("the answer is not to the question"))
            }
            self = Self(.streaming(flow), self.context)
            return action
        case .awaitingHello: self = Self(.closed, self.context)
        case .awaitingJoined: self = Self(.closed, self.context)
        case .streaming: self = Self(.closed, self.context)
        case .ended: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .close(illegal)
    }

    private mutating func ask(
        _ question: SenderQuestion,
        _ frame: ControlFrame
    ) -> SenderStreamAction {
        switch consume self.state {
        case .streaming(let flow):
            self = Self(.asking(flow, question), self.context)
            return .send([frame])
        case .closed:
            self = Self(.closed, self.context)
            return .none
        case .awaitingHello: preconditionFailure("a stream cannot ask before the hello")
        case .awaitingJoined: preconditionFailure("a stream cannot ask before it has joined")
        case .asking: preconditionFailure("a stream asks one question at a time")
        case .ended: preconditionFailure("a stream cannot ask after its end")
        }
    }
}

// MARK: - Helpers

extension SenderStream {
    private var flow: SenderFlow? {
        switch self.state {
        case .streaming(let flow): flow
        case .asking(let flow, _): flow
        case .ended(let flow): flow
        case .awaitingHello: nil
        case .awaitingJoined: nil
        case .closed: nil
        }
    }

    private var hasEnded: Bool {
        switch self.state {
        case .ended: true
        case .awaitingHello: false
        case .awaitingJoined: false
        case .streaming: false
        case .asking: false
        case .closed: false
        }
    }

    private var stateName: String {
        switch self.state {
        case .awaitingHello: "waiting for the hello"
        case .awaitingJoined: "waiting for the answer to the join"
        case .streaming: "streaming"
        case .asking: "waiting for digests"
        case .ended: "complete"
        case .closed: "closed"
        }
    }

    private func illegal(_ type: FrameType) -> Closing { .illegal(type, while: self.stateName) }

    private mutating func close(_ closing: Closing) -> SenderStreamAction {
        guard !self.isOver else { return .none }
        self = Self(.closed, self.context)
        return .close(closing)
    }
}
