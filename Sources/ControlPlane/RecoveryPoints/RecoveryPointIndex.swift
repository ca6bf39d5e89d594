// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel

/// Which RecoveryPoints follow one another: those of one schedule, or of the Migrations without one that
/// bring the same namespaces.
///
/// A look at one of them is a look at its series, and must not go through those of all schedules.
final class RecoveryPointIndex: Sendable {
    /// The points of one series.
    struct Series: Hashable, Sendable {
        /// Their names.
        var names: Set<String> = []
        /// When the last of them came, on the clock that nobody sets.
        var grown: Duration
    }

    private let all = Locked<[ObjectKey: Series]>([:])

    /// Takes a change over.
    ///
    /// - Returns: the series that has grown, and is to be looked at. What a look itself writes is no
    ///   reason for another one.
    func take(_ change: ObjectChange, now: Duration) -> ObjectKey? {
        let key = Self.series(of: change.object)
        switch change {
        case .added(let point):
            self.all.withLock { all in
                all[key, default: Series(grown: now)].names.insert(point.name)
                all[key]?.grown = now
            }
            return key
        case .modified: return nil
        case .deleted(let point):
            self.all.withLock { all in
                all[key]?.names.remove(point.name)
                if all[key]?.names.isEmpty == true { all[key] = nil }
            }
            return nil
        }
    }

    /// One series by its key; nil where it has no points.
    subscript(key: ObjectKey) -> Series? { self.all.withLock { $0[key] } }

    private static func series(of point: KubeObject) -> ObjectKey {
        if let schedule = point["spec", "migrationSchedule"]?.string {
            return ObjectKey(point.namespace, "schedule \(schedule)")
        }
        let namespaces = point["spec", "namespaces"]?.array?.compactMap(\.string) ?? []
        let names = namespaces.sorted().joined(separator: ",")
        return ObjectKey(point.namespace, "namespaces \(names)")
    }
}
