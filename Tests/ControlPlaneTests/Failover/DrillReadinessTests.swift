// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// When the applications of a rehearsal are ready.
@Suite struct DrillReadinessTests {
    private func workload(
        _ kind: String,
        _ name: String,
        wanted: Int? = nil,
        generation: Int = 1,
        _ status: JSON = [:]
    ) -> KubeObject {
        var object = KubeObject(
            GroupVersionKind(GroupVersion("apps", "v1"), kind),
            ObjectKey("shop-drill", name),
            ["status": status]
        )
        object.set(wanted.map { JSON($0) }, at: "spec", "replicas")
        object.set(JSON(generation), at: "metadata", "generation")
        return object
    }

    @Test func whereNobodyLooksAfterWorkloadsThereAreNoPods() {
        let web = self.workload("Deployment", "web", wanted: 3)
        #expect(DrillReadiness(originals: [web], copies: [web]) == .noPods)
        #expect(DrillReadiness(originals: [], copies: []) == .noPods)
    }

    @Test func whatWasSeenElsewhereIsWaitedForHere() {
        let original = self.workload("Deployment", "web", wanted: 0, ["observedGeneration": 4])
        let copy = self.workload("Deployment", "web", wanted: 3)
        #expect(
            DrillReadiness(originals: [original], copies: [copy])
                == .unready("Deployment shop-drill/web: it has not been looked at yet")
        )
    }

    @Test func allOfThemHaveToBeReady() {
        let ready = [
            self.workload(
                "Deployment",
                "web",
                wanted: 3,
                ["observedGeneration": 1, "readyReplicas": 3]
            ),
            // One is wanted where no number stands.
            self.workload("StatefulSet", "db", ["observedGeneration": 1, "readyReplicas": 1]),
            self.workload("Deployment", "off", wanted: 0, ["observedGeneration": 1]),
            self.workload(
                "DaemonSet",
                "log",
                ["observedGeneration": 1, "desiredNumberScheduled": 2, "numberReady": 2]
            ),
        ]
        #expect(DrillReadiness(originals: [], copies: ready) == .ready(4))
        let late = [
            self.workload(
                "DaemonSet",
                "log",
                ["observedGeneration": 1, "desiredNumberScheduled": 2, "numberReady": 1]
            ),
            // What was seen is an earlier one.
            self.workload(
                "Deployment",
                "web",
                wanted: 3,
                generation: 2,
                ["observedGeneration": 1, "readyReplicas": 3]
            ),
        ]
        #expect(
            DrillReadiness(originals: ready, copies: ready + late)
                == .unready(
                    "DaemonSet shop-drill/log: 1 of 2 pods are ready, "
                        + "Deployment shop-drill/web: it has not been looked at yet"
                )
        )
    }

    @Test func ofManyOnlySomeAreNamed() {
        let many = (1...7)
            .map {
                self.workload("Deployment", "w\($0)", wanted: 1, ["observedGeneration": 1])
            }
        guard case .unready(let text) = DrillReadiness(originals: [], copies: many) else {
            Issue.record("they are not ready")
            return
        }
        #expect(text.contains("w5") && !text.contains("w6") && text.hasSuffix("and 2 more"))
    }
}
