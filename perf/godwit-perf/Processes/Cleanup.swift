// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Locks

/// What must not outlive the harness: processes and mounts; also after Control-C.
final class Cleanup: Sendable {
    static let shared = Cleanup()

    private struct State {
        var processes: Set<pid_t> = []
        var mounts: [String] = []
        var groups: Set<String> = []
    }
    private let state = Locked(State())

    func started(_ process: pid_t) { self.state.withLock { _ = $0.processes.insert(process) } }
    func ended(_ process: pid_t) { self.state.withLock { _ = $0.processes.remove(process) } }
    func made(group: String) { self.state.withLock { _ = $0.groups.insert(group) } }
    func removed(group: String) { self.state.withLock { _ = $0.groups.remove(group) } }
    func mounted(_ path: String) { self.state.withLock { $0.mounts.append(path) } }
    func unmounted(_ path: String) { self.state.withLock { $0.mounts.removeAll { $0 == path } } }

    /// From now on, Control-C and a polite kill clean up before the end.
    func handleSignals() {
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(
                signal: number,
                queue: .global(qos: .userInitiated)
            )
            source.setEventHandler {
                // The handler holds its source, or it would end with this function.
                withExtendedLifetime(source) { self.run() }
                exit(128 + number)
            }
            source.resume()
        }
    }

    /// Ends every process that is left, unmounts newest first, removes what was made.
    func run() {
        let left = self.state.withLock { $0 }
        for process in left.processes { kill(-process, SIGKILL) }
        for mount in left.mounts.reversed() { umount2(mount, Int32(MNT_DETACH)) }
        for group in left.groups { Side.remove(group) }
        Scratch.remove()
    }
}
