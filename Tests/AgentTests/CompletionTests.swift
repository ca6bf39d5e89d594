// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Testing

@testable import godwit

/// What shells offer: the names that the agent has, and nothing where something is wrong.
@Suite(.serialized) struct CompletionTests {
    private let scratch: Scratch

    init() throws { self.scratch = try Scratch() }

    /// What bash offers for the last word of a line, with the script that we print.
    private func offered(
        _ words: [String],
        agent: String
    ) async throws -> (offers: [String], errors: String) {
        let line = words.map { "'\($0)'" }.joined(separator: " ")
        let script = """
            source <('\(Command.directory)/godwit' completion bash)
            PATH='\(Command.directory)':$PATH
            COMP_WORDS=(\(line)); COMP_CWORD=\(words.count - 1)
            COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9
            _godwit godwit "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let result = try await Command.run(
            "/bin/bash",
            ["-c", script],
            environment: ["GODWIT_AGENT": agent]
        )
        #expect(result.status == 0, "\(result.errors)")
        let offers = result.output.split(separator: "\n")
            .map { $0.trimmingCharacters(in: .whitespaces) }
        return (offers.sorted(), result.errors)
    }

    @Test func namesOfVolumesAndPairsAndIdentitiesOfTransfersAreOffered() async throws {
        let (source, destination) = try await TestAgent.paired(in: self.scratch.path)
        for name in ["alpha", "beta"] {
            try await source.createVolume(name, size: "1MiB")
        }
        let sent = try await source.replicate("alpha")
        let ids = [sent.transfer]
        for (words, expected) in [
            (["godwit", "volume", "show", ""], ["alpha", "beta"]),
            (["godwit", "volume", "delete", "b"], ["beta"]),
            (["godwit", "replicate", "alpha", "--to", ""], ["remote"]),
            (["godwit", "pair", "show", "rem"], ["remote"]),
            (["godwit", "transfer", "show", ""], ids),
            // It has ended: there is nothing to cancel.
            (["godwit", "transfer", "cancel", ""], []),
        ] {
            let found = try await self.offered(words, agent: source.pool)
            let names = found.offers.filter { !$0.hasPrefix("-") && $0 != "help" }
            #expect(names == expected.sorted(), "\(words)")
            #expect(found.errors.isEmpty)
        }
        // The destination does not send: its volume is there, and not offered for sending.
        let there = try await self.offered(
            ["godwit", "volume", "show", ""],
            agent: destination.pool
        )
        #expect(there.offers.contains("alpha"))
        let from = try await self.offered(["godwit", "replicate", ""], agent: destination.pool)
        #expect(!from.offers.contains("alpha"))
        // Behind the command, --agent says more than the variable.
        let other = try await self.offered(
            ["godwit", "volume", "show", "--agent", source.pool, "b"],
            agent: destination.pool
        )
        #expect(other.offers.contains("beta"))
    }

    @Test(arguments: ["/nowhere", "/etc/passwd", ""])
    func whereNoAgentAnswersNothingIsOfferedAndNothingSaid(agent: String) async throws {
        let found = try await self.offered(["godwit", "volume", "show", ""], agent: agent)
        #expect(found.offers.allSatisfy { $0.isEmpty || $0.hasPrefix("-") }, "\(found.offers)")
        #expect(found.errors.isEmpty)
    }

    @Test func theAgentOfALineIsTheLastThatWasTyped() {
        #expect(Completions.location(in: ["godwit", "--agent", "/a", "volume"]) == "/a")
        #expect(Completions.location(in: ["godwit", "volume", "--agent=/b", "x"]) == "/b")
        #expect(Completions.location(in: ["--agent", "/a", "--agent", "/b"]) == "/b")
    }
}
