// SPDX-License-Identifier: Apache-2.0

import ControlPlane
import KubernetesClient
import ObjectModel
import Testing

@Suite struct ApplicationActivationTests {
    private func migrated() async throws -> MoveWorld {
        let world = try await MoveWorld()
        try await world.source.add(try MoveWorld.application())
        let job =
            #"{"template":{"spec":{"containers":[{"name":"c","image":"i"}],"restartPolicy":"Never"}}}"#
        for (name, suspend) in [("nightly", ""), ("paused", #","suspend":true"#)] {
            let spec =
                #"{"spec":{"schedule":"0 0 * * *"\#(suspend),"jobTemplate":{"spec":\#(job)}}}"#
            try await world.source.add(try Sample.object("CronJob", "shop/\(name)", spec))
        }
        #expect(try await world.move().isComplete)
        return world
    }

    @Test func applicationsStartAsTheyWere() async throws {
        let world = try await self.migrated()
        let activation = ApplicationActivation(world.destination)
        let expected = [
            "Updated replicas for statefulset shop/db to 1",
            "Updated replicas for deployment shop/web to 3",
            "Updated suspend option for cronjob shop/nightly to false",
            "Updated suspend option for cronjob shop/paused to true",
        ]
        let result = try await activation.run(.activate, namespaces: ["shop"])
        #expect(result.lines == expected && result.failures == [])
        let web = try await world.destination.object("Deployment", "shop/web")
        #expect(web["spec", "replicas"] == 3)
        _ = world.destination.requests()
        #expect(try await activation.run(.activate, namespaces: nil).lines == expected)
        #expect(world.destination.requests().filter(\.isWrite) == [])
        let stopped = try await activation.run(.deactivate, namespaces: ["shop"])
        #expect(
            stopped.lines == [
                "Updated replicas for statefulset shop/db to 0",
                "Updated replicas for deployment shop/web to 0",
                "Updated suspend option for cronjob shop/nightly to true",
                "Updated suspend option for cronjob shop/paused to true",
            ]
        )
        #expect(try await activation.run(.activate, namespaces: ["shop"]).lines == expected)
    }

    @Test func whatWasNeverMigratedIsNotTouched() async throws {
        let world = try await MoveWorld()
        try await world.source.add(try MoveWorld.application())
        _ = world.source.requests()
        for direction in [ApplicationActivation.Direction.activate, .deactivate] {
            let result = try await ApplicationActivation(world.source)
                .run(direction, namespaces: nil)
            #expect(result == ActivationResult())
        }
        #expect(world.source.requests().filter(\.isWrite) == [])
    }

    @Test func oneThatMayNotBeChangedDoesNotHoldTheOthersBack() async throws {
        let world = try await self.migrated()
        world.destination.fails { request in
            request.isWrite && request.kind == "StatefulSet"
                ? .before(ClusterError(.forbidden, "no")) : nil
        }
        let result = try await ApplicationActivation(world.destination)
            .run(.activate, namespaces: ["shop"])
        #expect(result.lines.contains("Updated replicas for deployment shop/web to 3"))
        #expect(result.failures == ["statefulset shop/db: Error from server (Forbidden): no"])
    }
}
