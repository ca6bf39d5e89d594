// SPDX-License-Identifier: Apache-2.0

// A lock that threads can wait under. `Locked` has no condition variable, and data
// threads do not run on Swift concurrency (design: "The data plane runs on threads").

import Glibc

/// State behind a lock, with a way to sleep until it changes.
///
/// `@unchecked`: the state is reached only while the POSIX mutex is held, and both C objects
/// keep a stable heap address from `init` to `deinit`.
final class Monitor<State: Sendable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    init(_ state: State) {
        self.state = state
        self.mutex = .allocate(capacity: 1)
        self.mutex.initialize(to: pthread_mutex_t())
        self.condition = .allocate(capacity: 1)
        self.condition.initialize(to: pthread_cond_t())
        // The monotonic clock: a step of the wall clock must not lengthen a wait.
        var attributes = pthread_condattr_t()
        precondition(pthread_condattr_init(&attributes) == 0, "no memory for a condition")
        precondition(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0, "no clock")
        precondition(pthread_mutex_init(self.mutex, nil) == 0, "no memory for a mutex")
        precondition(pthread_cond_init(self.condition, &attributes) == 0, "no condition")
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(self.condition)
        pthread_mutex_destroy(self.mutex)
        self.condition.deallocate()
        self.mutex.deallocate()
    }

    /// Reads or changes the state, then wakes everyone who waits for a change.
    func update<Result>(_ body: (inout State) -> Result) -> Result {
        pthread_mutex_lock(self.mutex)
        defer {
            pthread_cond_broadcast(self.condition)
            pthread_mutex_unlock(self.mutex)
        }
        return body(&self.state)
    }

    /// Reads the state.
    func read<Result>(_ body: (borrowing State) -> Result) -> Result {
        pthread_mutex_lock(self.mutex)
        defer { pthread_mutex_unlock(self.mutex) }
        return body(self.state)
    }

    /// Sleeps until `body` gives something; it is asked again after every update.
    func wait<Result>(_ body: (inout State) -> Result?) -> Result {
        pthread_mutex_lock(self.mutex)
        defer { pthread_mutex_unlock(self.mutex) }
        while true {
            if let result = body(&self.state) { return result }
            pthread_cond_wait(self.condition, self.mutex)
        }
    }

    /// Sleeps until `body` gives something, at most for a time; nil when it ran out.
    func wait<Result>(atMost limit: Duration, _ body: (inout State) -> Result?) -> Result? {
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        let (seconds, attoseconds) = limit.components
        let nanoseconds = Int(deadline.tv_nsec) + Int(attoseconds / 1_000_000_000)
        deadline.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        deadline.tv_nsec = nanoseconds % 1_000_000_000
        pthread_mutex_lock(self.mutex)
        defer { pthread_mutex_unlock(self.mutex) }
        while true {
            if let result = body(&self.state) { return result }
            guard pthread_cond_timedwait(self.condition, self.mutex, &deadline) != ETIMEDOUT else {
                return body(&self.state)
            }
        }
    }
}
