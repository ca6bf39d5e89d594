// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Locks
import Sender
import WireProtocol

/// The clock of bandwidth limits in tests: it stands still while anybody works.
///
/// Only when all threads wait for their limit it goes on, to the earliest time that one of them waits
/// for. So a transfer takes the time that its limit asks for and no other, however busy the machine.
final class LimitClock: Sendable {
    private struct Sleeper {
        let deadline: UInt64
        let wake: DispatchSemaphore
    }

    private struct State {
        var now: UInt64 = 0
        var working: Int
        var sleepers: [Sleeper] = []

        /// Goes on where nobody works any more.
        mutating func advance() {
            guard self.working == 0, let next = self.sleepers.map(\.deadline).min() else { return }
            self.now = next
            let due = self.sleepers.filter { $0.deadline <= next }
            self.sleepers.removeAll { $0.deadline <= next }
            self.working += due.count
            for sleeper in due { sleeper.wake.signal() }
        }
    }

    private let state: Locked<State>

    /// A clock of so many threads that work.
    init(threads: Int) { self.state = Locked(State(working: threads)) }

    var now: MonotonicTime { MonotonicTime(nanoseconds: self.state.withLock { $0.now }) }
    var seconds: Double { Double(self.now.nanoseconds) / 1e9 }

    func wait(_ duration: Duration) {
        let wake = DispatchSemaphore(value: 0)
        self.state.withLock { state in
            let step = max(1, UInt64(duration / .nanoseconds(1)))
            state.sleepers.append(Sleeper(deadline: state.now + step, wake: wake))
            state.working -= 1
            state.advance()
        }
        wake.wait()
    }

    /// One thread less has anything to do.
    func leave() {
        self.state.withLock { state in
            state.working -= 1
            state.advance()
        }
    }

    func limiter(_ limit: ByteRate?, sharing shared: SharedLimit? = nil) -> RateLimiter {
        RateLimiter(
            limit: limit,
            sharing: shared,
            now: { self.now },
            sleep: { self.wait($0) }
        )
    }
}
