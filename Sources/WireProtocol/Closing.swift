// SPDX-License-Identifier: Apache-2.0

/// How a connection ends; the shell sends ``lastFrame``, if there is one, and closes.
///
/// After its last frame a side reads and discards until the peer closes, at most
/// ``Limits/lingerTime``, so that the frame is not lost to a reset.
public enum Closing: Hashable, Sendable {
    /// Everything is done and both sides know it.
    case finished
    /// This side found the reason: a violation of the peer, or a failure of its own.
    case failing(ErrorReport)
    /// The receiver does not take the offer.
    case refusing(Refusal)
    /// This side ends the transfer on purpose.
    case aborting(Abort)
    /// The peer found the reason.
    case reported(ErrorReport)
    /// The peer ended the transfer on purpose.
    case aborted(Abort)
    /// The peer is silent or gone: nothing can be sent any more. A closed socket is no success.
    case lost(ErrorReport)

    /// What is sent before the connection closes.
    public var lastFrame: ControlFrame? {
        switch self {
        case .finished, .reported, .aborted, .lost: nil
        case .failing(let report): .error(report)
        case .refusing(let refusal): .refuse(refusal)
        case .aborting(let abort): .abort(abort)
        }
    }

    /// The reason; nil where all went well.
    public var cause: ErrorReport? {
        switch self {
        case .finished: nil
        case .failing(let report), .reported(let report), .lost(let report): report
        case .refusing(let refusal):
            ErrorReport(
                code: refusal.code,
                isRetryable: refusal.isRetryable,
                text: refusal.text
            )
        case .aborting(let abort), .aborted(let abort):
            ErrorReport(code: abort.code, text: abort.text)
        }
    }

    /// The peer sent something that this state does not allow.
    static func violation(_ text: String) -> Self {
        .failing(ErrorReport(code: .violation, text: text))
    }

    /// The peer sent a frame that cannot come in this state.
    static func illegal(_ type: FrameType, while state: String) -> Self {
        self.violation("a frame of type \(type.name) cannot come while \(state)")
    }

    /// The peer closed the connection before the last frame.
    static func closedEarly(while state: String) -> Self {
        .lost(
            ErrorReport(code: .streamLost, text: "the peer closed the connection while \(state)")
        )
    }

    /// The agent is about to stop, and nothing is under way on the connection yet.
    static let draining = Self.failing(
        ErrorReport(code: .draining, text: "the agent is about to stop")
    )
}
