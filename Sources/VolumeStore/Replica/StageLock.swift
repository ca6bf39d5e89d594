// SPDX-License-Identifier: Apache-2.0

import Glibc

/// State that the threads of a stage share, behind a POSIX mutex.
///
/// Not `Synchronization.Mutex`: where that is contended, the kernel hands it over, which the thread
/// sanitizer does not see (Swift 6.3). It then reports every access under the lock as a race,
/// and a real one would not be noticed among them.
///
/// `@unchecked`: the state is reached only while the mutex is held, which keeps a stable heap
/// address from `init` to `deinit`.
final class StageLock<State: ~Copyable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var state: State

    init(_ state: consuming sending State) {
        self.state = state
        self.mutex = .allocate(capacity: 1)
        self.mutex.initialize(to: pthread_mutex_t())
        let result = pthread_mutex_init(self.mutex, nil)
        precondition(result == 0, "cannot make a mutex: error \(result)")
    }

    deinit {
        pthread_mutex_destroy(self.mutex)
        self.mutex.deallocate()
    }

    /// Runs `body` while no other thread has the state.
    func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(self.mutex)
        defer { pthread_mutex_unlock(self.mutex) }
        return try body(&self.state)
    }
}
