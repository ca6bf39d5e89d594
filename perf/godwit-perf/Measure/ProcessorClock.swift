// SPDX-License-Identifier: Apache-2.0

// Beside OpenSSL's headers the compiler takes the C library's types of time for CoreFoundation's.
import CoreFoundation
import Glibc

/// Processor time of this thread or process since it was made.
struct ProcessorClock {
    private let clock: clockid_t
    private let start: Double

    init(_ clock: clockid_t) {
        self.clock = clock
        self.start = Self.now(clock)
    }

    var seconds: Double { Self.now(self.clock) - self.start }

    /// The processor time that this thread spends in `body`.
    static func time(_ body: () -> Void) -> Double {
        let clock = Self(CLOCK_THREAD_CPUTIME_ID)
        body()
        return clock.seconds
    }

    private static func now(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
