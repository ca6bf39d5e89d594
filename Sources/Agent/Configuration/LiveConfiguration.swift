// SPDX-License-Identifier: Apache-2.0

import Locks

/// The configuration as it is now: SIGHUP may change the part of it that is not bound to the start.
final class LiveConfiguration: Sendable {
    private let values: Locked<AgentConfiguration>

    init(_ configuration: AgentConfiguration) { self.values = Locked(configuration) }

    var current: AgentConfiguration { self.values.withLock { $0 } }

    /// Takes over what can change while the agent runs.
    ///
    /// - Returns: the keys that differ too and stay as they are until the next start.
    func change(to wanted: AgentConfiguration) -> [String] {
        self.values.withLock { current in
            let waiting = wanted.keysForRestart(since: current)
            var next = wanted
            next.pool = current.pool
            next.data = current.data
            next.api = current.api
            next.control = current.control
            next.controlTLS = current.controlTLS
            next.name = current.name
            next.logFormat = current.logFormat
            next.drainTimeout = current.drainTimeout
            current = next
            return waiting
        }
    }
}
