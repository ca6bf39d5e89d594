// SPDX-License-Identifier: Apache-2.0

import SecureTransport

/// A thread of its own whose end is waited for; blocking work does not belong on the test's thread.
final class Joined: Sendable {
    private let thread: DataThread.Joinable

    init(_ body: @escaping @Sendable () -> Void) throws {
        self.thread = try DataThread.spawn(name: "test", body)
    }

    func join() { self.thread.join() }
}
