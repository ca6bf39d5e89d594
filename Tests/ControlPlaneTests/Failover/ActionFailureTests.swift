// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

/// Every failure of a failover, a failback and a rehearsal leaves a status, a condition and an event that
/// name the cause and what to do; and, but for what cannot be taken back, everything as it was.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ActionFailureTests {
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
            #expect(try await self.world.replicas(there) == failure.replicasThere ?? before)
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
    var spec: ActionSpec
    /// Of the condition at the end.
    let reason: String
    /// What the cause is known by.
    let words: String
    var state = ActionState.failed
    /// What it says while something holds it up, and for how many seconds.
    var heldUp: (words: String, seconds: Int)?
    /// How many pods the source is to have at the end; nil for as before.
    var replicasThere: Int?
    let arrange: Arrange

    init(
        _ name: String,
        _ type: ActionType,
        _ reason: String,
        saying words: String,
        _ arrange: @escaping Arrange = { _, _, _ in },
        _ change: (inout Self) -> Void = { _ in }
    ) {
        self.testDescription = name
        self.spec = ActionSpec(type, schedule: "s")
        self.reason = reason
        self.words = words
        self.arrange = arrange
        change(&self)
    }

    static let all = Self.beginnings + Self.ways + Self.waysBack + Self.rehearsals

    private static func refuse(
        _ order: String,
        _ reason: VolumeTrouble.Reason = .failed,
        isPassing: Bool = false
    ) -> Arrange {
        { _, _, here in
            here.driver.state.withLock {
                $0.refused[order] = VolumeTrouble(
                    reason,
                    "the disk says no to \(order)",
                    isPassing: isPassing
                )
            }
        }
    }

    // MARK: What cannot begin

    private static let beginnings = [
        Self("no schedule", .failover, "ScheduleNotFound", saying: "\"t\" not found") {
            _,
            _,
            _ in
        } _: {
            $0.spec.schedule = "t"
        },
        Self("active already", .failover, "AlreadyActive", saying: "run here already") {
            _,
            _,
            here in
            _ = try await here.source.change(
                StorkResource.migrationSchedules,
                ObjectKey("kube-system", "s"),
                ["status": ["applicationActivated": true]],
                isStatus: true
            )
        },
        Self(
            "a namespace that is not moved",
            .failover,
            "NoNamespace",
            saying: "does not migrate namespace bank"
        ) { _, _, _ in
        } _: {
            $0.spec.namespaces = ["bank"]
        },
        Self("no such point", .failover, "NoRecoveryPoint", saying: "s-9") { _, _, _ in
        } _: {
            $0.spec.recoveryPoint = "s-9"
        },
        Self("no point before", .failover, "NoRecoveryPoint", saying: "before") { _, _, _ in
        } _: {
            $0.spec.before = Timestamp(seconds: 1_789_999_000)
        },
    ]

    // MARK: What fails on the way

    private static let ways = [
        Self(
            "no pair that leads back",
            .failover,
            "ClusterPairNotFound",
            saying: "\"remote\" not found"
        ) { world, _, here in
            try await world.remove(StorkResource.clusterPairs, "remote", here)
        },
        Self(
            "the schedule is gone there",
            .failover,
            "ScheduleNotFound",
            saying: "is not in the other cluster any more"
        ) { world, there, _ in
            try await world.remove(StorkResource.migrationSchedules, "s", there)
        },
        Self(
            "the last migration fails",
            .failover,
            "LastMileFailed",
            saying: "the cable is cut"
        ) { world, there, _ in
            try await world.makeVolume(there)
            there.driver.state.withLock {
                $0.broken["pvc-1"] = VolumeTrouble(.failed, "the cable is cut", isPassing: false)
            }
        },
        Self(
            "the volume cannot be promoted",
            .failover,
            "VolumeFailed",
            saying: "no to promote",
            Self.refuse("promote pvc-1 8")
        ) { $0.spec.recoveryPoint = "s-2" },
        Self(
            "the storage here never comes back",
            .failover,
            "TimedOut",
            saying: "no to settle",
            Self.refuse("settle pvc-1", isPassing: true)
        ) {
            $0.spec.recoveryPoint = "s-2"
            $0.heldUp = ("no to settle", 900)
        },
        Self(
            "what was promoted cannot be reverted",
            .failover,
            "RollbackFailed",
            saying: "It could not be taken back"
        ) { world, there, here in
            try await Self.refuse("promote pvc-1 8")(world, there, here)
            try await Self.refuse("revert pvc-1")(world, there, here)
        } _: {
            $0.spec.recoveryPoint = "s-2"
            $0.state = .rollbackFailed
        },
    ]

    private static let waysBack = [
        Self(
            "nothing was migrated back",
            .failback,
            "MigrationNotCurrent",
            saying: "has brought nothing here yet"
        ),
        Self(
            "the newest migration back failed",
            .failback,
            "MigrationNotCurrent",
            saying: "the newest Migration, s-interval-1, ended as Failed"
        ) { world, there, _ in try await world.run("Failed", secondsAgo: 60, there) },
        Self(
            "the newest migration back is old",
            .failback,
            "MigrationNotCurrent",
            saying: "the newest Migration, s-interval-1, was started at"
        ) { world, there, _ in
            try await world.makePolicy(there)
            try await world.run("Successful", secondsAgo: 7_200, there)
        },
        Self(
            "the other side does not answer",
            .failback,
            "DestinationUnreachable",
            saying: "the other cluster does not answer"
        ) { world, _, here in
            try await world.breakPair(here)
        } _: {
            $0.heldUp = ("127.0.0.1:1", 30)
        },
    ]

    // MARK: Rehearsals

    private static let rehearsals = [
        Self(
            "the namespace is there",
            .drill,
            "NamespaceNotAllowed",
            saying: "namespace shop-drill is there already"
        ) { _, _, here in
            try await here.source.create(
                BuiltIn.namespaces,
                KubeObject(BuiltIn.namespaces.groupVersionKind, ObjectKey("", "shop-drill"))
            )
        },
        Self(
            "the volume is not here",
            .drill,
            "VolumeNotFound",
            saying: "has no PersistentVolume here"
        ),
        Self("no room for a clone", .drill, "NoSpace", saying: "no to clone") {
            world,
            there,
            here in
            try await world.makeVolume(here)
            try await Self.refuse("clone pvc-1 8 as pvc-1-drill", .noSpace)(world, there, here)
        },
        Self(
            "pods that do not get ready",
            .drill,
            "TimedOut",
            saying: "Deployment shop-drill/web: it has not been looked at yet"
        ) { world, _, here in
            try await world.makeVolume(here)
            try await world.lookAfterWorkloads(here)
        } _: {
            $0.heldUp = ("shop-drill/web", 900)
        },
    ]
}
