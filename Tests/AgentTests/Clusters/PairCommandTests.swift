// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import godwit

/// Manifests and objects that pair clusters.
@Suite(.serialized) struct PairCommandTests {
    @Test func withoutAnAgentAPlaceIsLeftForTheOptions() async throws {
        try await TestCluster.running { cluster in
            let result = try await cluster.godwit("generate clusterpair remotecluster -n mysql")
            #expect(result.status == 0, "\(result.errors)")
            let pair = KubeObject(try JSON(yaml: result.output))
            #expect(pair.name == "remotecluster" && pair.namespace == "mysql")
            #expect(pair["spec", "options"] == [PairManifest.placeholder: ""])
            #expect(result.errors.contains("--agent"))
            // What it leads to is this cluster.
            let config = try #require(pair["spec", "config"])
            let server = config["clusters"]?.object?.values.first?["server"]?.string
            #expect(server == cluster.client.connection.server)
            let given = try await cluster.output("generate cp a -n mysql -s ip=1.2.3.4,port=9001")
            #expect(
                ClusterPairSpec(try JSON(yaml: given)["spec"]).options
                    == ["ip": "1.2.3.4", "port": "9001"]
            )
            let wrong = try await cluster.godwit("generate clusterpair A_b -n mysql")
            #expect(wrong.status == 64 && wrong.errors.contains("A_b"))
        }
    }

    @Test func theAgentOfTheClusterSaysWhereItsStorageIs() async throws {
        let scratch = try Scratch()
        let agent = try await TestAgent("d", in: scratch.path)
        let (pool, port, token) = (agent.pool, agent.apiPort, try await agent.token())
        try await TestCluster.running { cluster in
            let text = try await cluster.output("generate clusterpair a -n mysql --agent \(pool)")
            let spec = ClusterPairSpec(try JSON(yaml: text)["spec"])
            #expect(
                spec.options == ["ip": "127.0.0.1", "port": "\(port)", "token": token]
            )
        }
        withExtendedLifetime(agent) {}
    }

    @Test func twoClustersArePairedInOneLine() async throws {
        let scratch = try Scratch()
        let token = try scratch.file("token", String(repeating: "ab", count: 64))
        try await TestCluster.running { source in
            try await TestCluster.running { destination in
                let line =
                    "create clusterpair remote -n mysql -u --src-kube-file \(source.kubeconfig) "
                    + "--dest-kube-file \(destination.kubeconfig) --dest-ep 127.0.0.1:9001 "
                    + "--dest-token @\(token) --mode async-dr"
                let created = try await source.output(line)
                #expect(created == "ClusterPair remote created successfully\n")
                let pair = try await source.client.get(
                    ClusterPairNoun.resource,
                    ObjectKey("mysql", "remote")
                )
                let spec = ClusterPairSpec(pair["spec"])
                #expect(spec.options["mode"] == "DisasterRecovery")
                #expect(spec.options["token"]?.count == 128)
                let server = spec.config?["clusters"]?.object?.values.first?["server"]?.string
                #expect(server == destination.client.connection.server)
                // Only one way was asked for.
                #expect(try await destination.output("get cp -A") == "No resources found.\n")
                #expect(try await source.godwit(line).status == 5)
            }
        }
    }

    @Test func aTokenIsNeverAnArgument() async throws {
        let result = try await Command.run(
            "godwit",
            [
                "create", "clusterpair", "a", "--src-kube-file", "a", "--dest-kube-file", "b",
                "--dest-ep", "h", "--dest-token", "abc",
            ]
        )
        #expect(result.status == 64 && result.errors.contains("@FILE"))
    }
}
