// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Codecs

//  awaitingHello ──hello──▶ awaitingJoin ──join──▶ joining ──joined(_:)──▶ streaming ──┐ data, zero,
//        │                       │                    │                     │   ▲      │ queries
//        ▼                       ▼                 failed(_:)              end  └──────┘
//      closed ◀──────────────────┴────────────────────┘                     ▼
//        ▲  error, silence before the join, violation: from every state   ended
//        └──────────────────────── the sender closes ───────────────────────┘
//
// Illegal, and why (each ends the stream and its session as a violation):
//   anything but hello or error before the hello   no version is agreed
//   anything but join after it, a second join      a connection carries one stream
//   data, zero outside of the target, off the granules, over the credit, of another codec,
//   or more bytes than the target has              the sender cannot be right
//   queries where there is no base, of leaves outside of the target
//   an end that counts otherwise                   something got lost
//   anything but error after the end               the stream was complete
//   all other frames                               these never come this way
//
// That each granule comes once is checked by the shell, which has the extents of all streams.

/// One data connection at the receiver: hello, join, then chunks, zero records, queries, the end.
///
/// Pure: takes events, returns what is to be done. Owned by the thread of the connection. The first
/// hello on a connection says whether it is one of these or a ``ReceiverSession``.
public struct ReceiverStream: ~Copyable {
    private enum State: ~Copyable {
        /// Nothing came yet. Can go to: `awaitingJoin`; `closed`, also when it takes too long.
        case awaitingHello
        /// Version and features are agreed. Can go to: `joining`; `closed`, also when it takes
        /// too long.
        case awaitingJoin
        /// The session decides. Can go to: `streaming`; `closed`.
        case joining(Join)
        /// The stream fills the stage. Holds: what was charged is within the credit; what came is
        /// within the target. Can go to: `ended`; `closed`.
        case streaming(ReceiverFlow)
        /// The end frame counted what came. Holds: the totals. Can go to: `closed`.
        case ended(ReceiverFlow)
        /// The connection is over. Late frames are ignored. Goes nowhere.
        case closed
    }

    private struct Context {
        let hello: Hello
        var agreement: Agreement?
        var began: MonotonicTime?

        init(_ hello: Hello) { self.hello = hello }
    }

    private var state: State
    private var context: Context

    /// A stream of a client that has said, or will say, a hello of kind `data`.
    public init(hello: Hello) {
        precondition(hello.kind == .data, "a stream needs a data connection")
        self.state = .awaitingHello
        self.context = Context(hello)
    }

    private init(_ state: consuming State, _ context: Context) {
        self.state = state
        self.context = context
    }

    /// What both sides agreed on; nil before the peer's hello.
    public var agreement: Agreement? { self.context.agreement }

    /// What came so far; nothing outside of `streaming` and `ended`.
    public var totals: StreamTotals {
        switch self.state {
        case .streaming(let flow): flow.totals
        case .ended(let flow): flow.totals
        case .awaitingHello: StreamTotals()
        case .awaitingJoin: StreamTotals()
        case .joining: StreamTotals()
        case .closed: StreamTotals()
        }
    }

    /// What came so far, in charged bytes: the level `received` of the next acknowledgement.
    public var charged: ByteCount {
        switch self.state {
        case .streaming(let flow): flow.credit.charged
        case .ended(let flow): flow.credit.charged
        case .awaitingHello: .zero
        case .awaitingJoin: .zero
        case .joining: .zero
        case .closed: .zero
        }
    }

    /// Whether the stream is over: closed, or never to carry anything again.
    public var isOver: Bool {
        switch self.state {
        case .awaitingHello: false
        case .awaitingJoin: false
        case .joining: false
        case .streaming: false
        case .ended: false
        case .closed: true
        }
    }

    /// Whether the end came, and everything that it counts: nothing more belongs to the stream.
    public var isComplete: Bool {
        switch self.state {
        case .ended: true
        case .awaitingHello: false
        case .awaitingJoin: false
        case .joining: false
        case .streaming: false
        case .closed: false
        }
    }

    // MARK: Events

    /// A frame came.
    public mutating func received(_ frame: ControlFrame) -> ReceiverStreamAction {
        guard !self.isOver else { return .none }
        switch frame {
        case .error(let report): return self.close(.reported(report))
        case .hello(let hello): return self.received(hello)
        case .join(let join): return self.received(join)
        case .zero(let zero):
            return self.carry(.zero, .zero(zero.extent)) { $0.take(zero.extent, .zero) }
        case .leafQuery(let query):
            return self.carry(.leafQuery, .answerLeaves(query)) { $0.check(query) }
        case .granuleQuery(let query):
            return self.carry(.granuleQuery, .answerGranules(query)) { $0.check(query) }
        case .end(let totals): return self.received(totals)
        case .offer, .accept, .ranges, .refuse, .joined, .leafDigests, .granuleDigests, .ack,
            .commit, .committed, .abort, .drain, .ping, .pong:
            return self.close(self.illegal(frame.type))
        }
    }

    /// The first 24 bytes of a data frame came; `wireLength` bytes of payload follow.
    public mutating func receivedData(
        _ header: DataHeader,
        wireLength: Int
    )
        -> ReceiverStreamAction
    {
        guard !self.isOver else { return .none }
        return self.carry(.data, .data(header.extent)) { $0.take(header, wireLength: wireLength) }
    }

    /// The session has admitted the stream.
    public mutating func joined(_ terms: StreamTerms) -> ReceiverStreamAction {
        switch consume self.state {
        case .joining(let join):
            precondition(
                join.stream == terms.stream,
                "stream \(join.stream.index) got the terms of \(terms.stream.index)"
            )
            self = Self(.streaming(ReceiverFlow(terms)), self.context)
            return .send([
                .joined(Joined(stream: terms.stream, creditLimit: terms.creditLimit))
            ])
        case .closed:
            self = Self(.closed, self.context)
            return .none
        case .awaitingHello: preconditionFailure("a stream cannot be admitted before the hello")
        case .awaitingJoin: preconditionFailure("a stream cannot be admitted before the join")
        case .streaming: preconditionFailure("a stream is admitted once")
        case .ended: preconditionFailure("a stream is admitted once")
        }
    }

    /// The sender may send up to `limit`.
    ///
    /// Called before the acknowledgement that says so is sent.
    public mutating func extendCredit(to limit: ByteCount) {
        switch consume self.state {
        case .streaming(var flow):
            flow.extendCredit(to: limit)
            self = Self(.streaming(flow), self.context)
        case .ended(let flow): self = Self(.ended(flow), self.context)
        case .closed: self = Self(.closed, self.context)
        case .awaitingHello: preconditionFailure("there is no credit before the hello")
        case .awaitingJoin: preconditionFailure("there is no credit before the join")
        case .joining: preconditionFailure("there is no credit before the terms")
        }
    }

    /// The session has rejected the join, or this side cannot go on.
    public mutating func failed(_ report: ErrorReport) -> ReceiverStreamAction {
        self.close(.failing(report))
    }

    /// Bytes came that are not a frame.
    public mutating func malformed(_ error: FrameError) -> ReceiverStreamAction {
        self.close(.failing(error.report))
    }

    /// The peer closed the connection, or it broke.
    ///
    /// After the end frame that is in order.
    public mutating func connectionClosed() -> ReceiverStreamAction {
        self.close(self.isComplete ? .finished : .closedEarly(while: self.stateName))
    }

    /// Time passed; called until the stream has joined, each ``Limits/timeoutResolution``.
    ///
    /// Later the control connection of the session tells whether the peer is alive.
    public mutating func handleTimeout(now: MonotonicTime) -> ReceiverStreamAction {
        let began = self.context.began ?? now
        self.context.began = began
        guard let awaited = self.awaited, now.elapsed(since: began) >= Limits.handshakeTimeout
        else { return .none }
        return self.close(.lost(Liveness.lateReport(awaited)))
    }
}

// MARK: - Frames

extension ReceiverStream {
    private mutating func received(_ hello: Hello) -> ReceiverStreamAction {
        let illegal = self.illegal(.hello)
        switch consume self.state {
        case .awaitingHello:
            do throws(ErrorReport) {
                self.context.agreement = try self.context.hello.agreement(with: hello)
                self = Self(.awaitingJoin, self.context)
                return .send([.hello(self.context.hello)])
            } catch {
                self = Self(.closed, self.context)
                return .close(.failing(error))
            }
        case .awaitingJoin: self = Self(.closed, self.context)
        case .joining: self = Self(.closed, self.context)
        case .streaming: self = Self(.closed, self.context)
        case .ended: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .close(illegal)
    }

    private mutating func received(_ join: Join) -> ReceiverStreamAction {
        let illegal = self.illegal(.join)
        switch consume self.state {
        case .awaitingJoin:
            self = Self(.joining(join), self.context)
            return .join(join)
        case .awaitingHello: self = Self(.closed, self.context)
        case .joining: self = Self(.closed, self.context)
        case .streaming: self = Self(.closed, self.context)
        case .ended: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .close(illegal)
    }

    private mutating func received(_ end: StreamTotals) -> ReceiverStreamAction {
        let illegal = self.illegal(.end)
        switch consume self.state {
        case .streaming(let flow):
            if let report = flow.check(end) {
                self = Self(.closed, self.context)
                return .close(.failing(report))
            }
            self = Self(.ended(flow), self.context)
            return .ended(end)
        case .awaitingHello: self = Self(.closed, self.context)
        case .awaitingJoin: self = Self(.closed, self.context)
        case .joining: self = Self(.closed, self.context)
        case .ended: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .close(illegal)
    }

    /// Lets the flow judge a frame that only `streaming` allows.
    private mutating func carry(
        _ type: FrameType,
        _ action: ReceiverStreamAction,
        _ judge: (inout ReceiverFlow) -> ErrorReport?
    ) -> ReceiverStreamAction {
        switch consume self.state {
        case .streaming(var flow):
            if let report = judge(&flow) {
                self = Self(.closed, self.context)
                return .close(.failing(report))
            }
            self = Self(.streaming(flow), self.context)
            return action
        case .awaitingHello: self = Self(.closed, self.context)
        case .awaitingJoin: self = Self(.closed, self.context)
        case .joining: self = Self(.closed, self.context)
        case .ended: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .close(.violation("a frame of type \(type.name) outside of a joined, open stream"))
    }
}

// MARK: - Helpers

extension ReceiverStream {
    /// What must come within ``Limits/handshakeTimeout``.
    private var awaited: String? {
        switch self.state {
        case .awaitingHello: "hello"
        case .awaitingJoin: "join"
        case .joining: nil
        case .streaming: nil
        case .ended: nil
        case .closed: nil
        }
    }

    private var stateName: String {
        switch self.state {
        case .awaitingHello: "waiting for the hello"
        case .awaitingJoin: "waiting for the join"
        case .joining: "looking for the transfer"
        case .streaming: "streaming"
        case .ended: "complete"
        case .closed: "closed"
        }
    }

    private func illegal(_ type: FrameType) -> Closing { .illegal(type, while: self.stateName) }

    private mutating func close(_ closing: Closing) -> ReceiverStreamAction {
        guard !self.isOver else { return .none }
        self = Self(.closed, self.context)
        return .close(closing)
    }
}
