// SPDX-License-Identifier: Apache-2.0

import Kinds
import Testing

@testable import ControlPlane

@Suite struct MigrationDecisionTests {
    private var facts: MigrationFacts {
        var facts = MigrationFacts(namespace: "db", clusterPair: "pair")
        facts.namespaces = ["db"]
        facts.pair = MigrationFacts.Pair(
            name: "pair",
            storage: .ready,
            scheduler: .ready,
            remote: "r"
        )
        return facts
    }

    private func changed(_ change: (inout MigrationFacts) -> Void) -> MigrationStep {
        var facts = self.facts
        change(&facts)
        return MigrationDecision.step(facts)
    }

    private func trouble(_ step: MigrationStep) -> Trouble? {
        if case .wait(let trouble) = step { return trouble }
        if case .fail(let trouble) = step { return trouble }
        return nil
    }

    // MARK: The way through

    @Test func theStagesFollowEachOther() {
        #expect(self.changed { $0.hasFinalizer = false } == .addFinalizer)
        #expect(self.changed { _ in } == .enter(.volumes, .pending))
        #expect(self.changed { $0.stage = .volumes } == .startVolumes)
        #expect(
            self.changed {
                $0.stage = .volumes
                $0.volumes = .init(areListed: true, total: 2, successful: 1)
            } == .followVolumes
        )
        #expect(
            self.changed {
                $0.stage = .volumes
                $0.volumes = .init(areListed: true, total: 2, successful: 2)
            } == .enter(.applications, .inProgress)
        )
        #expect(self.changed { $0.stage = .applications } == .applyResources(volumesOnly: false))
        #expect(self.changed { $0.stage = .final } == .nothing)
    }

    @Test func aNamespaceWithoutVolumesGoesOn() {
        let step = self.changed {
            $0.stage = .volumes
            $0.volumes = .init(areListed: true)
        }
        #expect(step == .enter(.applications, .inProgress))
    }

    @Test func withoutVolumesTheirStageIsLeftOut() {
        #expect(
            self.changed { $0.includeVolumes = false } == .enter(.applications, .inProgress)
        )
    }

    @Test func withoutResourcesTheClaimsStillCome() {
        let step = self.changed {
            $0.includeResources = false
            $0.stage = .applications
        }
        #expect(step == .applyResources(volumesOnly: true))
    }

    @Test func whatIsFinalIsNeverTouchedAgain() {
        let step = self.changed {
            $0.stage = .final
            $0.clusterPair = ""
            $0.pair = nil
            $0.hasFinalizer = false
        }
        #expect(step == .nothing)
    }

    @Test(arguments: MigrationStage.allCases)
    func deletionCancelsWhatIsNotAtItsEnd(stage: MigrationStage) {
        let step = self.changed {
            $0.stage = stage
            $0.isBeingDeleted = true
            $0.pair = nil
        }
        #expect(step == .release(cancelling: stage != .final))
    }

    // MARK: Who may move what

    @Test func aNamespaceMovesItselfAlone() {
        for wanted in [["db", "other"], ["other"]] {
            let step = self.changed { $0.namespaces = wanted }
            #expect(
                self.trouble(step)?.message
                    == "migration namespaces should only contain the current namespace"
            )
            guard case .wait = step else {
                Issue.record("\(step): the rule is an event, never a failure")
                return
            }
        }
        let missing = self.changed { $0.missingNamespaces = ["elsewhere"] }
        #expect(self.trouble(missing)?.reason == .namespaceNotAllowed)
    }

    @Test func theAdminNamespaceMovesAny() {
        let step = self.changed {
            $0.namespace = "kube-system"
            $0.namespaces = ["db", "other"]
        }
        #expect(step == .enter(.volumes, .pending))
    }

    @Test func theRuleHoldsInEveryStageForASpecMayChange() {
        for stage in [MigrationStage.volumes, .applications] {
            let step = self.changed {
                $0.stage = stage
                $0.namespaces = ["other"]
            }
            #expect(self.trouble(step)?.reason == .namespaceNotAllowed)
        }
    }

    @Test func withoutAnyNamespaceItWaits() {
        let step = self.changed { $0.namespaces = [] }
        #expect(
            self.trouble(step)?.message
                == "no valid namespace found based on the provided 'Namespaces' and "
                + "'NamespaceSelectors'"
        )
    }

    @Test func aMissingNamespaceIsSkippedOrTheEnd() {
        let skipped = self.changed {
            $0.namespace = "kube-system"
            $0.missingNamespaces = ["gone"]
        }
        #expect(skipped == .enter(.volumes, .pending))
        let failed = self.changed {
            $0.namespace = "kube-system"
            $0.missingNamespaces = ["gone"]
            $0.skipDeletedNamespaces = false
        }
        guard case .fail(let trouble) = failed else {
            Issue.record("\(failed)")
            return
        }
        #expect(trouble.message.hasPrefix("error getting namespace gone: "))
    }

    @Test func nothingButMissingNamespacesIsNoSuccess() {
        let step = self.changed {
            $0.namespace = "kube-system"
            $0.namespaces = []
            $0.missingNamespaces = ["gone"]
        }
        #expect(self.trouble(step)?.reason == .namespaceNotFound)
    }

    // MARK: What it waits for

    @Test func aMigrationWithoutAPairWaits() {
        let empty = self.changed { $0.clusterPair = "" }
        #expect(self.trouble(empty)?.message == "clusterPair to migrate to cannot be empty")
        for stage in [MigrationStage.volumes, .applications] {
            let step = self.changed {
                $0.stage = stage
                $0.pair = nil
            }
            #expect(self.trouble(step)?.reason == .clusterPairNotFound)
        }
    }

    /// Those that end wait for no other pair; what is all there goes on when there is one again.
    @Test(arguments: [(0, 0), (1, 0), (1, 1), (0, 2)]) func copiesEndWithTheirPair(
        successful: Int,
        failed: Int
    ) {
        let step = self.changed {
            $0.stage = .volumes
            $0.pair = nil
            $0.volumes = .init(
                areListed: true,
                total: 2,
                successful: successful,
                failure: failed == 0 ? nil : Trouble(.pairRevoked, "revoked"),
                failed: failed
            )
        }
        guard case .failCancelling(let trouble) = step else {
            Issue.record("\(step)")
            return
        }
        #expect(trouble.reason == .clusterPairNotFound && trouble.remedy != nil)
        #expect(trouble.message.hasPrefix("ClusterPair pair was deleted while volumes were copied"))
    }

    @Test func volumesThatHaveArrivedBeforeThePairWasDeletedAreNotLost() {
        let arrived = self.changed {
            $0.stage = .volumes
            $0.pair = nil
            $0.volumes = .init(areListed: true, total: 2, successful: 2)
        }
        #expect(arrived == .enter(.applications, .inProgress))
    }

    @Test func aPairThatIsNotReadyIsNamedWithItsStatus() {
        let storage = self.changed {
            $0.stage = .volumes
            $0.pair?.storage = .degraded
            $0.pair?.storageMessage = "nobody answers"
        }
        #expect(
            self.trouble(storage)?.message
                == "Error migrating volumes: cluster pair storage status is not ready. "
                + "Status: Degraded Err: nobody answers"
        )
        let scheduler = self.changed {
            $0.stage = .applications
            $0.pair?.scheduler = .error
        }
        #expect(
            self.trouble(scheduler)?.message
                .hasPrefix(
                    "scheduler Cluster pair is not ready. Status: Error"
                ) == true
        )
    }

    @Test func copiesThatRunAreFollowedAlsoOverADegradedPair() {
        let step = self.changed {
            $0.stage = .volumes
            $0.pair?.storage = .degraded
            $0.volumes = .init(areListed: true, total: 1)
        }
        #expect(step == .followVolumes)
    }

    @Test func allVolumesAreAwaitedBeforeItFails() {
        let broken = Trouble(.noSpace, "claim db/a: no space", isPassing: false)
        let running = self.changed {
            $0.stage = .volumes
            $0.volumes = .init(
                areListed: true,
                total: 3,
                successful: 1,
                failure: broken,
                failed: 1
            )
        }
        #expect(running == .followVolumes)
        let ended = self.changed {
            $0.stage = .volumes
            $0.volumes = .init(
                areListed: true,
                total: 3,
                successful: 2,
                failure: broken,
                failed: 1
            )
        }
        guard case .fail(let trouble) = ended else {
            Issue.record("\(ended)")
            return
        }
        #expect(trouble.reason == .noSpace)
        #expect(trouble.message == "1 of 3 volumes failed: claim db/a: no space")
    }

    @Test func aTransformationHasToBeReady() {
        for state in [
            MigrationFacts.Transformation.tooMany, .missing("t"),
            .notReady("t", status: "InProgress"),
        ] {
            let step = self.changed { $0.transformation = state }
            #expect(self.trouble(step)?.reason == .transformationNotReady)
        }
        #expect(self.changed { $0.transformation = .ready("t") } == .enter(.volumes, .pending))
    }
}
