// SPDX-License-Identifier: Apache-2.0

import Locks
import ObjectModel

/// What became of the objects of a pass so far; looked at while the pass goes on.
final class ApplyEnds: Sendable {
    private let work: ApplyWork
    private let ends = Locked<[ResourceName: ObjectEnd]>([:])

    init(_ work: ApplyWork) { self.work = work }

    subscript(name: ResourceName) -> ObjectEnd? { self.ends.withLock { $0[name] } }

    func set(_ name: ResourceName, _ end: ObjectEnd) { self.ends.withLock { $0[name] = end } }

    /// One outcome for each object; what was not reached is in progress.
    var outcomes: [ResourceOutcome] {
        let ends = self.ends.withLock { $0 }
        return self.work.failures
            + self.work.resources.map { prepared in
                let object = prepared.object
                var outcome = ResourceOutcome(
                    object.groupVersionKind,
                    object.key,
                    .inProgress,
                    reason: "",
                    transformedBy: prepared.transformedBy
                )
                switch ends[ResourceName(object)] {
                case nil: break
                case .waiting(let reason): outcome.reason = reason
                case .success(_, let note):
                    outcome.status = .successful
                    outcome.reason = ResourceOutcome.success + note
                case .failure(let reason), .unserved(let reason):
                    outcome.status = .failed
                    outcome.reason = "Error applying resource: \(reason)"
                }
                return outcome
            }
    }
}

/// Hears of a pass at each object that has come to its end; asks for the outcomes when it wants them,
/// for to put them together costs as much as there are objects.
public typealias ApplyListener =
    @Sendable (_ outcomes: @Sendable () -> [ResourceOutcome]) async -> Void
