// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel
import TestSupport
import Testing

@testable import godwit

/// The pairing and migration of the documents, line by line, against an embedded cluster.
@Suite(
    .enabled(if: SeedDocuments.areThere, "the seed documents are not beside this checkout"),
    .serialized
)
struct SeedRunTests {
    @Test func theCommandLinesOfTheDocumentsRunAndShowTheirColumns() async throws {
        let commands = try Seeds.commands(of: "storkctl")
        let scratch = try Scratch()
        let link = "\(scratch.path)/storkctl"
        try FileManager.default.createSymbolicLink(
            atPath: link,
            withDestinationPath: "\(Command.directory)/godwit"
        )
        try await TestCluster.running { cluster in
            let namespace = """
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "migrationnamespace"}}
                """
            try await cluster.output("apply -f -", input: namespace)
            for words in commands {
                let result = try await Command.run(
                    link,
                    Array(words.dropFirst()),
                    environment: ["KUBECONFIG": cluster.kubeconfig, "GODWIT_AGENT": "/nowhere"]
                )
                #expect(result.status == 0, "\(words): \(result.errors)")
                switch words.dropFirst().first {
                case "generate":
                    try await cluster.output("apply -f -", input: result.output)
                case "create":
                    #expect(result.output == "Migration mysqlmigration created successfully\n")
                    // Hints are for the name that was typed.
                    #expect(result.errors.contains("storkctl get migration"))
                case _: #expect(!result.output.isEmpty)
                }
            }
            let documented = try Seeds.table(["NAME", "CLUSTERPAIR"])[0]
            let shown = try await cluster.table("get migration -n migrationnamespace")
            #expect(shown[0].starts(with: documented))
            #expect(shown[1].starts(with: ["mysqlmigration", "remotecluster"]))
        }
    }

    @Test func pxctlShowsTheTokenAndNothingElse() async throws {
        let scratch = try Scratch()
        let agent = try await TestAgent("d", in: scratch.path)
        let link = "\(scratch.path)/pxctl"
        try FileManager.default.createSymbolicLink(
            atPath: link,
            withDestinationPath: "\(Command.directory)/godwit"
        )
        for words in try Seeds.commands(of: "pxctl") {
            let result = try await Command.run(
                link,
                Array(words.dropFirst()),
                environment: ["GODWIT_AGENT": agent.pool]
            )
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.wholeMatch(of: /Token is [0-9a-f]{128}\n/) != nil)
        }
        let other = try await Command.run(link, ["volume", "list"])
        #expect(other.status == 64 && other.errors.contains("cluster token show"))
    }
}
