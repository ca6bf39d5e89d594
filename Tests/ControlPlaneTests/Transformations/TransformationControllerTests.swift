// SPDX-License-Identifier: Apache-2.0

import Kinds
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

/// What the controller writes about a transformation, and when it tries again.
@Suite struct TransformationControllerTests {
    private let stage = ControllerStage()
    private let cluster: StoreCluster
    private let controller: TransformationController
    private let key = ObjectKey("shop", "change")

    init() async throws {
        self.cluster = try await StoreCluster()
        try await self.cluster.namespace("shop")
        try await self.cluster.add(Sample.object("ConfigMap", "shop/settings"))
        self.controller = self.stage.transformationController(trying: self.cluster)
    }

    private func put(_ operation: String) throws {
        let text = """
            {"apiVersion":"stork.libopenstorage.org/v1alpha1","kind":"ResourceTransformation",
             "metadata":{"name":"change","namespace":"shop"},"specs":{"transformSpecs":[
             {"resource":"/v1/ConfigMap","paths":[
             {"path":"data.a","operation":"\(operation)","type":"string","value":"1"}]}]}}
            """
        self.stage.cluster.put(
            StorkResource.resourceTransformations,
            KubeObject(try JSON(parsing: text))
        )
    }

    private var status: JSON? {
        self.stage.cluster.find(StorkResource.resourceTransformations, self.key)?["status"]
    }

    @Test func whatCanBeUsedIsReadyAndIsWrittenOnce() async throws {
        try self.put("add")
        #expect(try await self.controller.reconcile(self.key) == .onChange)
        #expect(self.status?["status"] == "Ready")
        #expect(self.status?["observedGeneration"] == 1)
        let condition = self.status?["conditions"]?.array?.first
        #expect(condition?["type"] == "Ready" && condition?["status"] == "True")
        #expect(self.status?["resources"]?.array?.first?["name"] == "settings")
        let writes = self.stage.cluster.state.withLock { $0.writes }
        #expect(try await self.controller.reconcile(self.key) == .onChange)
        #expect(self.stage.cluster.state.withLock { $0.writes } == writes)
        #expect(self.stage.notices.withLock { $0.map(\.reason) } == ["Ready"])
    }

    @Test func whatCannotBeUsedIsTriedAgainAfterAMinute() async throws {
        try self.put("jsonpatch")
        #expect(try await self.controller.reconcile(self.key) == .after(.seconds(60)))
        #expect(self.status?["status"] == "Failed")
        let notice = self.stage.notices.withLock { $0.last }
        #expect(notice?.isWarning == true && notice?.reason == "Failed")
        #expect(notice?.message.contains("json patch for resources is not supported") == true)
        self.stage.seconds.withLock { $0 += 20 }
        #expect(try await self.controller.reconcile(self.key) == .after(.seconds(40)))
        self.stage.seconds.withLock { $0 += 41 }
        let writes = self.stage.cluster.state.withLock { $0.writes }
        #expect(try await self.controller.reconcile(self.key) == .after(.seconds(60)))
        #expect(
            self.stage.cluster.state.withLock { $0.writes } == writes,
            "the same is not written"
        )
        #expect(self.stage.notices.withLock { $0.count } == 1)
    }

    @Test func aCorrectedOneIsTriedAtOnce() async throws {
        try self.put("jsonpatch")
        _ = try await self.controller.reconcile(self.key)
        try self.put("add")
        self.stage.cluster.state.withLock { state in
            for path in state.objects.keys where path.hasSuffix("shop/change") {
                state.objects[path]?.set(2, at: "metadata", "generation")
            }
        }
        #expect(try await self.controller.reconcile(self.key) == .onChange)
        #expect(self.status?["status"] == "Ready")
    }
}
