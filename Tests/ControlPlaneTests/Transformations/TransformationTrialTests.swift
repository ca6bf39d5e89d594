// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// A transformation tried on the objects of an embedded cluster's store.
@Suite struct TransformationTrialTests {
    private func cluster() async throws -> StoreCluster {
        let cluster = try await StoreCluster()
        try await cluster.namespace("shop")
        try await cluster.namespace("other")
        try await cluster.add(MoveWorld.application())
        try await cluster.add(Sample.object("ConfigMap", "other/settings"))
        return cluster
    }

    private func transformation(_ resource: String, _ path: String) throws -> KubeObject {
        let text = """
            {"apiVersion":"stork.libopenstorage.org/v1alpha1","kind":"ResourceTransformation",
             "metadata":{"name":"change","namespace":"shop"},"specs":{"transformSpecs":[
             {"resource":"\(resource)","paths":[\(path)]}]}}
            """
        return KubeObject(try JSON(parsing: text))
    }

    private func verdict(
        _ cluster: StoreCluster,
        _ resource: String,
        _ path: String
    ) async throws -> TransformationVerdict {
        let object = try self.transformation(resource, path)
        return try await TransformationTrial(cluster: cluster).verdict(on: object)
    }

    @Test func whatFitsIsReadyAndNothingIsWritten() async throws {
        let cluster = try await self.cluster()
        let before = try await cluster.object("Deployment", "shop/web")
        _ = cluster.requests()
        let verdict = try await self.verdict(
            cluster,
            "apps/v1/Deployment",
            #"{"path":"spec.replicas","operation":"modify","type":"int","value":"5"}"#
        )
        #expect(verdict.isReady)
        #expect(verdict.tried.map(\.key) == [ObjectKey("shop", "web")])
        #expect(cluster.requests().filter(\.isWrite).map(\.verb) == ["rehearse"])
        #expect(try await cluster.object("Deployment", "shop/web") == before)
        #expect(try await cluster.has("Deployment", "shop/godwit-transformation-trial") == false)
    }

    @Test func onlyTheOwnNamespaceIsLookedAt() async throws {
        let verdict = try await self.verdict(
            try await self.cluster(),
            "/v1/ConfigMap",
            #"{"path":"data.a","operation":"add","type":"string","value":"2"}"#
        )
        #expect(verdict.tried.map(\.key) == [ObjectKey("shop", "settings")])
    }

    @Test func aPathThatLeadsNowhereIsTheRefusalOfThatObject() async throws {
        let verdict = try await self.verdict(
            try await self.cluster(),
            "apps/v1/Deployment",
            #"{"path":"spec.replicas.deep","operation":"add","type":"int","value":"5"}"#
        )
        #expect(!verdict.isReady && verdict.fault == nil)
        #expect(verdict.refusals.first?.refusal?.contains("spec.replicas.deep") == true)
        #expect(verdict.finding.reason == "ObjectsRefused")
        #expect(verdict.finding.message.contains("Deployment shop/web"))
    }

    @Test func aKindThatIsNotServedIsNamed() async throws {
        let verdict = try await self.verdict(
            try await self.cluster(),
            "example.com/v1/Nothing",
            #"{"path":"spec.a","operation":"delete"}"#
        )
        #expect(verdict.fault?.reason == .kindMissing)
        #expect(verdict.fault?.message.contains("example.com/v1/Nothing") == true)
    }

    @Test func whatCannotBeReadIsAFaultOfTheTransformation() async throws {
        let verdict = try await self.verdict(
            try await self.cluster(),
            "apps/v1/Deployment",
            #"{"path":"spec.replicas","operation":"modify","type":"int","value":"many"}"#
        )
        #expect(verdict.fault?.reason == .invalidOptions)
        #expect(verdict.fault?.message.contains("\"many\"") == true)
    }

    @Test func whatTheServerRefusesIsSaidInItsWords() async throws {
        let cluster = try await self.cluster()
        cluster.fails { request in
            request.verb == "rehearse" ? .before(ClusterError(.invalid, "no such class")) : nil
        }
        let verdict = try await self.verdict(
            cluster,
            "apps/v1/Deployment",
            #"{"path":"spec.replicas","operation":"modify","type":"int","value":"5"}"#
        )
        #expect(verdict.refusals.map(\.refusal) == ["no such class"])
    }

    @Test func aServerThatDoesNotLetUsTryIsNoRefusal() async throws {
        let cluster = try await self.cluster()
        cluster.fails { request in
            guard request.verb == "rehearse" else { return nil }
            let words = "deployments.apps is forbidden: User \"c\" cannot create resource"
            return .before(ClusterError(.forbidden, words))
        }
        let verdict = try await self.verdict(
            cluster,
            "apps/v1/Deployment",
            #"{"path":"spec.replicas","operation":"modify","type":"int","value":"5"}"#
        )
        #expect(verdict.isReady)
        #expect(verdict.tried.first?.remark.contains("Not tried on the server") == true)
    }

    @Test func aServerThatDoesNotAnswerSaysNothingAboutTheTransformation() async throws {
        let cluster = try await self.cluster()
        cluster.fails { request in
            request.verb == "rehearse" ? .before(ClusterError(.unreachable, "gone")) : nil
        }
        await #expect(throws: ClusterError.self) {
            try await self.verdict(
                cluster,
                "apps/v1/Deployment",
                #"{"path":"spec.replicas","operation":"modify","type":"int","value":"5"}"#
            )
        }
    }

    @Test func aPortOfTheNodesThatIsTakenByTheObjectItselfIsInNobodysWay() async throws {
        let cluster = try await self.cluster()
        try await cluster.add(
            Sample.object(
                "Service",
                "shop/outside",
                #"{"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":30080}]}}"#
            )
        )
        let verdict = try await self.verdict(
            cluster,
            "/v1/Service",
            #"{"path":"metadata.labels.tier","operation":"add","type":"string","value":"x"}"#
        )
        #expect(verdict.isReady, "\(verdict)")
        #expect(verdict.tried.count == 2)
    }
}
