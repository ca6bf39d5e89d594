// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// Every bound of protocol 1, with the reason for its value (docs/wire-format.md §12).
///
/// A number from the peer is compared with its limit before anything is allocated or sliced (P6, P7).
public enum Limits {
    // MARK: Frames

    /// The largest body of a control frame, its checksum included: 64 KiB.
    ///
    /// Large enough that 4,000 digests or ranges share one header, small enough that a hundred
    /// sessions with a frame each half read stay under 8 MiB.
    public static let controlBody = ByteCount.kibibytes(64)

    /// The largest body of a data frame: one chunk and the 24 bytes before it.
    ///
    /// A chunk that does not get smaller travels uncompressed, so no payload exceeds the chunk.
    public static let dataBody = Geometry.maximumChunk + ByteCount(DataHeader.encodedSize)

    /// The longest name of a volume or of a program, in bytes of UTF-8: 253.
    ///
    /// The longest name that Kubernetes gives an object.
    public static let nameLength = 253

    /// The longest explanation in a refusal, abort or error, in bytes of UTF-8: 1,024.
    ///
    /// Room for what happened, to which object and what to do; it ends in logs and statuses.
    public static let textLength = 1024

    /// The longest name of a feature, in bytes of ASCII: 64.
    public static let featureNameLength = 64

    /// The most features in one hello: 32, so that a hello stays under 3 KiB.
    public static let features = 32

    /// The longest resume ticket, in bytes: 256; version 1 tickets have 48.
    ///
    /// Only its sender reads a ticket, so another sender may need more room.
    public static let ticketLength = 256

    /// The most ranges in one frame: 4,000 × 16 bytes, the round number below 64 KiB.
    public static let rangesPerFrame = 4000

    /// The most durable ranges that one acceptance may list: 1,048,576, which are 16 MiB.
    ///
    /// A receiver with more of them leaves out the rest, which then travels again.
    public static let rangesPerTransfer = 1 << 20

    /// The most leaves in one leaf query: 4,000 answers of 16 bytes, the round number below 64 KiB.
    public static let leavesPerQuery = 4000

    /// The most leaves in one granule query: 128 answers of 264 bytes, 33 KiB; 8 MiB of volume.
    ///
    /// A dirty leaf costs a read of its 64 KiB on each side, so that more would only add delay.
    public static let leavesPerGranuleQuery = 128

    // MARK: Sessions

    /// The most streams of one transfer: 16; each costs a thread and a window on both sides.
    public static let streams = 16

    /// The streams of a transfer when nobody says otherwise: 3.
    public static let defaultStreams = 3

    /// The credit window that a receiver gives each stream when nobody says otherwise: 32 MiB.
    ///
    /// Two syncs of 16 MiB: one half becomes durable while the other half travels (P5).
    public static let creditWindow = ByteCount.mebibytes(32)

    /// The smallest credit window: one chunk, so that each chunk can be sent at all.
    public static let minimumCreditWindow = Geometry.maximumChunk

    /// The largest credit window that a sender accepts: 1 GiB.
    ///
    /// Above the bandwidth-delay product of 10 Gbit/s at 0.8 s; a larger one is a mistake.
    public static let maximumCreditWindow = ByteCount.gibibytes(1)

    /// What a zero record costs in credit: 4,096 bytes, about the work of making it durable.
    public static let zeroCharge = ByteCount.kibibytes(4)

    /// The most bytes that become durable at once in one stream: 16 MiB.
    ///
    /// At most these travel again although they were durable (P5): a kill can come between the sync
    /// and the record of it.
    public static let durableStep = ByteCount.mebibytes(16)

    // MARK: Times

    /// A side that has sent nothing on the control connection for this long sends a ping: 5 s.
    ///
    /// Six pings fit into ``peerTimeout``: one lost packet and its repeats do not end a session.
    public static let pingInterval = Duration.seconds(5)

    /// A peer that has sent nothing on the control connection for this long is lost: 30 s.
    ///
    /// Long enough for a slow link with full buffers; sessions resume, so a mistake costs little.
    public static let peerTimeout = Duration.seconds(30)

    /// TLS, hello and the first frame after it must be there within this time: 10 s.
    ///
    /// A connection that says nothing must not hold a thread.
    public static let handshakeTimeout = Duration.seconds(10)

    /// After its last frame a side reads and discards until the peer closes, at most so long: 2 s.
    ///
    /// Closing over unread bytes resets the connection, and the peer could miss the reason.
    public static let lingerTime = Duration.seconds(2)

    /// A receiver keeps a connection whose transfer has ended for the next one: 10 s.
    public static let restingTime = Duration.seconds(10)

    /// A receiver keeps no connection that was made longer ago, for certificates end: 60 s.
    public static let restingAge = Duration.seconds(60)

    /// How often a shell calls `handleTimeout`: each second; the times above are checked then.
    public static let timeoutResolution = Duration.seconds(1)

    // MARK: Encryption

    /// What one direction of a connection sends under one traffic key before a key update: 64 GiB.
    ///
    /// RFC 8446 §5.5 allows about 2^24.5 full records for AES-GCM, which are 389 GB; this is a
    /// sixth of it.
    public static let bytesPerKey = ByteCount.gibibytes(64)
}
