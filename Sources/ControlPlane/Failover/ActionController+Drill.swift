// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

extension ActionController {
    /// Makes copies of volumes and objects beside everything else, proves them, and starts them.
    func rehearse(_ action: KubeObject, _ facts: ActionFacts) async throws -> StageOutcome {
        do {
            var point: RecoveryPointSpec?
            if let name = facts.status.point?.name {
                let schedule = ObjectKey(action.namespace, facts.spec.schedule)
                point = try await self.points(of: schedule)[name]
                guard point != nil else {
                    return .failed(
                        Trouble(
                            .noRecoveryPoint,
                            "RecoveryPoint \(name) is gone",
                            isPassing: false
                        )
                    )
                }
            }
            let drill = Drill(
                action: action,
                facts: facts,
                cluster: self.local,
                driver: self.driver
            )
            try await drill.run(point)
            if !facts.spec.keeps { try await drill.discard() }
            return .done
        } catch { return try Self.outcome(of: error) }
    }

    /// Removes what a rehearsal has made.
    func discard(_ action: KubeObject, _ facts: ActionFacts) async throws -> StageOutcome {
        do {
            try await Drill(
                action: action,
                facts: facts,
                cluster: self.local,
                driver: self.driver
            )
            .discard()
            return .done
        } catch { return try Self.outcome(of: error) }
    }

    private static func outcome(of error: any Error) throws -> StageOutcome {
        switch error {
        case let trouble as VolumeTrouble:
            return trouble.isPassing ? .waiting("\(trouble)") : .failed(Trouble(trouble))
        case let error as ClusterError:
            return error.isRetryable ? .waiting("\(error)") : .failed(Trouble(destination: error))
        case let trouble as Trouble: return .failed(trouble)
        default: throw error
        }
    }
}
