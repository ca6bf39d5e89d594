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
                            remedy: "perform the drill again",
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
            let verified: String
            switch try await drill.readiness() {
            case .unready(let what):
                let reason = facts.status.conditions[ConditionType.succeeded]?.reason
                return reason == Self.startingPods ? .waiting(what) : .starting(what)
            case .ready(let count):
                verified = "All \(count) of its workloads became ready."
            case .noPods:
                verified =
                    "Only volumes and objects were verified: nothing runs pods in this cluster."
            }
            if !facts.spec.keeps { try await drill.discard() }
            return .rehearsed(verified)
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
            return StageOutcome(here: error)
        case let trouble as Trouble: return .failed(trouble)
        default: throw error
        }
    }
}
