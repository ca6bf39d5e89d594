// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import ObjectModel
import Testing

/// The command line of `godwit-controller`, and how a start that cannot work ends.
@Suite(.serialized, .timeLimit(.minutes(15))) struct ControllerProcessTests {
    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    private func run(_ arguments: String...) throws -> Program.Result {
        try Program.run("godwit-controller", arguments, in: self.scratch.path)
    }

    @Test func theDefinitionsComeAsOneStreamOfDocuments() throws {
        let result = try self.run("crds")
        #expect(result.status == 0)
        let documents = try JSON.documents(yaml: result.output)
        #expect(documents.count == StorkKinds.all.count)
        #expect(documents.allSatisfy { $0.json["kind"] == "CustomResourceDefinition" })
    }

    @Test func theDefinitionsComeAsFiles() throws {
        let directory = "\(self.scratch.path)/crds"
        #expect(try self.run("crds", "--output", directory).status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: directory)
        #expect(Set(names) == Set(crdManifests().keys))
    }

    @Test func aStartWithoutAgentsSaysWhatIsMissing() throws {
        let result = try self.run("run", "--embedded", "\(self.scratch.path)/c")
        #expect(result.status == 78)
        #expect(result.errors.contains("No agent is given."))
        #expect(result.errors.contains("--agent"))
    }

    @Test func aKubeconfigThatIsNotThereIsNamed() throws {
        let path = "\(self.scratch.path)/nowhere"
        let result = try self.run("run", "--kubeconfig", path, "--agent", self.scratch.path)
        #expect(result.status == 78)
        #expect(result.errors.contains(path))
    }

    @Test(arguments: ["127.0.0.1", ":6443", "127.0.0.1:many", "127.0.0.1:70000"])
    func anAddressThatIsNoneIsNamed(text: String) throws {
        let result = try self.run(
            "run",
            "--embedded",
            "\(self.scratch.path)/c",
            "--agent",
            self.scratch.path,
            "--listen",
            text
        )
        #expect(result.status == 78)
        #expect(result.errors.contains("'\(text)' is not an address"))
    }

    @Test func agentsFromAfarNeedACertificate() throws {
        let result = try self.run("run", "--agent", "https://127.0.0.1:9002")
        #expect(result.status == 78)
        #expect(result.errors.contains("--agent-tls"))
    }

    @Test func optionsThatExcludeEachOtherAreRefused() throws {
        let result = try self.run("run", "--embedded", "a", "--kubeconfig", "b", "--agent", "c")
        #expect(result.status == 64)
        #expect(result.errors.contains("exclude each other"))
    }

    @Test func itTellsItsStatisticsWhenItIsAskedForThem() async throws {
        let program = try Program(
            "godwit-controller",
            ["run", "--embedded", "\(self.scratch.path)/c", "--agent", self.scratch.path]
        )
        _ = try await program.logged("controllers ready")
        program.signal(SIGUSR1)
        let told = try await program.logged("statistics")
        #expect(told["own.list"] == "9", "one list for each kind that is watched")
        #expect(program.stop() == 0, "\(program.log)")
    }

    @Test func aStopEndsItWithSuccess() async throws {
        let program = try Program(
            "godwit-controller",
            ["run", "--embedded", "\(self.scratch.path)/c", "--agent", self.scratch.path]
        )
        _ = try await program.logged("controllers ready")
        #expect(program.stop() == 0, "\(program.log)")
    }
}
