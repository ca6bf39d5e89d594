// SPDX-License-Identifier: Apache-2.0

import BlockTypes

//  awaitingHello ──hello──▶ awaitingOffer ──offer──▶ deciding ──accept──▶ receiving ──┐ admit, end,
//        │                        │                     │                  │     ▲    │ ack, commit
//        │                    too large              refuse                │     └────┘ before the
//        ▼                        ▼                     ▼                  │            last end
//      closed ◀───────────────────┴─────────────────────┘                  ▼
//        ▲  error, abort, silence, violation: from every state          proving
//        │                                                                 │
//        └───────────────────────────── committed ─────────────────────────┘
//
// Illegal, and why (each ends the session as a violation):
//   anything but hello, error, abort before the hello   no version is agreed
//   a second hello                                      a session has one agreement
//   a second offer                                      a session carries one transfer
//   commit before the acceptance, or a second one       there is nothing, or no more, to prove
//   an offer with a codec that was not agreed           its chunks could not be read
//   pong without a ping                                 the peer counts wrong
//   accept, ranges, refuse, joined, ack, committed, drain, all of data connections:
//                                                       these never come this way

/// The receiver's side of a control connection: one transfer from its offer to its commit.
///
/// Pure: takes events, returns what is to be done. Its connections run on threads of their own:
/// the shell keeps the session under a lock, and performs the actions outside of it.
public struct ReceiverSession: ~Copyable {
    private enum State: ~Copyable {
        /// Nothing came yet. Holds: the peer is not known.
        /// Can go to: `awaitingOffer`; `closed`, also when the hello takes too long.
        case awaitingHello
        /// Version and features are agreed. Holds: no transfer.
        /// Can go to: `deciding`; `closed`, also when the offer takes too long or is too large.
        case awaitingOffer
        /// The shell looks at its store. Holds: the sizes are within the limits, the codecs agreed.
        /// Can go to: `receiving`; `closed`, also by our refusal.
        case deciding(Offer)
        /// The data connections fill the stage. A commit may overtake their end frames.
        /// Holds: see ``ReceivingStreams``.
        /// Can go to: `proving`; `closed`, to be resumed later.
        case receiving(ReceivingStreams)
        /// Everything came; the shell syncs, computes the root and switches.
        /// Holds: the commit's totals equal the sum of the streams' (P2).
        /// Can go to: `closed`, and only from here with a committed target.
        case proving(ReceivingStreams, Commit)
        /// The session is over; the sender closes. Late frames are ignored. Goes nowhere.
        case closed

        /// The state after a commit or an end frame.
        init(_ streams: ReceivingStreams, _ step: ReceivingStreams.Step) {
            switch step {
            case .receive: self = .receiving(streams)
            case .prove(let commit): self = .proving(streams, commit)
            case .close: self = .closed
            }
        }
    }

    private struct Context {
        let hello: Hello
        var agreement: Agreement?
        var liveness = Liveness()

        init(_ hello: Hello) { self.hello = hello }
    }

    private var state: State
    private var context: Context

    /// A session of a client that has said, or will say, a hello of kind `control`.
    public init(hello: Hello) {
        precondition(hello.kind == .control, "a session needs a control connection")
        self.state = .awaitingHello
        self.context = Context(hello)
    }

    private init(_ state: consuming State, _ context: Context) {
        self.state = state
        self.context = context
    }

    /// What both sides agreed on; nil before the peer's hello.
    public var agreement: Agreement? { self.context.agreement }

    /// Whether the session is over.
    ///
    /// After `committed` the shell still waits for the sender to close.
    public var isOver: Bool {
        switch self.state {
        case .awaitingHello: false
        case .awaitingOffer: false
        case .deciding: false
        case .receiving: false
        case .proving: false
        case .closed: true
        }
    }

    // MARK: Events of the peer

    /// A frame came.
    public mutating func received(_ frame: ControlFrame) -> ReceiverAction {
        guard !self.isOver else { return .none }
        self.context.liveness.heard()
        switch frame {
        case .error(let report): return self.close(.reported(report))
        case .abort(let abort):
            self = Self(.closed, self.context)
            return .aborted(abort)
        case .ping(let nonce):
            guard self.agreement != nil else { return self.close(self.illegal(.ping)) }
            return self.send([.pong(nonce)])
        case .pong(let nonce):
            guard self.context.liveness.answered(nonce) else {
                return self.close(.violation("pong \(nonce) answers no ping"))
            }
            return .none
        case .hello(let hello): return self.received(hello)
        case .offer(let offer): return self.received(offer)
        case .commit(let commit): return self.received(commit)
        case .accept, .ranges, .refuse, .join, .joined, .zero, .leafQuery, .leafDigests,
            .granuleQuery, .granuleDigests, .end, .ack, .committed, .drain:
            return self.close(self.illegal(frame.type))
        }
    }

    /// Bytes came that are not a frame.
    public mutating func malformed(_ error: FrameError) -> ReceiverAction {
        self.close(.failing(error.report))
    }

    /// The peer closed the connection, or it broke; nothing happens where the session was over.
    public mutating func connectionClosed() -> ReceiverAction {
        self.close(.closedEarly(while: self.stateName))
    }

    /// A data connection wants to become a stream of this session.
    public mutating func admit(_ join: Join) -> Admission {
        switch consume self.state {
        case .receiving(var streams):
            let admission = streams.admit(join)
            self = Self(.receiving(streams), self.context)
            return admission
        case .proving(let streams, let commit):
            self = Self(.proving(streams, commit), self.context)
        case .deciding(let offer): self = Self(.deciding(offer), self.context)
        case .awaitingHello: self = Self(.awaitingHello, self.context)
        case .awaitingOffer: self = Self(.awaitingOffer, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .rejected(
            ErrorReport(
                code: .notAuthorised,
                text: "the transfer takes no streams: \(self.stateName)"
            )
        )
    }

    /// A stream has ended with an end frame that counts what came, and all of it is applied.
    ///
    /// Only for streams that were admitted, once each.
    public mutating func streamEnded(_ stream: StreamIndex, totals: StreamTotals) -> ReceiverAction
    {
        switch consume self.state {
        case .receiving(var streams):
            streams.end(stream, totals)
            let step = streams.step
            self = Self(State(streams, step), self.context)
            return step.action
        case .closed:
            self = Self(.closed, self.context)
            return .none
        case .awaitingHello: preconditionFailure("no stream can end before the hello")
        case .awaitingOffer: preconditionFailure("no stream can end before the offer")
        case .deciding: preconditionFailure("no stream can end before the acceptance")
        case .proving: preconditionFailure("no stream can end after all have ended")
        }
    }

    // MARK: Events of this side

    /// The shell has looked at the offer.
    public mutating func decided(_ decision: OfferDecision) -> ReceiverAction {
        switch consume self.state {
        case .deciding(let offer):
            switch decision {
            case .accept(let acceptance):
                self = Self(.receiving(ReceivingStreams(offer, acceptance)), self.context)
                return self.send(acceptance.frames(for: offer.transfer))
            case .refuse(let refusal):
                self = Self(.closed, self.context)
                return .close(.refusing(refusal))
            }
        case .closed:
            // The sender went away meanwhile.
            self = Self(.closed, self.context)
            return .none
        case .awaitingHello: preconditionFailure("there is nothing to decide before the hello")
        case .awaitingOffer: preconditionFailure("there is nothing to decide before the offer")
        case .receiving: preconditionFailure("an offer is decided once")
        case .proving: preconditionFailure("an offer is decided once")
        }
    }

    /// A stream got further.
    ///
    /// Extend the stream's own window first: the sender may use the credit at once.
    public mutating func acknowledge(_ ack: Ack) -> ReceiverAction {
        let problem: String?
        switch consume self.state {
        case .receiving(var streams):
            problem = streams.acks.take(ack)
            self = Self(.receiving(streams), self.context)
        case .proving(var streams, let commit):
            problem = streams.acks.take(ack)
            self = Self(.proving(streams, commit), self.context)
        case .closed:
            self = Self(.closed, self.context)
            return .none
        case .awaitingHello: preconditionFailure("no stream can get further before the hello")
        case .awaitingOffer: preconditionFailure("no stream can get further before the offer")
        case .deciding: preconditionFailure("no stream can get further before the acceptance")
        }
        // Our own mistake, but not one to stop the other sessions for: nothing false is sent (P3).
        if let problem {
            return self.close(.failing(ErrorReport(code: .internalFailure, text: problem)))
        }
        return self.send([.ack(ack)])
    }

    /// The target is proven, durable and visible: only then (P2, P3).
    public mutating func committed(_ committed: Committed) -> ReceiverAction {
        switch consume self.state {
        case .proving(let streams, let commit):
            let target = streams.offer.target.proven(commit.root)
            precondition(committed.generation == target, "P2: another generation was committed")
            self = Self(.closed, self.context)
            return self.send([.committed(committed)])
        case .closed:
            // The sender went away meanwhile; its next offer is answered with alreadyCommitted.
            self = Self(.closed, self.context)
            return .none
        case .awaitingHello: preconditionFailure("P2: nothing was proven before the hello")
        case .awaitingOffer: preconditionFailure("P2: nothing was proven before the offer")
        case .deciding: preconditionFailure("P2: nothing was proven before the acceptance")
        case .receiving: preconditionFailure("P2: nothing was proven before the last end")
        }
    }

    /// This side cannot go on, or one of the session's data connections broke the protocol.
    public mutating func failed(_ report: ErrorReport) -> ReceiverAction {
        self.close(.failing(report))
    }

    /// The agent is about to stop: the sender is asked to rest.
    ///
    /// What is being proven is finished. A pending offer is for the shell to refuse, with `draining`.
    public mutating func drain() -> ReceiverAction {
        switch consume self.state {
        case .receiving(let streams):
            self = Self(.receiving(streams), self.context)
            return self.send([.drain])
        case .deciding(let offer): self = Self(.deciding(offer), self.context)
        case .proving(let streams, let commit):
            self = Self(.proving(streams, commit), self.context)
        case .closed: self = Self(.closed, self.context)
        case .awaitingHello:
            self = Self(.closed, self.context)
            return .close(.draining)
        case .awaitingOffer:
            self = Self(.closed, self.context)
            return .close(.draining)
        }
        return .none
    }

    /// Time passed; called each ``Limits/timeoutResolution``.
    public mutating func handleTimeout(now: MonotonicTime) -> ReceiverAction {
        guard !self.isOver else { return .none }
        let age = self.context.liveness.age(now)
        if let late = self.awaited, age >= Limits.handshakeTimeout {
            return self.close(.lost(Liveness.lateReport(late)))
        }
        guard self.agreement != nil else { return .none }
        switch self.context.liveness.tick(now) {
        case .quiet: return .none
        case .ping(let nonce): return .send([.ping(nonce)])
        case .lost: return self.close(.lost(Liveness.report))
        }
    }
}

// MARK: - Frames

extension ReceiverSession {
    private mutating func received(_ hello: Hello) -> ReceiverAction {
        let illegal = self.illegal(.hello)
        switch consume self.state {
        case .awaitingHello:
            do throws(ErrorReport) {
                self.context.agreement = try self.context.hello.agreement(with: hello)
                self = Self(.awaitingOffer, self.context)
                return self.send([.hello(self.context.hello)])
            } catch {
                self = Self(.closed, self.context)
                return .close(.failing(error))
            }
        case .awaitingOffer: self = Self(.closed, self.context)
        case .deciding: self = Self(.closed, self.context)
        case .receiving: self = Self(.closed, self.context)
        case .proving: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .close(illegal)
    }

    private mutating func received(_ offer: Offer) -> ReceiverAction {
        let illegal = self.illegal(.offer)
        switch consume self.state {
        case .awaitingOffer:
            if let closing = offer.refused(agreed: self.context.agreement?.codecs ?? .none) {
                self = Self(.closed, self.context)
                return .close(closing)
            }
            self = Self(.deciding(offer), self.context)
            return .decide(offer)
        case .awaitingHello: self = Self(.closed, self.context)
        case .deciding: self = Self(.closed, self.context)
        case .receiving: self = Self(.closed, self.context)
        case .proving: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .close(illegal)
    }

    private mutating func received(_ commit: Commit) -> ReceiverAction {
        let illegal = self.illegal(.commit)
        switch consume self.state {
        case .receiving(var streams):
            guard streams.commit == nil else {
                self = Self(.closed, self.context)
                return .close(illegal)
            }
            streams.commit = commit
            let step = streams.step
            self = Self(State(streams, step), self.context)
            return step.action
        case .awaitingHello: self = Self(.closed, self.context)
        case .awaitingOffer: self = Self(.closed, self.context)
        case .deciding: self = Self(.closed, self.context)
        case .proving: self = Self(.closed, self.context)
        case .closed: self = Self(.closed, self.context)
        }
        return .close(illegal)
    }
}

// MARK: - Helpers

extension ReceiverSession {
    /// What must come within ``Limits/handshakeTimeout``.
    private var awaited: String? {
        switch self.state {
        case .awaitingHello: "hello"
        case .awaitingOffer: "offer"
        case .deciding: nil
        case .receiving: nil
        case .proving: nil
        case .closed: nil
        }
    }

    private var stateName: String {
        switch self.state {
        case .awaitingHello: "waiting for the hello"
        case .awaitingOffer: "waiting for the offer"
        case .deciding: "deciding about the offer"
        case .receiving: "receiving"
        case .proving: "proving the root"
        case .closed: "closed"
        }
    }

    private func illegal(_ type: FrameType) -> Closing { .illegal(type, while: self.stateName) }

    private mutating func send(_ frames: [ControlFrame]) -> ReceiverAction {
        self.context.liveness.spoke()
        return .send(frames)
    }

    private mutating func close(_ closing: Closing) -> ReceiverAction {
        guard !self.isOver else { return .none }
        self = Self(.closed, self.context)
        return .close(closing)
    }
}
