// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import Testing

@testable import ControlPlane

@Suite struct VolumePlanTests {
    private let plan = VolumePlan(restoresPolicy: true)

    private func pair() throws -> VolumePair {
        let objects = try Sample.claim("shop/data")
        return VolumePair(
            volume: try ResourcePreparationTests.prepare(objects[1]),
            claim: try ResourcePreparationTests.prepare(objects[0])
        )
    }

    private func stored(_ prepared: PreparedResource, _ uid: String) -> KubeObject {
        var object = prepared.object
        object.set(.string(uid), at: "metadata", "uid")
        return object
    }

    /// The destination at the end of a migration.
    private func bound() throws -> (KubeObject, KubeObject) {
        let pair = try self.pair()
        var volume = self.stored(pair.volume, "v")
        var claim = self.stored(pair.claim, "c")
        volume.set("c", at: "spec", "claimRef", "uid")
        volume.set("Delete", at: "spec", "persistentVolumeReclaimPolicy")
        volume.set("fast", at: "spec", "storageClassName")
        volume.set("Bound", at: "status", "phase")
        claim.set("Bound", at: "status", "phase")
        return (volume, claim)
    }

    private func step(
        _ volume: KubeObject?,
        _ claim: KubeObject?,
        _ memory: VolumeMemory = VolumeMemory(),
        restoring: Bool = true
    ) throws -> VolumeStep {
        self.plan.step(
            try self.pair(),
            volume: volume,
            claim: claim,
            memory,
            restoring: restoring
        )
    }

    @Test func theStepsOfAFirstMigration() throws {
        let pair = try self.pair()
        #expect(try self.step(nil, nil) == .applyVolume(pair.volume.object))
        var volume = self.stored(pair.volume, "v")
        #expect(try self.step(volume, nil) == .applyClaim(pair.claim.object))
        var claim = self.stored(pair.claim, "c")
        guard case .patchVolume(let reservation) = try self.step(volume, claim) else {
            return #expect(Bool(false), "the volume is given to the claim")
        }
        #expect(reservation["spec", "claimRef", "uid"]?.string == "c")
        volume.json = volume.json.merged(with: reservation)
        #expect(try self.step(volume, claim) == .bind)
        volume.set("Bound", at: "status", "phase")
        claim.set("Bound", at: "status", "phase")
        #expect(try self.step(volume, claim, restoring: false) == .done)
        guard case .patchVolume(let restored) = try self.step(volume, claim) else {
            return #expect(Bool(false), "the policy and the class come back")
        }
        #expect(
            restored["spec"]
                == ["persistentVolumeReclaimPolicy": "Delete", "storageClassName": "fast"]
        )
        volume.json = volume.json.merged(with: restored)
        #expect(try self.step(volume, claim) == .done)
    }

    @Test func whatIsBoundAndEqualIsLeftAlone() throws {
        let (volume, claim) = try self.bound()
        #expect(try self.step(volume, claim) == .done)
        #expect(try self.step(volume, claim, restoring: false) == .done)
    }

    @Test func aChangedVolumeKeepsItsPolicyWhileItIsBound() throws {
        var (volume, claim) = try self.bound()
        volume.annotations["stork.libopenstorage.org/resource-hash"] = "other"
        guard case .applyVolume(let applied) = try self.step(volume, claim) else {
            return #expect(Bool(false), "a volume that differs is applied")
        }
        #expect(applied["spec", "persistentVolumeReclaimPolicy"]?.string == "Delete")
        #expect(applied["spec", "storageClassName"]?.string == "fast")
        claim.annotations["stork.libopenstorage.org/resource-hash"] = "other"
        #expect(try self.step(volume, claim) == .applyClaim(try self.pair().claim.object))
    }

    @Test func aClaimIsDeletedOnlyWhileItsVolumeIsRetained() throws {
        var (volume, claim) = try self.bound()
        let memory = VolumeMemory(claimMustBeMadeAgain: true)
        let retain = VolumeStep.patchVolume([
            "metadata": ["uid": "v"], "spec": ["persistentVolumeReclaimPolicy": "Retain"],
        ])
        #expect(try self.step(volume, claim, memory) == retain)
        claim.set("2026-11-21T17:00:00Z", at: "metadata", "deletionTimestamp")
        #expect(try self.step(volume, claim) == retain)
        volume.set("Retain", at: "spec", "persistentVolumeReclaimPolicy")
        claim.finalizers = ["kubernetes.io/pvc-protection"]
        guard case .wait(let reason) = try self.step(volume, claim, memory) else {
            return #expect(Bool(false), "a claim in use is waited for")
        }
        #expect(reason.contains("a pod uses it still"))
        claim.set(nil, at: "metadata", "deletionTimestamp")
        #expect(try self.step(volume, claim, memory) == .deleteClaim(uid: "c"))
    }

    @Test func aVolumeOfAnEarlierClaimIsReservedAgain() throws {
        let (volume, _) = try self.bound()
        guard case .patchVolume(let freed) = try self.step(volume, nil) else {
            return #expect(Bool(false), "the identity of the former claim is removed")
        }
        #expect(
            freed["spec"] == ["claimRef": ["uid": .null, "resourceVersion": .null]]
        )
        let free = KubeObject(volume.json.merged(with: freed))
        #expect(try self.step(free, nil) == .applyClaim(try self.pair().claim.object))
    }

    @Test func aVolumeWithAnotherHandleIsMadeAgainAfterItsClaim() throws {
        var (volume, claim) = try self.bound()
        volume.set("original-handle", at: "spec", "csi", "volumeHandle")
        volume.set("Retain", at: "spec", "persistentVolumeReclaimPolicy")
        #expect(try self.step(volume, claim) == .deleteClaim(uid: "c"))
        #expect(try self.step(volume, nil) == .deleteVolume(uid: "v"))
        volume.set("2026-11-21T17:00:00Z", at: "metadata", "deletionTimestamp")
        volume.finalizers = ["kubernetes.io/pv-protection"]
        #expect(
            try self.step(volume, nil)
                == .patchVolume(["metadata": ["uid": "v", "finalizers": .null]])
        )
        claim.set("x", at: "metadata", "labels", "a")
        guard case .wait = try self.step(volume, claim) else {
            return #expect(Bool(false), "the claim has to go first")
        }
    }

    @Test func whatOthersMadeIsRefused() throws {
        var (volume, claim) = try self.bound()
        volume.set("other", at: "spec", "claimRef", "name")
        guard case .refuse(let taken) = try self.step(volume, claim) else {
            return #expect(Bool(false), "a volume of another claim is refused")
        }
        #expect(taken.contains("is claimed by shop/other"))
        claim.set("elsewhere", at: "spec", "volumeName")
        #expect(try self.step(nil, claim) == .applyVolume(try self.pair().volume.object))
        claim.annotations["stork.libopenstorage.org/migrated"] = nil
        guard case .refuse(let foreign) = try self.step(nil, claim) else {
            return #expect(Bool(false), "a claim of another volume is refused")
        }
        #expect(foreign.contains("(elsewhere) that no migration made"))
    }
}
