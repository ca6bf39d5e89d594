// SPDX-License-Identifier: Apache-2.0

import Glibc
import Locks
import SecureTransport
import TestSupport

/// Stands between two peers: cuts what the client sends into single bytes and can hold it back.
final class Relay: Sendable {
    let port: UInt16
    private let listening: Int32
    private let target: UInt16
    /// How many bytes of the client may still pass; nil lets all pass.
    private let budget = Locked<Int?>(nil)
    private let changed: Wakeup
    private let threads = Locked<[DataThread.Joinable]>([])

    init(to target: UInt16) throws {
        self.target = target
        self.changed = try Wakeup()
        (self.listening, self.port) = try Loopback.listen(backlog: 1)
        let thread = try DataThread.spawn(name: "relay") { self.run() }
        self.threads.withLock { $0.append(thread) }
    }

    deinit { close(self.listening) }

    /// Lets so many more bytes of the client pass, or all.
    func letPass(_ count: Int?) {
        self.budget.withLock { $0 = count }
        self.changed.signal()
    }

    /// Waits until both sides have closed.
    func join() { for thread in self.threads.withLock({ $0 }) { thread.join() } }

    private func run() {
        let client = accept(self.listening, nil, nil)
        guard let server = try? Loopback.connect(to: self.target) else {
            close(client)
            return
        }
        var one: Int32 = 1
        setsockopt(server, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        let back = try? DataThread.spawn(name: "relay-back") {
            self.copy(server, client) { Int.max }
        }
        self.copy(client, server) { self.waitForBudget() }
        shutdown(server, Int32(SHUT_WR))
        back?.join()
        close(client)
        close(server)
    }

    private func waitForBudget() -> Int {
        while self.budget.withLock({ $0 }) == 0 { _ = self.changed.wait(timeout: nil) }
        self.budget.withLock { budget in budget = budget.map { $0 - 1 } }
        return 1
    }

    private func copy(_ from: Int32, _ to: Int32, _ allowed: () -> Int) {
        var part = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(from, &part, min(part.count, allowed()), 0)
            guard count > 0, send(to, part, count, Int32(MSG_NOSIGNAL)) == count else { return }
        }
    }
}
