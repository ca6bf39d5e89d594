// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Glibc
import Locks

/// Threads for work that blocks: bulk bytes never run on the threads of Swift concurrency.
///
/// Two blocked calls on the cooperative pool of a two-core machine stop every other task
/// (docs/architecture.md), so the data plane has threads of its own.
public enum DataThread {
    /// Starts a thread that runs `body` to its end.
    ///
    /// The name shows in `top -H` and is cut to the 15 bytes that Linux keeps.
    public static func spawn(
        name: String,
        _ body: @escaping @Sendable () -> Void
    ) throws(TransportError) -> Joinable {
        var thread = pthread_t()
        let work = Unmanaged.passRetained(Work(name: name, body: body))
        let result = pthread_create(&thread, nil, runWork, work.toOpaque())
        guard result == 0 else {
            work.release()
            throw TransportError(
                .outOfResources,
                "cannot start thread \(name): \(systemMessage(result))"
            )
        }
        return Joinable(thread)
    }

    /// Gives the calling thread another name, once it knows what it is for.
    public static func rename(_ name: String) {
        godwit_name_this_thread(String(decoding: name.utf8.prefix(15), as: UTF8.self))
    }

    /// A thread that can be waited for once; a dropped one runs on by itself.
    public final class Joinable: Sendable {
        private let thread: Locked<pthread_t?>

        fileprivate init(_ thread: pthread_t) { self.thread = Locked(thread) }

        deinit {
            if let thread = self.thread.withLock({ $0 }) { pthread_detach(thread) }
        }

        /// Waits until the thread has ended; returns at once if somebody has waited before.
        public func join() {
            let thread = self.thread.withLock { state in
                defer { state = nil }
                return state
            }
            if let thread { pthread_join(thread, nil) }
        }
    }
}

private final class Work: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

private func runWork(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
    DataThread.rename(work.name)
    work.body()
    return nil
}
