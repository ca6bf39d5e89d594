// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The message of an error number of the system.
func systemMessage(_ number: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 128)
    guard strerror_r(number, &buffer, buffer.count) == 0 else { return "error \(number)" }
    let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let text = String(decoding: bytes, as: UTF8.self)
    return text.isEmpty ? "error \(number)" : text
}

/// A point in time of the monotonic clock.
struct Deadline: Sendable {
    private let instant: ContinuousClock.Instant

    /// The time after `duration` from now.
    init(after duration: Duration) {
        self.instant = ContinuousClock.now.advanced(by: duration)
    }

    /// Whether nothing remains.
    var hasPassed: Bool { ContinuousClock.now >= self.instant }

    /// Milliseconds that remain for `poll`, at least 0.
    var pollMilliseconds: Int32 {
        Deadline.milliseconds(ContinuousClock.now.duration(to: self.instant))
    }

    /// The milliseconds of a duration, rounded up, in the range of `poll`.
    static func milliseconds(_ duration: Duration) -> Int32 {
        guard duration > .zero else { return 0 }
        let parts = duration.components
        guard parts.seconds < 1_000_000 else { return 1_000_000_000 }
        let fraction = (parts.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return Int32(clamping: parts.seconds * 1000 + fraction)
    }
}

/// Waits until one of the descriptors has an event, or the time has passed.
///
/// Returns the number of descriptors with events; 0 when the time has passed. A signal starts
/// the wait again: with a deadline, of what remains.
func pollDescriptors(_ descriptors: inout [pollfd], until deadline: Deadline?) -> Int32 {
    while true {
        let count = nfds_t(descriptors.count)
        let result = poll(&descriptors, count, deadline?.pollMilliseconds ?? -1)
        if result >= 0 || errno != EINTR { return result }
    }
}
