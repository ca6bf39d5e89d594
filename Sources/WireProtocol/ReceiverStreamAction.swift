// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// What the shell of a ``ReceiverStream`` does next.
public enum ReceiverStreamAction: Hashable, Sendable {
    /// Nothing.
    case none
    /// Write these frames to the data connection.
    case send([ControlFrame])
    /// Find the session of this transfer, ask it with `admit(_:)`, tell the stream the answer.
    case join(Join)
    /// Read the payload, decompress, check, stage it at this extent.
    case data(Extent)
    /// Stage zeros at this extent.
    case zero(Extent)
    /// Compute the digests of these leaves of the base, answer with leaf digests.
    case answerLeaves(LeafQuery)
    /// Compute the granule shares of these leaves of the base, answer with granule digests.
    case answerGranules(GranuleQuery)
    /// The stream is complete: apply what is left, tell the session with `streamEnded`.
    case ended(StreamTotals)
    /// Send the last frame, if there is one, and close; the session fails unless told otherwise.
    case close(Closing)
}
