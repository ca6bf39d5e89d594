// SPDX-License-Identifier: Apache-2.0

import BlockTypes

/// The streams of one session at the receiver: who joined, who ended, what they carried.
///
/// Holds: each stream joins once and ends once; the sum counts ended streams only.
struct ReceivingStreams {
    private enum Stream {
        case expected
        case joined
        case ended
    }

    let offer: Offer
    let acceptance: Acceptance
    var acks: AckLevels
    /// Came before the last end frame, on another connection.
    var commit: Commit?
    private var streams: [Stream]
    private(set) var totals = StreamTotals()

    init(_ offer: Offer, _ acceptance: Acceptance) {
        precondition(
            acceptance.streams <= offer.streams,
            "\(acceptance.streams) streams for an offer of \(offer.streams)"
        )
        self.offer = offer
        self.acceptance = acceptance
        self.acks = AckLevels(streams: acceptance.streams)
        self.streams = Array(repeating: .expected, count: acceptance.streams)
    }

    mutating func admit(_ join: Join) -> Admission {
        // The token first and for all cases: who does not have it learns nothing of the transfer.
        guard self.acceptance.token.matches(join.token), join.transfer == self.offer.transfer else {
            return .rejected(
                ErrorReport(code: .notAuthorised, text: "the join token is not of this transfer")
            )
        }
        guard self.commit == nil else {
            return .rejected(
                ErrorReport(code: .violation, text: "a stream joins after the commit")
            )
        }
        let index = join.stream.index
        guard index < self.streams.count else {
            return .rejected(
                ErrorReport(
                    code: .violation,
                    text: "stream \(index) joins a session of \(self.streams.count) streams"
                )
            )
        }
        guard self.streams[index] == .expected else {
            return .rejected(ErrorReport(code: .violation, text: "stream \(index) joins twice"))
        }
        self.streams[index] = .joined
        return .admitted(
            StreamTerms(
                stream: join.stream,
                size: self.offer.target.size,
                codecs: self.offer.codecs,
                allowsQueries: self.offer.mode.needsBase,
                creditLimit: self.acceptance.creditWindow
            )
        )
    }

    mutating func end(_ stream: StreamIndex, _ totals: StreamTotals) {
        precondition(
            stream.index < self.streams.count && self.streams[stream.index] == .joined,
            "stream \(stream.index) ends and is not open"
        )
        self.streams[stream.index] = .ended
        self.totals = self.totals + totals
    }

    /// What a commit or an end frame leads to.
    enum Step {
        /// Something is still missing.
        case receive
        /// The commit and all end frames are there and count the same.
        case prove(Commit)
        /// They count differently.
        case close(Closing)

        var action: ReceiverAction {
            switch self {
            case .receive: .none
            case .prove(let commit): .prove(commit)
            case .close(let closing): .close(closing)
            }
        }
    }

    /// Whether the commit and the end frames are there, and agree.
    ///
    /// A stream that never joined has carried nothing: the sender waits for the answer to its join
    /// before it sends anything, so that a stream with data has joined before the commit was sent.
    var step: Step {
        guard let commit, !self.streams.contains(.joined) else { return .receive }
        guard commit.totals != self.totals else { return .prove(commit) }
        return .close(
            .violation(
                "the commit counts \(commit.totals.text), \(self.totals.text) came"
            )
        )
    }
}
