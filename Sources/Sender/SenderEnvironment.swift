// SPDX-License-Identifier: Apache-2.0

public import WireProtocol

/// Clocks, sleep and randomness, given by whoever composes the agent; tests give their own.
public struct SenderEnvironment: Sendable {
    /// A clock that never goes back.
    public var now: @Sendable () -> MonotonicTime

    /// Seconds since 1970 in UTC, for records that people read.
    public var secondsSince1970: @Sendable () -> UInt64

    /// Sixty-four random bits that nobody can guess.
    public var random: @Sendable () -> UInt64

    /// The waits before another attempt; the last one repeats.
    public var backoff: [Duration]

    /// How long data threads wait for a destination that answers and gets nothing durable.
    public var stallLimit: Duration

    /// An environment of all its parts.
    public init(
        now: @escaping @Sendable () -> MonotonicTime,
        secondsSince1970: @escaping @Sendable () -> UInt64,
        random: @escaping @Sendable () -> UInt64,
        backoff: [Duration]? = nil,
        stallLimit: Duration? = nil
    ) {
        self.now = now
        self.secondsSince1970 = secondsSince1970
        self.random = random
        self.backoff = backoff ?? SenderLimits.backoff
        self.stallLimit = stallLimit ?? SenderLimits.stallLimit
    }

    /// The randomness as a generator.
    var generator: Randomness { Randomness(source: self.random) }

    struct Randomness: RandomNumberGenerator {
        let source: @Sendable () -> UInt64
        mutating func next() -> UInt64 { self.source() }
    }
}
