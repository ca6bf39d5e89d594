// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

/// Commands in pods as far as an API server takes part in them: there are no kubelets here.
@Suite(
    .enabled(if: TestClusters.areGiven, TestClusters.reason),
    .timeLimit(.minutes(10))
)
struct ExecRefusalTests {
    private let cluster: TestCluster

    init() throws { self.cluster = try TestClusters().a }

    private func refusal(_ kubeconfig: String, _ pod: ObjectKey) async throws -> ClusterError {
        let environment = ClientEnvironment.live(variables: [:])
        let client = try KubernetesClient(
            try Kubeconfig.load(path: kubeconfig, environment: environment).connection(),
            environment: environment
        )
        let error = await #expect(throws: ClusterError.self) {
            try await client.run(["true"], inPod: pod, container: "main")
        }
        await client.shutdown()
        return try #require(error)
    }

    private func pod(in namespace: String) throws -> ObjectKey {
        let pod = """
            apiVersion: v1
            kind: Pod
            metadata: {name: db-0, namespace: \(namespace)}
            spec:
              automountServiceAccountToken: false
              containers: [{name: main, image: example/db}]
            """
        try eventually("the namespace has its account, without which no pod is taken") {
            (try? self.cluster.apply(pod)) != nil
        }
        return ObjectKey(namespace, "db-0")
    }

    @Test func aPodWithoutANodeAndOneThatIsNotThereAreToldApart() async throws {
        let namespace = try self.cluster.newNamespace()
        let admin = self.cluster.kubeconfig(of: .admin)
        let gone = try await self.refusal(admin, ObjectKey(namespace, "db-0"))
        #expect(gone.reason == .notFound && gone.message.contains("db-0"), "\(gone)")
        let waiting = try await self.refusal(admin, try self.pod(in: namespace))
        #expect(waiting.reason == .badRequest, "\(waiting)")
        #expect(waiting.message.contains("does not have a host assigned"), "\(waiting)")
    }

    @Test func whoeverHasNoRightIsTold() async throws {
        let namespace = try self.cluster.newNamespace()
        try self.cluster.kubectl("create", "serviceaccount", "nobody", "-n", namespace)
        let text = try self.cluster.kubeconfig(ofAccount: "nobody", in: namespace)
        let place = try TemporaryDirectory()
        let file = "\(place.path)/kubeconfig"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        let error = try await self.refusal(file, try self.pod(in: namespace))
        #expect(error.reason == .forbidden && error.message.contains("pods/exec"), "\(error)")
    }
}
