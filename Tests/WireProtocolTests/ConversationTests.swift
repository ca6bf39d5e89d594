// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Testing
import WireProtocol

/// Both sides' machines talk to each other in bytes, as over a connection, without one.
@Suite("Conversations of both sides")
struct ConversationTests {
    /// One direction of a connection: encodes, cuts the bytes into odd pieces, decodes.
    private struct Wire: ~Copyable {
        private var sent = FrameSequence()
        private var assembler = FrameAssembler()

        mutating func carry(_ frames: [ControlFrame]) throws -> [ControlFrame] {
            var arrived: [Assembled] = []
            for frame in frames {
                var rest = frame.encodedFrame(sequence: self.sent.take())[...]
                while !rest.isEmpty {
                    try self.assembler.take(rest.prefix(7), into: &arrived)
                    rest = rest.dropFirst(7)
                }
            }
            return arrived.compactMap { if case .control(let frame) = $0 { frame } else { nil } }
        }
    }

    /// A sender and a receiver, their control connection, and what each decided.
    private struct Pair: ~Copyable {
        var sender: SenderSession
        var receiver: ReceiverSession
        private var forward = Wire()
        private var back = Wire()
        private(set) var senderSaw: [SenderAction] = []
        private(set) var receiverSaw: [ReceiverAction] = []

        init(_ offer: Offer, sender: WireVersion = .current, receiver: WireVersion = .current) {
            self.sender = SenderSession(
                hello: Sample.hello(.control, version: sender),
                offer: offer
            )
            self.receiver = ReceiverSession(
                hello: Sample.hello(.control, cluster: 4, version: receiver)
            )
        }

        mutating func start() throws { try self.toReceiver(self.sender.start()) }

        /// Performs what the sender's side does: what it sends is answered at once.
        mutating func perform(_ action: SenderAction) throws {
            switch action {
            case .send(let frames): try self.toReceiver(frames)
            case .close(let closing):
                self.senderSaw.append(action)
                if let frame = closing.lastFrame { try self.toReceiver([frame]) }
            case .none: break
            case .stream, .credit, .refused, .committed, .drain: self.senderSaw.append(action)
            }
        }

        mutating func perform(_ action: ReceiverAction) throws {
            switch action {
            case .send(let frames): try self.toSender(frames)
            case .close(let closing):
                self.receiverSaw.append(action)
                if let frame = closing.lastFrame { try self.toSender([frame]) }
            case .none: break
            case .decide, .prove, .aborted: self.receiverSaw.append(action)
            }
        }

        private mutating func toReceiver(_ frames: [ControlFrame]) throws {
            for frame in try self.forward.carry(frames) {
                try self.perform(self.receiver.received(frame))
            }
        }

        private mutating func toSender(_ frames: [ControlFrame]) throws {
            for frame in try self.back.carry(frames) {
                try self.perform(self.sender.received(frame))
            }
        }
    }

    /// One stream of a session: 1 MiB in chunks, a hole, a question.
    private func stream(_ index: Int, in pair: inout Pair) throws -> StreamTotals {
        var outgoing = SenderStream(
            hello: Sample.hello(.data),
            join: try Sample.join(stream: index)
        )
        var incoming = ReceiverStream(hello: Sample.hello(.data, cluster: 4))
        var forward = Wire()
        var back = Wire()
        func step(
            _ frames: [ControlFrame],
            _ incoming: inout ReceiverStream,
            _ forward: inout Wire
        ) throws -> ReceiverStreamAction {
            var action = ReceiverStreamAction.none
            for frame in try forward.carry(frames) { action = incoming.received(frame) }
            return action
        }
        guard case .send(let hello) = try step(outgoing.start(), &incoming, &forward),
            case .send(let join) = outgoing.received(try back.carry(hello)[0]),
            case .join(let joins) = try step(join, &incoming, &forward),
            case .admitted(let terms) = pair.receiver.admit(joins),
            case .send(let joined) = incoming.joined(terms),
            case .ready(let credit) = outgoing.received(try back.carry(joined)[0])
        else { throw Sample.Missing() }
        #expect(credit == Limits.creditWindow)

        let query = LeafQuery(first: LeafIndex(16 * index), count: 1)
        guard case .send(let asked) = outgoing.ask(query),
            case .answerLeaves(query) = try step(asked, &incoming, &forward)
        else { throw Sample.Missing() }
        let answer = LeafDigests(first: query.first, digests: [Sample.digest(1)])
        let told = outgoing.received(try back.carry([.leafDigests(answer)])[0])
        #expect(told == .leafDigests(answer))

        for chunk in 0..<4 {
            let start = (2 * index) << 20 | chunk << 18
            let extent = Sample.extent(start, start + 1 << 18)
            let granted = outgoing.reserve(extent, .data)
            let header = DataHeader(
                offset: extent.start,
                rawLength: extent.length.bytes,
                codec: .lz4,
                checksum: 0
            )
            let taken = incoming.receivedData(header, wireLength: 1000)
            #expect(granted && taken == .data(extent))
        }
        let hole = Sample.extent((2 * index + 1) << 20, (2 * index + 2) << 20)
        let granted = outgoing.reserve(hole, .zero)
        let zeroed = try step([.zero(ZeroExtent(hole))], &incoming, &forward)
        #expect(granted && zeroed == .zero(hole))
        guard case .send(let end) = outgoing.end(),
            case .ended(let totals) = try step(end, &incoming, &forward)
        else { throw Sample.Missing() }
        #expect(totals == outgoing.totals)
        let charged = incoming.charged
        try pair.perform(
            pair.receiver.acknowledge(
                Sample.ack(charged.bytes, charged.bytes, 0, limit: 64 << 20, stream: index)
            )
        )
        try pair.perform(pair.receiver.streamEnded(StreamIndex(index), totals: totals))
        return totals
    }

    @Test(
        "a whole transfer over two streams, also where one side is a minor version ahead",
        arguments: [(0, 0), (1, 0), (0, 1)] as [(UInt16, UInt16)]
    )
    func wholeTransfer(senderMinor: UInt16, receiverMinor: UInt16) throws {
        let offer = try Sample.offer()
        var pair = Pair(
            offer,
            sender: WireVersion(major: 1, minor: senderMinor),
            receiver: WireVersion(major: 1, minor: receiverMinor)
        )
        try pair.start()
        #expect(pair.receiverSaw == [.decide(offer)])
        let versions = [pair.sender.agreement?.version, pair.receiver.agreement?.version]
        #expect(versions == [.current, .current])
        try pair.perform(pair.receiver.decided(.accept(try Sample.acceptance())))
        #expect(pair.senderSaw == [.stream(try Sample.accept(), durable: [])])

        let totals = try self.stream(0, in: &pair) + (try self.stream(1, in: &pair))
        #expect(totals.rawBytes == .mebibytes(2) && totals.zeroBytes == .mebibytes(2))
        let root = try Sample.root(7)
        try pair.perform(pair.sender.streamsFinished(root: root, totals: totals))
        #expect(pair.receiverSaw.last == .prove(Commit(root: root, totals: totals)))
        let committed = Committed(offer.target.proven(root))
        try pair.perform(pair.receiver.committed(committed))
        #expect(pair.senderSaw.last == .committed(committed))
        let over = [pair.sender.isOver, pair.receiver.isOver]
        #expect(over == [true, true])
    }

    @Test("a resumed transfer gets its ranges, and a forged ticket ends it")
    func resumption() throws {
        var pair = Pair(try Sample.offer())
        try pair.start()
        let acceptance = try Sample.acceptance(resumed: true)
        try pair.perform(pair.receiver.decided(.accept(acceptance)))
        guard case .stream(let accept, Sample.durable) = pair.senderSaw.last else {
            Issue.record("\(pair.senderSaw)")
            return
        }
        #expect(accept.ticket.verify(try Sample.scope(.incremental), secret: Sample.secret))
        #expect(!accept.ticket.verify(try Sample.scope(.fullVerify), secret: Sample.secret))
        let abort = Abort(code: .badTicket, discard: true, text: "the ticket is not ours")
        try pair.perform(pair.sender.abort(abort))
        #expect(pair.receiverSaw.last == .aborted(abort))
    }

    @Test("a refusal, a drain and a violation reach the other side with their reasons")
    func endings() throws {
        let refusal = Refusal(code: .needsFull, text: "nothing is here")
        var refused = Pair(try Sample.offer())
        try refused.start()
        try refused.perform(refused.receiver.decided(.refuse(refusal)))
        #expect(refused.senderSaw == [.refused(refusal)])

        var drained = Pair(try Sample.offer())
        try drained.start()
        try drained.perform(drained.receiver.decided(.accept(try Sample.acceptance())))
        try drained.perform(drained.receiver.drain())
        #expect(drained.senderSaw.last == .drain)
        try drained.perform(drained.sender.drained())
        guard case .aborted(let abort) = drained.receiverSaw.last else {
            Issue.record("\(drained.receiverSaw)")
            return
        }
        #expect(abort.code == .draining && !abort.discard)

        var broken = Pair(try Sample.offer())
        try broken.start()
        try broken.perform(broken.receiver.malformed(.badBodyChecksum(.commit)))
        #expect(
            broken.senderSaw == [.close(.reported(FrameError.badBodyChecksum(.commit).report))]
        )
    }
}
