// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import ObjectModel
import Testing

@Suite struct VolumeBindingTests {
    private func volume(_ name: String, claim: JSON? = nil) -> JSON {
        var json: JSON = [
            "metadata": ["name": .string(name)],
            "spec": [
                "capacity": ["storage": "2Gi"], "accessModes": ["ReadWriteOnce"],
                "csi": ["driver": "pool.godwit.io", "volumeHandle": .string(name)],
            ],
        ]
        json.set(claim, at: "spec", "claimRef")
        return json
    }

    private func claim(_ name: String, volume: String? = nil) -> JSON {
        var json: JSON = [
            "metadata": ["name": .string(name)],
            "spec": [
                "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]],
            ],
        ]
        json.set(volume.map(JSON.string), at: "spec", "volumeName")
        return json
    }

    private func phase(_ bed: StoreBed, _ plural: String, _ name: String) async throws -> JSON? {
        let kind = try bed.kind("v1", plural)
        let key = ObjectKey(kind.resource.isNamespaced ? "default" : "", name)
        return try await bed.store.get(kind, key)["status", "phase"]
    }

    @Test(arguments: [true, false], ["claim first", "volume first"])
    func aClaimAndAVolumeThatNameEachOtherAreBound(
        byVolumeName: Bool,
        order: String
    ) async throws {
        let bed = try await StoreBed()
        let volumes = try bed.kind("v1", "persistentvolumes")
        let claims = try bed.kind("v1", "persistentvolumeclaims")
        let reference: JSON = ["namespace": "default", "name": "data"]
        let volume = self.volume("pv", claim: byVolumeName ? nil : reference)
        let claim = self.claim("data", volume: byVolumeName ? "pv" : nil)
        if order == "claim first" {
            try await bed.create(claims, claim)
            try await bed.store.converge()
            #expect(try await self.phase(bed, "persistentvolumeclaims", "data") == "Pending")
            try await bed.create(volumes, volume)
        } else {
            try await bed.create(volumes, volume)
            try await bed.store.converge()
            #expect(try await self.phase(bed, "persistentvolumes", "pv") == "Available")
            try await bed.create(claims, claim)
        }
        try await bed.store.converge()
        let boundClaim = try await bed.store.get(claims, ObjectKey("default", "data"))
        let boundVolume = try await bed.store.get(volumes, ObjectKey("", "pv"))
        #expect(boundClaim["status", "phase"] == "Bound")
        #expect(boundClaim["status", "capacity", "storage"] == "2Gi")
        #expect(boundClaim["spec", "volumeName"] == "pv")
        #expect(boundClaim.annotations["pv.kubernetes.io/bind-completed"] == "yes")
        #expect(boundVolume["status", "phase"] == "Bound")
        #expect(boundVolume["spec", "claimRef", "uid"]?.string == boundClaim.uid)
        let version = bed.store.resourceVersion
        try await bed.store.converge()
        #expect(bed.store.resourceVersion == version)
    }

    @Test func aVolumeOfAClaimThatWentIsReleased() async throws {
        let bed = try await StoreBed()
        let claims = try bed.kind("v1", "persistentvolumeclaims")
        try await bed.create(bed.kind("v1", "persistentvolumes"), self.volume("pv"))
        try await bed.create(claims, self.claim("data", volume: "pv"))
        try await bed.store.converge()
        _ = try await bed.store.delete(claims, ObjectKey("default", "data"))
        try await bed.store.converge()
        #expect(try await self.phase(bed, "persistentvolumes", "pv") == "Released")
        // Another claim of that name is another claim.
        try await bed.create(claims, self.claim("data", volume: "pv"))
        try await bed.store.converge()
        #expect(try await self.phase(bed, "persistentvolumeclaims", "data") == "Pending")
    }

    @Test func aClaimWhoseVolumeWentHasLostIt() async throws {
        let bed = try await StoreBed()
        let volumes = try bed.kind("v1", "persistentvolumes")
        try await bed.create(volumes, self.volume("pv"))
        try await bed.create(
            bed.kind("v1", "persistentvolumeclaims"),
            self.claim("data", volume: "pv")
        )
        try await bed.store.converge()
        _ = try await bed.store.delete(volumes, ObjectKey("", "pv"))
        try await bed.store.converge()
        #expect(try await self.phase(bed, "persistentvolumeclaims", "data") == "Lost")
    }
}
