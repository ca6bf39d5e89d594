// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

extension ActionController {
    /// Asks the cluster of the schedule; it is the one to which the pair of the same name leads here.
    func asking(
        _ action: KubeObject,
        _ facts: ActionFacts,
        _ question: @escaping @Sendable (OtherSide) async throws -> StageOutcome
    ) async throws -> StageOutcome {
        let config: JSON
        do { config = try await self.config(action, facts) } catch let trouble as Trouble {
            return .failed(trouble)
        } catch let error as ClusterError {
            return StageOutcome(here: error)
        }
        let outcome = try await self.answer(action, facts, config, question)
        try await self.noteSilence(outcome, action, facts)
        return outcome
    }

    private func answer(
        _ action: KubeObject,
        _ facts: ActionFacts,
        _ config: JSON,
        _ question: @escaping @Sendable (OtherSide) async throws -> StageOutcome
    ) async throws -> StageOutcome {
        do {
            let schedule = ObjectKey(action.namespace, facts.spec.schedule)
            let uid = action.uid
            return try await self.remotes.with(config) { client in
                try await question(OtherSide(cluster: client, schedule: schedule, action: uid))
            }
        } catch let error as ClusterError {
            // Who asks for patience is there.
            if error.reason == .tooManyRequests { return .waiting("the other cluster: \(error)") }
            guard !error.isRetryable else { return .unreachable("\(error)") }
            return .failed(Trouble(destination: error))
        } catch let trouble as Trouble {
            return .failed(trouble)
        }
    }

    /// Remembers since when the other side has not answered: a pause in the middle of a long stage is
    /// no longer than it is.
    private func noteSilence(
        _ outcome: StageOutcome,
        _ action: KubeObject,
        _ facts: ActionFacts
    ) async throws {
        var isSilent = false
        if case .unreachable = outcome { isSilent = true }
        let known = ActionStatus(self.current(action)["status"], of: facts.spec.type)
            .conditions[ConditionType.otherSideAnswers]
        guard isSilent != (known?.status == .no) else { return }
        let finding =
            isSilent
            ? Finding(
                ConditionType.otherSideAnswers,
                .no,
                "Silent",
                "The other cluster does not answer."
            )
            : Finding(
                ConditionType.otherSideAnswers,
                .yes,
                "Answers",
                "The other cluster answers again."
            )
        try await self.note(finding, action, facts)
    }

    private func config(_ action: KubeObject, _ facts: ActionFacts) async throws -> JSON {
        let key = ObjectKey(action.namespace, facts.spec.schedule)
        let schedule = try await self.local.find(StorkResource.migrationSchedules, key)
        let name = schedule?["spec", "template", "spec", "clusterPair"]?.string ?? ""
        let remedy =
            "create a ClusterPair \(name) here that leads to the other cluster, or skip what is done "
            + "there (--skip-source-operations) where it is known to be down"
        let place = ObjectKey(action.namespace, name)
        guard let pair = try await self.local.find(StorkResource.clusterPairs, place) else {
            throw Trouble(
                .clusterPairNotFound,
                "clusterpairs.stork.libopenstorage.org \"\(name)\" not found: whether the "
                    + "applications still run in the other cluster cannot be seen from here",
                remedy: remedy,
                isPassing: false
            )
        }
        return try await PairSpec(cluster: self.shell.cluster)
            .kubeconfig(of: pair) {
                Trouble(
                    .clusterPairNotReady,
                    "clusterpair \(place) has no kubeconfig of the other cluster",
                    remedy: remedy,
                    isPassing: false
                )
            }
    }
}
