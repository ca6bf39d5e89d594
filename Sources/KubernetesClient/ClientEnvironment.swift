// SPDX-License-Identifier: Apache-2.0

import Foundation
public import ObjectModel

/// What the client needs of its surroundings; tests put their own in.
public struct ClientEnvironment: Sendable {
    /// Variables of the process, for `KUBECONFIG`, `HOME`, `PATH` and for plug-ins.
    public var variables: [String: String]
    /// The time of day, for tokens that expire and for events.
    public var now: @Sendable () -> Timestamp
    /// A clock that nobody sets, for leases.
    public var instant: @Sendable () -> ContinuousClock.Instant
    /// Waits before a repetition; throws when the task is cancelled.
    public var wait: @Sendable (Duration) async throws -> Void
    /// A number from 0 up to, but not including, 1, so that many clients do not come at once.
    public var jitter: @Sendable () -> Double

    /// An environment of these parts.
    public init(
        variables: [String: String],
        now: @escaping @Sendable () -> Timestamp,
        instant: @escaping @Sendable () -> ContinuousClock.Instant,
        wait: @escaping @Sendable (Duration) async throws -> Void,
        jitter: @escaping @Sendable () -> Double
    ) {
        self.variables = variables
        self.now = now
        self.instant = instant
        self.wait = wait
        self.jitter = jitter
    }

    /// The machine's clocks and the given variables; a composition root passes those of the process.
    public static func live(variables: [String: String]) -> Self {
        Self(
            variables: variables,
            now: { Timestamp(microseconds: Int(Date().timeIntervalSince1970 * 1_000_000)) },
            instant: { ContinuousClock.now },
            wait: { try await Task.sleep(for: $0) },
            jitter: { Double.random(in: 0..<1) }
        )
    }
}
