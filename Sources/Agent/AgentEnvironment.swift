// SPDX-License-Identifier: Apache-2.0

public import Foundation
public import Logging

/// What the composition root gives: clocks, randomness, and where lines go.
///
/// Tests give their own.
public struct AgentEnvironment: Sendable {
    /// The time of day.
    public var now: @Sendable () -> Date
    /// A clock that never goes back, in nanoseconds.
    public var monotonicNanoseconds: @Sendable () -> UInt64
    /// The name of this machine.
    public var hostName: String
    /// Where log lines go.
    public var logger: Logger
    /// Changes the least severe level that the logger writes.
    public var setLogLevel: @Sendable (LogLevel) -> Void
    /// Called when draining does not end: the process has to.
    public var stuck: @Sendable () -> Void

    /// An environment of all its parts.
    public init(
        now: @escaping @Sendable () -> Date,
        monotonicNanoseconds: @escaping @Sendable () -> UInt64,
        hostName: String,
        logger: Logger,
        setLogLevel: @escaping @Sendable (LogLevel) -> Void = { (_) in },
        stuck: @escaping @Sendable () -> Void
    ) {
        self.now = now
        self.monotonicNanoseconds = monotonicNanoseconds
        self.hostName = hostName
        self.logger = logger
        self.setLogLevel = setLogLevel
        self.stuck = stuck
    }
}
