// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel
import Testing

@testable import ControlPlane

/// What is said of RecoveryPoints, and which of them go.
@Suite struct RecoveryPointDecisionTests {
    private static let now = Timestamp(seconds: 2_000_000)

    private func volume(_ name: String, _ generation: UInt64) -> RecoveryPointSpec.Volume {
        RecoveryPointSpec.Volume(
            claim: ObjectKey("db", name),
            volume: name,
            generation: generation,
            snapshot: "\(name)-\(generation)"
        )
    }

    /// The point of generation so much of each volume.
    private func point(
        _ generation: UInt64,
        _ volumes: [String] = ["a"]
    ) -> RecoveryPointFacts.Point {
        let spec = RecoveryPointSpec(
            migration: "m-\(generation)",
            schedule: "s",
            namespaces: ["db"],
            time: Timestamp(seconds: Int(generation) * 100),
            isAtomic: true,
            group: "g",
            volumes: volumes.map { self.volume($0, generation) }
        )
        return RecoveryPointFacts.Point(name: "m-\(generation)", spec: spec, available: nil)
    }

    private func states(_ volume: String, _ generations: [UInt64]) -> RecoveryPointFacts.Kept {
        .states(
            generations.map { VolumeFreeze.Frozen(generation: $0, snapshot: "\(volume)-\($0)") }
        )
    }

    private func steps(
        _ points: [RecoveryPointFacts.Point],
        _ kept: [String: RecoveryPointFacts.Kept],
        inUse: Set<String> = [],
        sinceGrowth: Duration = .seconds(1),
        jitter: Double = 0.5
    ) -> RecoveryPointSteps {
        RecoveryPointDecision.steps(
            RecoveryPointFacts(
                points: points,
                kept: kept,
                inUse: inUse,
                now: Self.now,
                sinceGrowth: sinceGrowth
            ),
            jitter: jitter
        )
    }

    @Test func aPointWhoseGenerationsAreKeptIsAvailable() {
        let steps = self.steps(
            [self.point(3, ["a", "b"]), self.point(2, ["a", "b"])],
            ["a": self.states("a", [2, 3]), "b": self.states("b", [2, 3])]
        )
        #expect(steps.findings.mapValues(\.status) == ["m-3": .yes, "m-2": .yes])
        #expect(steps.deletions.isEmpty && steps.pause == RecoveryPointDecision.longPause)
    }

    @Test func aPointOfWhichNothingIsLeftGoes() {
        let steps = self.steps(
            [self.point(3), self.point(2), self.point(1)],
            ["a": self.states("a", [2, 3])]
        )
        #expect(steps.deletions == ["m-1"] && steps.findings["m-1"] == nil)
    }

    @Test func aPointOfWhichAPartIsLeftStaysAndSaysWhatIsGone() {
        let steps = self.steps(
            [self.point(3, ["a", "b"]), self.point(2, ["a", "b"])],
            ["a": self.states("a", [2, 3]), "b": self.states("b", [3])]
        )
        let finding = steps.findings["m-2"]
        #expect(finding?.status == .no && finding?.reason == "GenerationGone")
        #expect(finding?.message == "not here any more: generation 2 of volume b")
        #expect(steps.deletions.isEmpty)
    }

    @Test func theNewestStaysWhateverIsGone() {
        let gone = self.steps([self.point(3)], ["a": self.states("a", [4])])
        #expect(gone.deletions.isEmpty && gone.findings["m-3"]?.status == .no)
        let missing = self.steps([self.point(3)], ["a": .noVolume])
        #expect(missing.deletions.isEmpty)
        #expect(missing.findings["m-3"]?.reason == "VolumeNotFound")
    }

    @Test func onlyTheNewestMayStillCome() {
        let points = [self.point(3), self.point(2)]
        let steps = self.steps(points, ["a": self.states("a", [1])])
        let finding = steps.findings["m-3"]
        #expect(finding?.status == .unknown && finding?.reason == "NotShownYet")
        #expect(steps.deletions == ["m-2"], "a later one was begun: this one never comes")
    }

    @Test func whatAnActionShowsStays() {
        let steps = self.steps(
            [self.point(3), self.point(1)],
            ["a": self.states("a", [3])],
            inUse: ["m-1"]
        )
        #expect(steps.deletions.isEmpty && steps.findings["m-1"]?.status == .no)
    }

    @Test func aVolumeThatIsAwayMayComeBackForADay() {
        var old = self.point(1)
        let first = self.steps([self.point(3), old], ["a": .noVolume])
        #expect(first.deletions.isEmpty && first.findings["m-1"]?.reason == "VolumeNotFound")
        for (seconds, deletions) in [(86_399, []), (86_400, ["m-1"])] {
            let since = Timestamp(seconds: 2_000_000 - seconds)
            old.available = Condition([
                "type": "Available", "status": "False",
                "lastTransitionTime": .string(since.description),
            ])
            let steps = self.steps([self.point(3), old], ["a": .noVolume])
            #expect(steps.deletions == deletions, "after \(seconds) s")
        }
    }

    @Test func storageThatDoesNotAnswerChangesNothingThatIsKnown() {
        var known = self.point(2)
        known.available = Condition(["type": "Available", "status": "True"])
        let trouble = VolumeTrouble(.agentUnreachable, "it is down", isPassing: true)
        let steps = self.steps([self.point(3), known], ["a": .unknown(trouble)])
        #expect(steps.findings["m-2"] == nil && steps.deletions.isEmpty)
        #expect(steps.findings["m-3"]?.status == .unknown)
        #expect(steps.findings["m-3"]?.reason == "AgentUnreachable")
        #expect(steps.pause == RecoveryPointDecision.troublePause)
    }

    @Test func aPointThatNeverComesIsLookedAtEverLessOften() {
        var waited = Duration.seconds(1)
        var looks = 0
        while waited < .seconds(30 * 86_400) {
            waited +=
                self.steps(
                    [self.point(3)],
                    ["a": self.states("a", [2])],
                    sinceGrowth: waited
                )
                .pause
            looks += 1
        }
        #expect(looks < 30 * 24 + 20, "once an hour, and some at the beginning")
        let soon = self.steps([self.point(3)], ["a": self.states("a", [2])])
        #expect(soon.pause == .seconds(2))
    }

    @Test func looksAtWhatIsSteadyAreSpread() {
        let pauses = [0, 0.25, 0.75]
            .map {
                self.steps([self.point(3)], ["a": self.states("a", [3])], jitter: $0).pause
            }
        #expect(pauses == [.seconds(1_800), .seconds(2_700), .seconds(4_500)])
    }
}
