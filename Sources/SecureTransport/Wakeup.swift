// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Glibc

/// Wakes a thread that waits for frames: any thread signals, one thread waits.
///
/// Signals do not queue: any number before the wait is one wake-up, and none is lost.
public final class Wakeup: Sendable {
    let descriptor: Int32

    /// A wake-up that has not been signalled.
    public init() throws(TransportError) {
        let descriptor = godwit_eventfd()
        guard descriptor >= 0 else {
            throw TransportError(
                .outOfResources,
                "cannot make an eventfd: \(systemMessage(errno))"
            )
        }
        self.descriptor = descriptor
    }

    deinit { Glibc.close(self.descriptor) }

    /// Wakes the waiting thread, or the next one that waits.
    public func signal() {
        var one: UInt64 = 1
        // Fails only when the counter is full, and then the waiter wakes up anyway.
        while write(self.descriptor, &one, 8) < 0 && errno == EINTR {}
    }

    /// Takes back all signals so far; true if there was one.
    @discardableResult public func clear() -> Bool {
        var count: UInt64 = 0
        while true {
            let result = Glibc.read(self.descriptor, &count, 8)
            if result >= 0 || errno != EINTR { return result == 8 }
        }
    }

    /// Waits for a signal and takes it back; false when the time has passed.
    public func wait(timeout: Duration?) -> Bool {
        var descriptors = [pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)]
        _ = pollDescriptors(&descriptors, until: timeout.map { Deadline(after: $0) })
        return self.clear()
    }
}
