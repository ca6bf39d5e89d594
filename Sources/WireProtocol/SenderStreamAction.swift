// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// What the shell of a ``SenderStream`` does next.
public enum SenderStreamAction: Hashable, Sendable {
    /// Nothing.
    case none
    /// Write these frames to the data connection.
    case send([ControlFrame])
    /// The stream can carry data up to this many charged bytes.
    case ready(creditLimit: ByteCount)
    /// The answer to the question, of exactly its leaves.
    case leafDigests(LeafDigests)
    /// The answer to the question, of exactly its leaves.
    case granuleDigests(GranuleDigests)
    /// Send the last frame, if there is one, and close; the session fails unless the stream ended.
    case close(Closing)
}
