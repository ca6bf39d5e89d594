// SPDX-License-Identifier: Apache-2.0

import ControlPlane
import KubernetesClient
import ObjectModel
import Testing

@Suite struct ResourcePurgeTests {
    private func purge(
        _ world: MoveWorld,
        _ options: (inout CollectionOptions) -> Void = { _ in }
    ) async throws -> [ResourceOutcome] {
        let (_, snapshot) = try await world.work(options)
        return try await world.applier.purge(snapshot, namespaces: ["shop"])
    }

    @Test func whatVanishedAtTheSourceVanishesAtTheDestination() async throws {
        let world = try await MoveWorld()
        try await world.source.add(try MoveWorld.application())
        #expect(try await world.move().isComplete)
        #expect(try await self.purge(world) == [])
        try await world.source.delete("ConfigMap", "shop/settings")
        try await world.source.delete("Deployment", "shop/web")
        let purged = try await self.purge(world)
        #expect(purged.map(\.key.name) == ["web", "settings"])
        #expect(purged.map(\.status) == [.purged, .purged])
        #expect(try await !world.destination.has("ConfigMap", "shop/settings"))
        #expect(try await world.destination.has("Secret", "shop/keys"))
        #expect(try await self.purge(world) == [])
    }

    @Test func whatNoMigrationMadeStays() async throws {
        let world = try await MoveWorld()
        try await world.source.add(try MoveWorld.application())
        #expect(try await world.move().isComplete)
        let migrated = #""stork.libopenstorage.org/migrated":"true""#
        let owner = try await world.destination.object("Deployment", "shop/web")
        var made = try Sample.object(
            "ConfigMap",
            "shop/made",
            #"{"metadata":{"annotations":{\#(migrated)}}}"#
        )
        made.set([OwnerReference(to: owner).json], at: "metadata", "ownerReferences")
        let account = try Sample.object(
            "ServiceAccount",
            "shop/app",
            #"{"metadata":{"annotations":{\#(migrated)}}}"#
        )
        try await world.destination.add(
            made,
            account,
            try Sample.object("ConfigMap", "shop/own"),
            try Sample.object(
                "ConfigMap",
                "shop/stash",
                """
                {"metadata":{"annotations":{\(migrated)},
                 "labels":{"stork.libopenstorage.org/stash-cr":"true"}}}
                """
            )
        )
        #expect(try await self.purge(world) { $0.includeServiceAccounts = true } == [])
    }

    @Test func aKindThatWasNotReadIsNotPurged() async throws {
        let world = try await MoveWorld()
        try await world.source.add(try MoveWorld.application())
        #expect(try await world.move().isComplete)
        try await world.source.delete("ConfigMap", "shop/settings")
        #expect(try await self.purge(world) { $0.volumesOnly = true } == [])
        // Excluding a kind is no wish to delete it.
        #expect(try await self.purge(world) { $0.excludeResourceTypes = ["Secret"] }.count == 1)
        #expect(try await world.destination.has("Secret", "shop/keys"))
    }

    @Test func theVolumeOfAPurgedClaimKeepsItsData() async throws {
        let world = try await MoveWorld()
        try await world.source.add(try MoveWorld.application())
        #expect(try await world.move().isComplete)
        try await world.source.delete("PersistentVolumeClaim", "shop/data")
        #expect(try await self.purge(world).map(\.key.name) == ["data"])
        let volume = try await world.destination.object("PersistentVolume", "pvc-1")
        #expect(volume["spec", "persistentVolumeReclaimPolicy"]?.string == "Retain")
    }
}
