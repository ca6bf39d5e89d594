// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

/// Every failure of a failover, a failback and a rehearsal leaves a status, a condition and an event that
/// name the cause and what to do; and, but for what cannot be taken back, everything as it was.
@Suite(.serialized, .timeLimit(.minutes(10))) struct ActionFailureTests {
    private let world = ActionWorld()

    @Test(arguments: ActionFailure.all)
    func aFailureSaysWhyAndWhatToDo(_ failure: ActionFailure) async throws {
        try await PairedClusters.runningBoth { there, here in
            try await self.world.prepare(there, here)
            try await failure.arrange(self.world, there, here)
            let before = try await self.world.replicas(there)
            let schedule = try await self.world.standing(there)
            async let ended = self.world.perform(failure.spec, here)
            if let (words, passes) = failure.heldUp {
                _ = try await here.object(StorkResource.actions, "kube-system", "f") {
                    let condition = [Condition]($0["status", "conditions"])["Succeeded"]
                    return condition?.message.contains(words) == true
                        && condition?.status == .unknown
                }
                try await self.world.pass(passes, here, until: "f")
            }
            let status = try await ended
            #expect(status.status == failure.state, "\(status.reason)")
            #expect(status.finished != nil)
            #expect(status.reason.contains(failure.words), "\(status.reason)")
            #expect(status.reason.contains(" Try: "), "what to do: \(status.reason)")
            let condition = try #require(status.conditions["Succeeded"])
            #expect(condition.status == .no && condition.reason == failure.reason, "\(condition)")
            #expect(condition.message == status.reason)
            #expect(status.summary.allSatisfy { $0.status == failure.state })
            try await self.world.isWarned(of: failure.words, here)
            #expect(try await self.world.replicas(there) == before)
            #expect(try await self.world.replicas(here) == 0)
            if failure.state == .failed, let copy = try await self.world.standing(there) {
                #expect(copy["spec", "suspend"] == schedule?["spec", "suspend"])
                #expect(copy.annotations[SourceFence.mark] == nil)
                #expect(copy.annotations[OtherSide.suspendMark] == nil)
            }
        }
    }

    @Test func everyReasonOfAFailoverIsCaused() {
        let caused = Set(ActionFailure.all.map(\.reason))
        for reason: Trouble.Reason in [
            .scheduleNotFound, .alreadyActive, .noNamespace, .noRecoveryPoint,
            .migrationNotCurrent, .lastMileFailed, .timedOut, .clusterPairNotFound,
            .destinationUnreachable,
            .namespaceNotAllowed, .volumeNotFound, .volumeFailed, .noSpace,
        ] { #expect(caused.contains(reason.rawValue), "\(reason)") }
    }
}

/// One way to fail.
struct ActionFailure: Sendable, CustomTestStringConvertible {
    typealias Arrange =
        @Sendable (ActionWorld, _ there: PairedClusters, _ here: PairedClusters)
        async throws -> Void

    let testDescription: String
    private(set) var spec: ActionSpec
    /// Of the condition at the end.
    private(set) var reason: String
    /// What the cause is known by.
    let words: String
    private(set) var state = ActionState.failed
    /// What it says while something holds it up, and for how many seconds.
    private(set) var heldUp: (words: String, seconds: Int)?
    private var arrangements: [Arrange] = []

    init(
        _ name: String,
        _ type: ActionType,
        _ reason: Trouble.Reason,
        saying words: String,
        _ change: (inout ActionSpec) -> Void = { _ in }
    ) {
        self.testDescription = name
        self.spec = ActionSpec(type, schedule: "s")
        self.reason = reason.rawValue
        self.words = words
        change(&self.spec)
    }

    /// Makes what fails.
    func arrange(
        _ world: ActionWorld,
        _ there: PairedClusters,
        _ here: PairedClusters
    ) async throws {
        for arrange in self.arrangements { try await arrange(world, there, here) }
    }

    // MARK: How one is told

    /// Where this was done before.
    private func after(_ arrange: @escaping Arrange) -> Self {
        var failure = self
        failure.arrangements.append(arrange)
        return failure
    }

    /// Where the storage here refuses an order.
    private func refusing(
        _ order: String,
        _ reason: VolumeTrouble.Reason = .failed,
        isPassing: Bool = false
    ) -> Self {
        self.after { _, _, here in
            here.driver.state.withLock {
                $0.refused[order] = VolumeTrouble(
                    reason,
                    "the disk says no to \(order)",
                    isPassing: isPassing
                )
            }
        }
    }

    /// Where it waits for so long, and says why.
    private func heldUp(by words: String, forSeconds seconds: Int) -> Self {
        var failure = self
        failure.heldUp = (words, seconds)
        return failure
    }

    /// Where it cannot be taken back either.
    private var forGood: Self {
        var failure = self
        failure.state = .rollbackFailed
        failure.reason = ActionState.rollbackFailed.rawValue
        return failure
    }

    static let all = Self.beginnings + Self.ways + Self.waysBack + Self.rehearsals

    // MARK: What cannot begin

    private static let beginnings = [
        Self("no schedule", .failover, .scheduleNotFound, saying: "\"t\" not found") {
            $0.schedule = "t"
        },
        Self("active already", .failover, .alreadyActive, saying: "run here already")
            .after { _, _, here in
                _ = try await here.source.change(
                    StorkResource.migrationSchedules,
                    ObjectKey("kube-system", "s"),
                    ["status": ["applicationActivated": true]],
                    isStatus: true
                )
            },
        Self("not moved", .failover, .noNamespace, saying: "does not migrate namespace bank") {
            $0.namespaces = ["bank"]
        },
        Self("no such point", .failover, .noRecoveryPoint, saying: "s-9") {
            $0.recoveryPoint = "s-9"
        },
        Self("no point before", .failover, .noRecoveryPoint, saying: "before") {
            $0.before = Timestamp(seconds: 1_789_999_000)
        },
    ]

    // MARK: What fails on the way

    private static let ways = [
        Self("no pair back", .failover, .clusterPairNotFound, saying: "\"remote\" not found")
            .after { world, _, here in
                try await world.remove(StorkResource.clusterPairs, "remote", here)
            },
        Self(
            "the schedule is gone there",
            .failover,
            .scheduleNotFound,
            saying: "is not in the other cluster any more"
        )
        .after { world, there, _ in
            try await world.remove(StorkResource.migrationSchedules, "s", there)
        },
        Self("the last migration", .failover, .lastMileFailed, saying: "the cable is cut")
            .after { world, there, _ in
                try await world.makeVolume(there)
                let trouble = VolumeTrouble(.failed, "the cable is cut", isPassing: false)
                there.driver.state.withLock { $0.broken["pvc-1"] = trouble }
            },
        Self("no promotion", .failover, .volumeFailed, saying: "no to promote") {
            $0.recoveryPoint = "s-2"
        }
        .refusing("promote pvc-1 8"),
        Self("storage that stays away", .failover, .timedOut, saying: "no to settle") {
            $0.recoveryPoint = "s-2"
        }
        .refusing("settle pvc-1", isPassing: true).heldUp(by: "no to settle", forSeconds: 900),
        Self("no way back", .failover, .volumeFailed, saying: "It could not be taken back") {
            $0.recoveryPoint = "s-2"
        }
        .refusing("promote pvc-1 8").refusing("revert pvc-1").forGood,
    ]

    private static let waysBack = [
        Self(
            "nothing was migrated back",
            .failback,
            .migrationNotCurrent,
            saying: "has brought nothing here yet"
        ),
        Self(
            "the newest migration back failed",
            .failback,
            .migrationNotCurrent,
            saying: "the newest Migration, s-interval-1, ended as Failed"
        )
        .after { world, there, _ in try await world.run("Failed", secondsAgo: 60, there) },
        Self(
            "the newest migration back is old",
            .failback,
            .migrationNotCurrent,
            saying: "the newest Migration, s-interval-1, was started at"
        )
        .after { world, there, _ in
            try await world.makePolicy(there)
            try await world.run("Successful", secondsAgo: 7_200, there)
        },
        Self(
            "the other side does not answer",
            .failback,
            .destinationUnreachable,
            saying: "the other cluster does not answer"
        )
        .after { world, _, here in try await world.breakPair(here) }
        .heldUp(by: "127.0.0.1:1", forSeconds: 30),
    ]

    // MARK: Rehearsals

    private static let rehearsals = [
        Self(
            "the namespace is there",
            .drill,
            .namespaceNotAllowed,
            saying: "namespace shop-drill is there already"
        )
        .after { _, _, here in
            try await here.source.create(
                BuiltIn.namespaces,
                KubeObject(BuiltIn.namespaces.groupVersionKind, ObjectKey("", "shop-drill"))
            )
        },
        Self("no volume", .drill, .volumeNotFound, saying: "has no PersistentVolume here"),
        Self("no room for a clone", .drill, .noSpace, saying: "no to clone")
            .after { world, _, here in try await world.makeVolume(here) }
            .refusing("clone pvc-1 8 as pvc-1-drill", .noSpace),
        Self(
            "pods that do not get ready",
            .drill,
            .timedOut,
            saying: "Deployment shop-drill/web: it has not been looked at yet"
        )
        .after { world, _, here in
            try await world.makeVolume(here)
            try await world.lookAfterWorkloads(here)
        }
        .heldUp(by: "shop-drill/web", forSeconds: 900),
    ]
}
