// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// What the shell of a ``SenderSession`` does next.
public enum SenderAction: Hashable, Sendable {
    /// Nothing.
    case none
    /// Write these frames to the control connection.
    case send([ControlFrame])
    /// Verify the ticket of a resumed transfer, open the data connections, leave out what is durable.
    case stream(Accept, durable: [Extent])
    /// Hand the acknowledgement to its stream, and note what is durable.
    case credit(Ack)
    /// The receiver said no; close.
    case refused(Refusal)
    /// The target is visible at the receiver: let go of the base; close.
    case committed(Committed)
    /// Stop handing out work; when the streams rest, call `drained()` (or `streamsFinished`).
    case drain
    /// Send the last frame, if there is one, and close all connections of the session.
    case close(Closing)
}
