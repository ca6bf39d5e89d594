// SPDX-License-Identifier: Apache-2.0

import Locks
import ObjectModel

/// The newest version of each object that this process knows, from the watch or from its own write.
///
/// A watch tells of a write later than its answer does: who decides on what the watch has told may
/// do a step twice. Versions are not compared, only remembered, as the API asks of clients.
final class NewestObjects: Sendable {
    private struct Written {
        var object: KubeObject
        /// Versions that are older than the written one.
        var older: Set<String>
    }

    /// Versions of one object that are remembered: steps of one look at it, with room.
    private static let olderLimit = 64

    private let written = Locked<[ObjectKey: Written]>([:])

    /// Notes that a write has made `object` of the version `former`.
    func note(_ object: KubeObject, insteadOf former: String) {
        self.written.withLock { written in
            var older = written[object.key]?.older ?? []
            if older.count >= Self.olderLimit { older = [] }
            older.insert(former)
            written[object.key] = Written(object: object, older: older)
        }
    }

    /// The newer of what the watch has told and what was written.
    func newest(_ told: KubeObject?, _ key: ObjectKey) -> KubeObject? {
        self.written.withLock { written in
            guard let own = written[key] else { return told }
            guard let told else {
                written[key] = nil
                return nil
            }
            if own.older.contains(told.resourceVersion) { return own.object }
            written[key] = nil
            return told
        }
    }
}
