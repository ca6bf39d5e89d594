// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import VolumeStore
public import WireProtocol

/// The bounds of a receiver (P6), each with its reason.
public struct ReceiverLimits: Hashable, Sendable {
    /// Transfers at once; more are refused as busy and come again.
    public var sessions: Int
    /// Streams of one transfer.
    ///
    /// Each has a thread and 7.5 MiB of buffers: 16 of them stay below the 128 MiB of a transfer.
    public var streams: Int
    /// Connections at once, of all kinds; more are closed before the handshake.
    public var connections: Int
    /// Volumes that one pair may have here, so that it cannot fill the pool with empty ones.
    public var volumesPerPair: Int
    /// Connections at once that wait for their next transfer; more are closed when theirs has ended.
    public var restingConnections: Int
    /// A connection waits at most so long for its next transfer.
    public var restingTime: Duration
    /// A connection older than this rests no more: its certificate is looked at anew.
    public var restingAge: Duration
    /// Peers at once that have not proven who they are; they must not take all the places.
    public var handshakes: Int
    /// How far each stream may be ahead of what is durable.
    public var creditWindow: ByteCount
    /// Applied bytes of one stream after which everything applied is made durable.
    public var flushStep: ByteCount
    /// Applied bytes wait at most so long to be made durable.
    public var flushInterval: Duration
    /// A commit that changes bytes in place waits at most so long for readers.
    public var readerWait: Duration
    /// A sender that comes again waits at most so long for its old session to end.
    public var takeoverWait: Duration
    /// A stop waits at most so long for sessions to say their last word.
    public var stopGrace: Duration
    /// What a refused sender should wait before it asks again.
    public var retryAfterSeconds: UInt32
    /// Stages of broken sessions that are kept open; others are read again from the disk.
    public var keptStages: Int
    /// A stage that nobody continues is thrown away after so long: 7 days, a cadence of full copies.
    public var stageLifetime: Duration

    /// The limits that an agent uses, unless something else is said.
    public init(
        sessions: Int = 16,
        streams: Int = Limits.streams,
        connections: Int = 144,
        volumesPerPair: Int = 4096,
        restingConnections: Int = 32,
        restingTime: Duration = Limits.restingTime,
        restingAge: Duration = Limits.restingAge,
        handshakes: Int = 32,
        creditWindow: ByteCount = Limits.creditWindow,
        flushInterval: Duration = .milliseconds(200),
        readerWait: Duration = .seconds(60),
        takeoverWait: Duration = .seconds(10),
        stopGrace: Duration = .seconds(1),
        retryAfterSeconds: UInt32 = 5,
        keptStages: Int = 4,
        stageLifetime: Duration = .seconds(7 * 86_400)
    ) {
        precondition((1...Limits.streams).contains(streams), "\(streams) streams")
        precondition(
            creditWindow >= Limits.minimumCreditWindow
                && creditWindow <= Limits.maximumCreditWindow,
            "a credit window of \(creditWindow.bytes) bytes"
        )
        self.sessions = sessions
        self.streams = streams
        self.connections = connections
        self.volumesPerPair = volumesPerPair
        self.restingConnections = restingConnections
        self.restingTime = restingTime
        self.restingAge = restingAge
        self.handshakes = handshakes
        self.creditWindow = creditWindow
        // Half a window: the sender fills the other half while this one becomes durable.
        // What is under way and one chunk less than a flush may have: a stream that has to wait for one
        // has caused it.
        self.flushStep = min(
            Limits.durableStep - StageWriter.mostPending - Geometry.maximumChunk,
            ByteCount(creditWindow.bytes / 2)
        )
        self.flushInterval = flushInterval
        self.readerWait = readerWait
        self.takeoverWait = takeoverWait
        self.stopGrace = stopGrace
        self.retryAfterSeconds = retryAfterSeconds
        self.keptStages = keptStages
        self.stageLifetime = stageLifetime
    }
}
