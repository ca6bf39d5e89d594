// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import WireProtocol

/// The bounds of a connection, each with its reason.
public enum TransportLimits {
    /// What one TLS connection buffers below the records, each way: 1,088 KiB.
    ///
    /// One chunk frame with its records' overhead (64 × 22 bytes) and headers goes out in one system
    /// call. Without it libssl makes two system calls for each 16 KiB, half of the whole cost.
    public static let wireBuffer = ByteCount.kibibytes(1088)

    /// The socket buffers on loopback: 4 MiB; the defaults halve the throughput there.
    ///
    /// On a network the kernel's own tuning knows more than we do.
    public static let loopbackSocketBuffer = ByteCount.mebibytes(4)

    /// From the accepted socket to the end of the handshake: 10 s.
    ///
    /// A silent or dripping peer holds one bounded thread so long, no longer.
    public static let handshakeTimeout = Limits.handshakeTimeout

    /// From the first packet to a usable connection, handshake included: 15 s.
    public static let connectTimeout = Duration.seconds(15)

    /// How long a refused peer may take to read the reason and to close: 1 s.
    static let refusalLinger = Duration.seconds(1)

    /// One write that makes no progress at all: 300 s.
    ///
    /// The peer has stopped reading although it had granted credit. Longer than a slow disk's fsync.
    public static let writeTimeout = Duration.seconds(300)

    /// A peer that has vanished without a word is found after 30 + 3 × 10 s, also while idle.
    static let keepAliveIdle: Int32 = 30
    static let keepAliveInterval: Int32 = 10
    static let keepAliveProbes: Int32 = 3

    /// Written bytes under one write key.
    public static let keyUpdate = Limits.bytesPerKey

    /// Sockets that the kernel completes before we accept them.
    static let backlog: Int32 = 128

    /// A client uses a connection again within 5 s: the receiver, which counts from a little earlier on,
    /// closes it after ``WireProtocol/Limits/restingTime``.
    static let restingTime = Duration.seconds(5)

    /// Connections of one client that wait for another transfer: one of each kind for 16 of them.
    static let restingConnections = 32

    /// How long accept waits when the process is out of descriptors or memory.
    static let acceptPause = Duration.milliseconds(100)
}
