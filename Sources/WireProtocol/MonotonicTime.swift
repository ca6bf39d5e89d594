// SPDX-License-Identifier: Apache-2.0

/// An instant of a clock that never goes back; the shell reads the clock, the machines compare.
public struct MonotonicTime: Hashable, Comparable, Sendable {
    /// Nanoseconds since an origin that is the same for all instants of one process.
    public let nanoseconds: UInt64

    /// The instant `nanoseconds` after the origin.
    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// The time since an earlier instant; zero where that one is later.
    public func elapsed(since earlier: Self) -> Duration {
        guard earlier < self else { return .zero }
        return .nanoseconds(self.nanoseconds - earlier.nanoseconds)
    }

    /// The instant a whole number of seconds later, at most the last one that can be told.
    public func advanced(bySeconds seconds: UInt32) -> Self {
        let step = UInt64(seconds) * 1_000_000_000
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(step)
        return Self(nanoseconds: overflow ? .max : sum)
    }

    /// Orders by time.
    public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
}
