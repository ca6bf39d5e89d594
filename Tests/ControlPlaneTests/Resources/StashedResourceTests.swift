// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// Custom resources that wait at the destination until they are activated.
@Suite struct StashedResourceTests {
    private static let thing = GroupKind("example.org", "Thing")
    private static let map = "shop/thing-example.org-queue"

    /// A namespace with a Thing that owns a claim.
    private func world() async throws -> MoveWorld {
        let world = try await MoveWorld()
        try await world.source.add(ResourceMoveTests.definition())
        try await world.source.add(
            Sample.object("Thing", "shop/queue", #"{"spec":{"one":1.0},"status":{"is":"up"}}"#)
        )
        let thing = try await world.source.object("Thing", "shop/queue")
        var objects = try Sample.claim("shop/data")
        objects[0].set([OwnerReference(to: thing).json], at: "metadata", "ownerReferences")
        try await world.source.add(objects.reversed())
        return world
    }

    private func move(_ world: MoveWorld, starting: Bool = false) async throws -> ApplyReport {
        try await world.move(prepared: {
            $0.startApplications = starting
            $0.registrations = [ApplicationRegistration(Self.thing, isStashed: true)]
        })
    }

    @Test func itIsMadeWithItsClaimsWhenItIsActivated() async throws {
        let world = try await self.world()
        #expect(try await self.move(world).isComplete)
        #expect(try await world.destination.has("Thing", "shop/queue") == false)
        let map = try await world.destination.object("ConfigMap", Self.map)
        #expect(map.labels["stork.libopenstorage.org/stash-cr"] == "true")
        #expect(map["data", "name"] == "queue")

        let activation = ApplicationActivation(world.destination)
        let lines = ["Updated CR for thing shop/queue"]
        #expect(try await activation.run(.activate, namespaces: ["shop"]).lines == lines)
        let made = try await world.destination.object("Thing", "shop/queue")
        #expect(made["spec"]?.compact == #"{"one":1.0}"#)
        #expect(made["status"] == nil)
        #expect(made.annotations["stork.libopenstorage.org/migrationName"] == "move")
        let claim = try await world.destination.object("PersistentVolumeClaim", "shop/data")
        #expect(claim.ownerReferences == [OwnerReference(to: made)])

        _ = world.destination.requests()
        #expect(try await activation.run(.activate, namespaces: ["shop"]).lines == lines)
        #expect(world.destination.requests().filter(\.isWrite) == [], "it runs already")
    }

    @Test func anEqualOneIsNotWrittenAgainAndARunningOneIsLeftAlone() async throws {
        let world = try await self.world()
        #expect(try await self.move(world).isComplete)
        let first = try await world.destination.object("ConfigMap", Self.map)
        _ = try await ApplicationActivation(world.destination)
            .run(.activate, namespaces: ["shop"])
        let running = try await world.destination.object("Thing", "shop/queue")
        #expect(try await self.move(world).isComplete)
        #expect(try await world.destination.object("ConfigMap", Self.map) == first)
        #expect(try await world.destination.object("Thing", "shop/queue") == running)
    }

    @Test func whoStartsApplicationsGetsTheResourceItself() async throws {
        let world = try await self.world()
        #expect(try await self.move(world, starting: true).isComplete)
        #expect(try await world.destination.has("Thing", "shop/queue"))
        #expect(try await world.destination.has("ConfigMap", Self.map) == false)
    }

    @Test func namesThatWouldBeTooLongStayDifferent() throws {
        let names = try ["a", "b"]
            .map { end in
                let name = "shop/" + String(repeating: "x", count: 240) + end
                let object = try Sample.object("Thing", name)
                return StashedResource(object, claims: []).configMap.name
            }
        #expect(names[0] != names[1])
        #expect(names.allSatisfy { $0.utf8.count <= 253 })
    }

    @Test(arguments: [
        #"{"data":{"cr-runtime-object":"{}"}}"#,
        #"{"metadata":{"labels":{"stork.libopenstorage.org/stash-cr":"true"}}}"#,
        """
        {"metadata":{"labels":{"stork.libopenstorage.org/stash-cr":"true"}},
         "data":{"cr-runtime-object":"{"}}
        """,
    ])
    func otherConfigMapsAreNone(text: String) throws {
        #expect(StashedResource(try Sample.object("ConfigMap", "shop/a", text)) == nil)
    }

    @Test func theRegistrationSaysIt() throws {
        let text = """
            {"resources":[{"group":"example.org","kind":"Thing","stashStrategy":{"stashCR":true}},
             {"group":"example.org","kind":"Other"}]}
            """
        let read = try ApplicationRegistration.read(KubeObject(JSON(parsing: text)))
        #expect(read.map(\.isStashed) == [true, false])
    }
}
