// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

@Suite(.timeLimit(.minutes(10))) struct ClusterPairControllerTests {
    private let stage = ControllerStage()
    private let key = ObjectKey("db", "p")

    /// A pair with storage alone: nothing here serves an API.
    private func put(_ options: [String: String]) {
        self.stage.cluster.put(
            StorkResource.clusterPairs,
            KubeObject(
                StorkResource.clusterPairs.groupVersionKind,
                self.key,
                ["spec": ClusterPairSpec(options: options).json]
            )
        )
    }

    private var status: ClusterPairStatus {
        ClusterPairStatus(
            self.stage.cluster.find(StorkResource.clusterPairs, self.key)?["status"]
        )
    }

    private func look(_ controller: ClusterPairController, times: Int = 4) async throws {
        for _ in 0..<times { _ = try await controller.reconcile(self.key) }
    }

    @Test func aPairBecomesReadyAndThenIsLeftAlone() async throws {
        self.put(["ip": "10.0.0.1", "token": "t"])
        let controller = self.stage.pairController()
        try await self.look(controller)
        #expect(self.status.storageStatus == .ready)
        #expect(self.status.schedulerStatus == .notProvided)
        #expect(self.status.remoteStorageID == "remote")
        #expect(self.status.conditions["Ready"]?.status == .yes)
        let writes = self.stage.cluster.state.withLock { $0.writes }
        let told = self.stage.notices.withLock { $0.count }
        for _ in 0..<5 {
            self.stage.seconds.withLock { $0 += 61 }
            try await self.look(controller)
        }
        #expect(self.stage.cluster.state.withLock { $0.writes } == writes)
        #expect(self.stage.notices.withLock { $0.count } == told)
    }

    @Test func itIsDegradedWhileTheOtherSideIsAwayAndReadyAgainAfterwards() async throws {
        self.put(["ip": "10.0.0.1", "token": "t"])
        let controller = self.stage.pairController()
        try await self.look(controller)
        self.stage.driver.state.withLock {
            $0.trouble = VolumeTrouble(.destinationUnreachable, "it is off", isPassing: true)
        }
        self.stage.seconds.withLock { $0 += 70 }
        try await self.look(controller)
        #expect(self.status.storageStatus == .degraded)
        #expect(self.status.conditions["StorageReady"]?.reason == "DestinationUnreachable")
        self.stage.driver.state.withLock { $0.trouble = nil }
        self.stage.seconds.withLock { $0 += 70 }
        try await self.look(controller)
        #expect(self.status.storageStatus == .ready)
    }

    @Test func anAgentThatLostItsPairIsPairedAgain() async throws {
        self.put(["ip": "10.0.0.1", "token": "t"])
        let controller = self.stage.pairController()
        try await self.look(controller)
        self.stage.driver.state.withLock { $0.paired = [] }
        self.stage.seconds.withLock { $0 += 70 }
        try await self.look(controller)
        #expect(self.status.storageStatus == .ready)
        #expect(self.stage.driver.state.withLock { $0.paired } == ["remote"])
    }

    @Test func aPairThatIsDoubtedIsLookedAtAtOnce() async throws {
        self.put(["ip": "10.0.0.1", "token": "t"])
        let controller = self.stage.pairController()
        try await self.look(controller)
        self.stage.driver.state.withLock {
            $0.brokenPair = VolumeTrouble(.destinationUnreachable, "it is off", isPassing: true)
        }
        try await self.look(controller)
        #expect(self.status.storageStatus == .ready, "nobody has asked yet")
        controller.doubt(self.key)
        try await self.look(controller)
        #expect(self.status.storageStatus == .degraded)
    }

    private static let ended = VolumeTrouble(
        .certificateExpired,
        "The certificate ended.",
        isPassing: true
    )

    @Test func aPairWhoseCertificateHasEndedIsMadeAnew() async throws {
        self.put(["ip": "10.0.0.1", "token": "t"])
        let controller = self.stage.pairController()
        try await self.look(controller)
        self.stage.driver.state.withLock { $0.brokenPair = Self.ended }
        self.stage.seconds.withLock { $0 += 70 }
        try await self.look(controller)
        #expect(self.status.storageStatus == .ready)
        #expect(self.stage.driver.state.withLock { $0.brokenPair } == nil)
    }

    /// A day later nobody can tell a revoked pair from one that has ended.
    @Test func aRevokedPairIsNotMadeAnewWhenItsCertificateHasEnded() async throws {
        self.put(["ip": "10.0.0.1", "token": "t"])
        let controller = self.stage.pairController()
        try await self.look(controller)
        for trouble in [
            VolumeTrouble(.pairRevoked, "It was revoked.", isPassing: false), Self.ended,
            Self.ended,
        ] {
            self.stage.driver.state.withLock { $0.brokenPair = trouble }
            self.stage.seconds.withLock { $0 += 70 }
            try await self.look(controller)
            #expect(self.status.storageStatus == .degraded)
            #expect(self.status.conditions["StorageReady"]?.reason == "PairRevoked")
        }
    }

    @Test func withoutATokenNothingIsPaired() async throws {
        self.put(["ip": "10.0.0.1"])
        try await self.look(self.stage.pairController())
        #expect(self.status.storageStatus == .notProvided)
        #expect(self.stage.driver.state.withLock { $0.paired.isEmpty })
    }

    @Test func theTokenMayLieInASecret() async throws {
        var spec = ClusterPairSpec(options: ["ip": "10.0.0.1"])
        spec.secretName = "s"
        self.stage.cluster.put(
            StorkResource.clusterPairs,
            KubeObject(
                StorkResource.clusterPairs.groupVersionKind,
                self.key,
                ["spec": spec.json]
            )
        )
        let controller = self.stage.pairController()
        try await self.look(controller)
        #expect(self.status.conditions["StorageReady"]?.reason == "SecretNotFound")
        self.stage.cluster.put(
            BuiltIn.secrets,
            KubeObject(
                BuiltIn.secrets.groupVersionKind,
                ObjectKey("db", "s"),
                ["data": ["token": "dG9rZW4K"]]
            )
        )
        self.stage.seconds.withLock { $0 += 70 }
        try await self.look(controller)
        #expect(self.status.storageStatus == .ready)
    }

    @Test func anAgentThatIsGoneHoldsUpADeletionForAMinuteOnly() async throws {
        self.put(["ip": "10.0.0.1", "token": "t"])
        let controller = self.stage.pairController()
        try await self.look(controller)
        let away = VolumeTrouble(.agentUnreachable, "nobody answers", isPassing: true)
        self.stage.driver.state.withLock { $0.trouble = away }
        self.stage.markDeleted(StorkResource.clusterPairs, "p")
        self.stage.seconds.withLock { $0 = 1_767_225_600 }
        await #expect(throws: VolumeTrouble.self) { try await controller.reconcile(self.key) }
        #expect(self.stage.cluster.find(StorkResource.clusterPairs, self.key) != nil)
        self.stage.seconds.withLock { $0 += ControllerShell.deletionPatience }
        _ = try await controller.reconcile(self.key)
        #expect(self.stage.cluster.find(StorkResource.clusterPairs, self.key) == nil)
        #expect(self.stage.notices.withLock { $0.last?.message }?.contains("stay paired") == true)
    }

    @Test func deletionUnpairsUnlessAnotherPairNeedsIt() async throws {
        self.put(["ip": "10.0.0.1", "token": "t"])
        let controller = self.stage.pairController()
        try await self.look(controller)
        self.stage.putPair(storage: .ready)
        self.stage.markDeleted(StorkResource.clusterPairs, "p")
        try await self.look(controller, times: 1)
        #expect(self.stage.driver.state.withLock { $0.unpaired.isEmpty })
        #expect(self.stage.cluster.find(StorkResource.clusterPairs, self.key) == nil)
        let last = ObjectKey("db", "remote")
        _ = try await controller.reconcile(last)
        self.stage.markDeleted(StorkResource.clusterPairs, "remote")
        _ = try await controller.reconcile(last)
        #expect(self.stage.driver.state.withLock { $0.unpaired } == ["remote"])
    }
}
