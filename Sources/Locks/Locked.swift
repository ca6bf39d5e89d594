// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A value that threads share, behind a POSIX mutex.
///
/// It has the shape of `Synchronization.Mutex`, which the thread sanitizer does not understand
/// (docs/decisions/0007), and like that it is not for waiting under.
///
/// `@unchecked`: the value is reached only while the mutex is held, which keeps a stable heap
/// address from `init` to `deinit`.
public final class Locked<Value: ~Copyable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline var value: Value

    /// Takes over a value that nobody else uses any more.
    ///
    /// One without bytes, as `()`, would lie where the object begins: the thread sanitizer takes an
    /// access to it for one to the object's type, and reports a race.
    public init(_ value: consuming sending Value) {
        self.value = value
        self.mutex = .allocate(capacity: 1)
        self.mutex.initialize(to: pthread_mutex_t())
        var attributes = pthread_mutexattr_t()
        let kind = CInt(PTHREAD_MUTEX_ERRORCHECK)
        precondition(pthread_mutexattr_init(&attributes) == 0, "no memory for a mutex")
        precondition(pthread_mutexattr_settype(&attributes, kind) == 0, "no kind of mutex \(kind)")
        precondition(pthread_mutex_init(self.mutex, &attributes) == 0, "no memory for a mutex")
        pthread_mutexattr_destroy(&attributes)
    }

    deinit {
        pthread_mutex_destroy(self.mutex)
        self.mutex.deallocate()
    }

    /// Runs `body` while no other thread has the value.
    ///
    /// A `body` that takes the same lock again traps: otherwise it would wait for itself for ever.
    ///
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws; the lock is given back then too.
    @inlinable
    public func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        self.lock()
        defer { self.unlock() }
        return try body(&self.value)
    }

    @usableFromInline
    func lock() {
        let result = pthread_mutex_lock(self.mutex)
        precondition(result == 0, "cannot lock: error \(result), \(EDEADLK) is a second time")
    }

    @usableFromInline
    func unlock() {
        let result = pthread_mutex_unlock(self.mutex)
        precondition(result == 0, "cannot unlock: error \(result)")
    }
}
