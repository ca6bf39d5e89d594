// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Testing
import WireProtocol

/// Every frame in every state of every machine: allowed, or the end as a violation.
@Suite("Frames in the wrong state")
struct IllegalFrameTests {
    /// One frame of each type but data.
    private static func frames() throws -> [ControlFrame] {
        var frames: [FrameType: ControlFrame] = [:]
        for vector in try ValidVector.all() {
            if case .control(let frame) = vector.frame, frames[frame.type] == nil {
                frames[frame.type] = frame
            }
        }
        #expect(frames.count == FrameType.allCases.count - 1)
        return frames.values.sorted { $0.type.rawValue < $1.type.rawValue }
    }

    @Test(
        "the sender's session",
        arguments: [
            (0, [.hello, .abort, .error]),
            (1, [.accept, .refuse, .ping, .abort, .error]),
            (2, [.ranges, .ping, .abort, .error]),
            (3, [.ack, .drain, .ping, .abort, .error]),
            (4, [.ack, .drain, .committed, .ping, .abort, .error]),
        ] as [(Int, Set<FrameType>)]
    )
    func senderSession(state: Int, allowed: Set<FrameType>) throws {
        for frame in try Self.frames() {
            var session = SenderSession(hello: Sample.hello(.control), offer: try Sample.offer())
            _ = session.start()
            if state >= 1 { _ = session.received(.hello(Sample.hello(.control))) }
            if state >= 2 { _ = session.received(.accept(try Sample.accept(resumed: true))) }
            if state >= 3 { _ = session.received(.ranges(Ranges(Sample.durable, isLast: true))) }
            if state >= 4 {
                _ = session.streamsFinished(root: try Sample.root(7), totals: Sample.totals)
            }
            let wasOver = session.isOver
            let action = session.received(frame)
            #expect(!wasOver)
            #expect(action.violates != allowed.contains(frame.type), "\(frame.type) in \(state)")
            guard action.violates else { continue }
            let after = session.received(frame)
            #expect(after == .none)
        }
    }

    @Test(
        "the receiver's session",
        arguments: [
            (0, [.hello, .abort, .error]),
            (1, [.offer, .ping, .abort, .error]),
            (2, [.ping, .abort, .error]),
            (3, [.commit, .ping, .abort, .error]),
            (4, [.ping, .abort, .error]),
            (5, [.ping, .abort, .error]),
        ] as [(Int, Set<FrameType>)]
    )
    func receiverSession(state: Int, allowed: Set<FrameType>) throws {
        let totals = StreamTotals(
            dataFrames: 3,
            zeroFrames: 1,
            rawBytes: .kibibytes(1028),
            zeroBytes: .mebibytes(2)
        )
        for frame in try Self.frames() {
            var session = ReceiverSession(hello: Sample.hello(.control))
            if state >= 1 { _ = session.received(.hello(Sample.hello(.control))) }
            if state >= 2 { _ = session.received(.offer(try Sample.offer())) }
            if state >= 3 {
                _ = session.decided(.accept(try Sample.acceptance()))
                _ = session.admit(try Sample.join())
            }
            let commit = Commit(root: try Sample.root(7), totals: totals)
            if state >= 4 { _ = session.received(.commit(commit)) }
            if state >= 5 { _ = session.streamEnded(StreamIndex(0), totals: totals) }
            let wasOver = session.isOver
            let action = session.received(frame)
            #expect(!wasOver)
            #expect(action.violates != allowed.contains(frame.type), "\(frame.type) in \(state)")
            guard action.violates else { continue }
            let after = session.received(frame)
            #expect(after == .none)
        }
    }

    @Test(
        "the receiver's stream",
        arguments: [
            (0, [.hello, .error]), (1, [.join, .error]), (2, [.error]),
            (3, [.zero, .leafQuery, .granuleQuery, .error]), (4, [.error]),
        ] as [(Int, Set<FrameType>)]
    )
    func receiverStream(state: Int, allowed: Set<FrameType>) throws {
        let terms = StreamTerms(
            stream: StreamIndex(0),
            size: .mebibytes(10),
            codecs: .all,
            allowsQueries: true,
            creditLimit: Limits.creditWindow
        )
        for frame in try Self.frames() {
            var stream = ReceiverStream(hello: Sample.hello(.data))
            if state >= 1 { _ = stream.received(.hello(Sample.hello(.data))) }
            if state >= 2 { _ = stream.received(.join(try Sample.join())) }
            if state >= 3 { _ = stream.joined(terms) }
            if state >= 4 { _ = stream.received(.end(StreamTotals())) }
            var sent = frame
            if case .hello = frame { sent = .hello(Sample.hello(.data)) }
            let wasOver = stream.isOver
            let action = stream.received(sent)
            #expect(!wasOver)
            #expect(action.violates != allowed.contains(frame.type), "\(frame.type) in \(state)")
            guard action.violates else { continue }
            let after = stream.received(sent)
            #expect(after == .none)
        }
    }

    @Test("data before the terms and after the end", arguments: [0, 1, 2, 4])
    func dataOutOfPlace(state: Int) throws {
        var stream = ReceiverStream(hello: Sample.hello(.data))
        let terms = StreamTerms(
            stream: StreamIndex(0),
            size: .mebibytes(10),
            codecs: .all,
            allowsQueries: true,
            creditLimit: Limits.creditWindow
        )
        if state >= 1 { _ = stream.received(.hello(Sample.hello(.data))) }
        if state >= 2 { _ = stream.received(.join(try Sample.join())) }
        if state >= 3 { _ = stream.joined(terms) }
        if state >= 4 { _ = stream.received(.end(StreamTotals())) }
        let header = DataHeader(offset: .zero, rawLength: 4096, codec: .none, checksum: 0)
        let action = stream.receivedData(header, wireLength: 4096)
        #expect(action.violates)
    }

    @Test(
        "the sender's stream",
        arguments: [
            (0, [.hello, .error]), (1, [.joined, .error]), (2, [.error]),
            (3, [.leafDigests, .error]), (4, [.granuleDigests, .error]), (5, [.error]),
        ] as [(Int, Set<FrameType>)]
    )
    func senderStream(state: Int, allowed: Set<FrameType>) throws {
        for frame in try Self.frames() {
            var stream = SenderStream(
                hello: Sample.hello(.data),
                join: try Sample.join(stream: 2)
            )
            if state >= 1 { _ = stream.received(.hello(Sample.hello(.data))) }
            if state >= 2 {
                _ = stream.received(
                    .joined(Joined(stream: StreamIndex(2), creditLimit: .mebibytes(1)))
                )
            }
            if state == 3 { _ = stream.ask(LeafQuery(first: LeafIndex(3), count: 2)) }
            if state == 4 { _ = stream.ask(GranuleQuery([LeafIndex(1), LeafIndex(5)])) }
            if state == 5 { _ = stream.end() }
            var sent = frame
            if case .hello = frame { sent = .hello(Sample.hello(.data)) }
            let wasOver = stream.isOver
            let action = stream.received(sent)
            #expect(!wasOver)
            #expect(action.violates != allowed.contains(frame.type), "\(frame.type) in \(state)")
            guard action.violates else { continue }
            let after = stream.received(sent)
            #expect(after == .none)
        }
    }
}

extension ReceiverStreamAction {
    /// Whether the action ends the stream because the peer broke the protocol.
    var violates: Bool {
        if case .close(.failing(let report)) = self { report.code == .violation } else { false }
    }
}

extension SenderStreamAction {
    /// Whether the action ends the stream because the peer broke the protocol.
    var violates: Bool {
        if case .close(.failing(let report)) = self { report.code == .violation } else { false }
    }
}
