// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// The way back from half of the way.
extension ActionController {
    /// Stops here what was started, starts there what was stopped, and makes the volumes here copies
    /// again.
    ///
    /// The applications do not wait for the storage of this side: it may be what has failed.
    func rollBack(_ action: KubeObject, _ facts: ActionFacts) async throws -> StageOutcome {
        let here = try await self.stopHere(action, facts)
        guard here == .done else { return here }
        let there = try await self.startThere(action, facts)
        let volumes = try await self.revert(action, facts)
        return there == .done ? volumes : there
    }

    private func stopHere(
        _ action: KubeObject,
        _ facts: ActionFacts
    ) async throws -> StageOutcome {
        let key = ObjectKey(action.namespace, facts.spec.schedule)
        do throws(ClusterError) {
            // What was never begun here needs no end, which might be refused as the beginning was.
            let schedule = try await self.local.find(StorkResource.migrationSchedules, key)
            guard schedule?.annotations[SourceFence.activation] == action.uid else { return .done }
            let result = try await ApplicationActivation(self.local)
                .run(.deactivate, namespaces: facts.namespaces)
            if let failure = result.failures.first { return .waiting(failure) }
            var patch: JSON = [:]
            patch.set(.null, at: "metadata", "annotations", SourceFence.activation)
            _ = try await self.local.change(
                StorkResource.migrationSchedules,
                key,
                patch,
                isStatus: false
            )
            return .done
        } catch {
            return StageOutcome(here: error)
        }
    }

    private func startThere(
        _ action: KubeObject,
        _ facts: ActionFacts
    ) async throws -> StageOutcome {
        guard facts.status.hasChangedOtherSide else { return .done }
        let applications = try await self.applications(facts)
        return try await self.asking(action, facts) { side in
            try await side.start(applications)
            try await side.resume()
            return .done
        }
    }

    private func revert(_ action: KubeObject, _ facts: ActionFacts) async throws -> StageOutcome {
        do {
            let points = try await self.points(
                of: ObjectKey(action.namespace, facts.spec.schedule)
            )
            guard let point = facts.status.point.flatMap({ points[$0.name] }) else { return .done }
            for volume in point.volumes
            where facts.namespaces.contains(volume.claim.namespace) {
                try await self.driver.revert(volume.volume)
            }
            return .done
        } catch let trouble as VolumeTrouble {
            return trouble.isPassing ? .waiting("\(trouble)") : .failed(Trouble(trouble))
        } catch let error as ClusterError {
            return StageOutcome(here: error)
        }
    }
}
