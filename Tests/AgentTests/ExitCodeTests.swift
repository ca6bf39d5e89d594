// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Testing

/// Every exit code that this release can produce, from the real commands (docs/cli.md).
@Suite(.serialized) struct ExitCodeTests {
    private let scratch: Scratch

    init() throws { self.scratch = try Scratch() }

    private func godwit(_ arguments: String...) async throws -> CommandResult {
        try await Command.run("godwit", arguments)
    }

    @Test(arguments: [
        ["volum"], ["volume", "lst"], ["volume", "create", "x"],
        ["volume", "create", "x", "--size", "1GiB", "--from", "y"],
        ["volume", "create", "x", "--size", "ten"], ["volume", "create", "x", "--size", "10GB"],
        ["volume", "create", "x", "--size", "1GiB", "--frozen"], ["replicate", "x"],
        ["replicate", "--to", "y"], ["replicate", "a", "a", "--to", "y"],
        ["replicate", "a", "--to", "y", "--streams", "17"],
        ["replicate", "a", "--to", "y", "--limit", "5"],
        ["replicate", "a", "--to", "y", "--codec", "zip"],
        ["replicate", "a", "--to", "y", "--full", "twice"],
        ["transfer", "limit", "id", "fast"], ["volume", "list", "-o", "xml"],
        ["volume", "list", "--frobnicate"], ["completion", "tcsh"],
        ["pair", "create", "x", "--ip", "1.2.3.4", "--token", "abc"],
        ["pair", "create", "x", "--ip", "1.2.3.4", "--port", "0", "--token", "-"],
    ])
    func wrongUsageIs64(arguments: [String]) async throws {
        let result = try await Command.run("godwit", arguments)
        #expect(result.status == 64, "\(arguments): \(result.errors)")
        #expect(result.output.isEmpty)
        #expect(!result.errors.isEmpty)
        #expect(!result.errors.contains("\u{1b}"))
    }

    @Test func theLastLineIsJSONWhenJSONWasAsked() async throws {
        struct ExitError: Decodable {
            let type: String
            let id: String
            let code: Int
        }
        for (arguments, code) in [
            (["--agent", "/nowhere", "volume", "list", "-o", "json"], 10),
            (["volume", "create", "x", "-o", "json"], 64),
        ] {
            let result = try await Command.run("godwit", arguments)
            #expect(Int(result.status) == code)
            let line = try #require(result.errors.split(separator: "\n").last)
            let error = try JSONDecoder().decode(ExitError.self, from: Data(line.utf8))
            #expect(error.type == "exit_error" && error.code == code && error.id.hasPrefix("GW"))
        }
    }

    @Test func aResultThatCannotBeWrittenIsNoSuccess() async throws {
        let line = "'\(Command.directory)/godwit' version -o json >/dev/full"
        let full = try await Command.run("/bin/sh", ["-c", line])
        #expect(full.status == 1)
        #expect(full.errors.contains("GW4003"))
    }

    @Test func doneIs0() async throws {
        #expect(try await self.godwit("version").output == "godwit \(Release.version)\n")
        #expect(try await self.godwit("--help").status == 0)
        for shell in ["bash", "zsh", "fish"] {
            let result = try await self.godwit("completion", shell)
            #expect(result.status == 0 && result.output.contains("godwit"))
        }
    }

    @Test func noAgentIs10() async throws {
        let result = try await self.godwit("--agent", self.scratch.path, "volume", "list")
        #expect(result.status == 10)
        #expect(result.errors.contains("godwit-agent run --pool"))
    }

    @Test func aDeadPeerIs10() async throws {
        let agent = try await TestAgent("s", in: self.scratch.path)
        let result = try await agent.godwit(
            "pair",
            "create",
            "x",
            "--ip",
            "127.0.0.1",
            "--port",
            "1",
            "--token",
            "-",
            input: String(repeating: "ab", count: 64)
        )
        #expect(result.status == 10, "\(result.errors)")
    }

    @Test func notThereIs4AndThereAlreadyIs5() async throws {
        let agent = try await TestAgent("s", in: self.scratch.path)
        for arguments in [
            ["volume", "show", "x"], ["volume", "export", "x", "--to", "/tmp/never"],
            ["pair", "show", "x"], ["transfer", "show", "x"], ["transfer", "cancel", "x"],
            ["replicate", "x", "--to", "y"], ["volume", "delete", "x", "--yes"],
            ["pair", "delete", "x", "--yes"], ["volume", "verify", "x"],
        ] {
            let result = try await Command.run("godwit", ["--agent", agent.pool] + arguments)
            #expect(result.status == 4, "\(arguments): \(result.errors)")
        }
        #expect(try await agent.godwit("volume", "create", "db", "--size", "1MiB").status == 0)
        #expect(try await agent.godwit("volume", "create", "db", "--size", "1MiB").status == 5)
        let near = try await agent.godwit("volume", "show", "dbb")
        #expect(near.errors.contains("did you mean db?"))
    }

    @Test func destructiveCommandsWantYesWhereNobodyCanBeAsked() async throws {
        let agent = try await TestAgent("s", in: self.scratch.path)
        let token = try await agent.token()
        try await agent.createVolume("db", size: "1MiB")
        for arguments in [
            ["volume", "delete", "db"], ["cluster", "token", "reset"], ["pair", "delete", "x"],
        ] {
            let result = try await Command.run("godwit", ["--agent", agent.pool] + arguments)
            #expect(result.status == 64)
            #expect(result.errors.contains("--yes"))
        }
        #expect(try await agent.token() == token)
        #expect(try await agent.value([VolumeInfo].self, "volume", "list").count == 1)
        #expect(try await agent.godwit("volume", "delete", "db", "--yes").status == 0)
    }

    @Test func badNamesAndFilesAreRefused() async throws {
        let agent = try await TestAgent("s", in: self.scratch.path)
        for name in ["../x", "A", "a b", "", "-a", String(repeating: "a", count: 300)] {
            let result = try await Command.run(
                "godwit",
                ["--agent", agent.pool, "volume", "create", "--size", "1MiB", "--", name]
            )
            #expect(result.status == 64, "\(name): \(result.errors)")
        }
        let missing = try await agent.godwit("volume", "create", "a", "--from", "/nowhere")
        #expect(missing.status == 64 && missing.errors.contains("/nowhere"))
        let attached = try await agent.godwit("volume", "create", "a", "--attach", "/nowhere")
        #expect(attached.status == 64)
        #expect(try await agent.value([VolumeInfo].self, "volume", "list").isEmpty)
    }

    @Test func anAttachedFileWithoutSnapshotsIsRefusedWithTheWaysOut() async throws {
        // tmpfs has no reflink.
        let file = "/dev/shm/godwit-\(UUID().uuidString.prefix(8))"
        try Data(count: 65_536).write(to: URL(fileURLWithPath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let agent = try await TestAgent("s", in: self.scratch.path)
        let refused = try await agent.godwit("volume", "create", "a", "--attach", file)
        #expect(refused.status == 5)
        for way in ["--frozen", "XFS", "--from"] { #expect(refused.errors.contains(way)) }
        #expect(
            try await agent.godwit("volume", "create", "a", "--attach", file, "--frozen").status
                == 0
        )
    }

    @Test func failedInPartIs3AndFailedIs1() async throws {
        let (source, destination) = try await self.pairWithTwoVolumes()
        // What is shrunk without the flag is refused there; the other one passes.
        let result = try await source.godwit("replicate", "a", "b", "--to", "remote", "-o", "json")
        #expect(result.status == 3, "\(result.errors)")
        let reports: [TransferReport] = try result.json()
        #expect(reports.filter { $0.error == nil }.map(\.volume) == ["b"])
        #expect(reports.first { $0.volume == "a" }?.error?.id == .shrinkNotAllowed)
        let alone = try await source.godwit("replicate", "a", "--to", "remote")
        #expect(alone.status == 5)
        let allowed = try await source.godwit(
            "replicate",
            "a",
            "--to",
            "remote",
            "--allow-shrink"
        )
        #expect(allowed.status == 0, "\(allowed.errors)")
        _ = destination
    }

    private func pairWithTwoVolumes() async throws -> (TestAgent, TestAgent) {
        let (source, destination) = try await TestAgent.paired(in: self.scratch.path)
        for name in ["a", "b"] {
            let image = try self.scratch.random(name, bytes: 300_000, seed: 3)
            try await source.createVolume(name, from: image)
        }
        let first = try await source.godwit("replicate", "a", "b", "--to", "remote")
        try #require(first.status == 0, "\(first.errors)")
        let volume = try await source.value(VolumeInfo.self, "volume", "show", "a")
        try #require(truncate(try #require(volume.path), 100_000) == 0)
        return (source, destination)
    }

    @Test func differentContentsAre8() async throws {
        let (source, destination) = try await self.pairWithTwoVolumes()
        let volume = try await destination.value(VolumeInfo.self, "volume", "show", "b")
        let found = try await Command.run(
            "/usr/bin/find",
            ["\(destination.pool)/volumes/\(volume.id)", "-name", "image"]
        )
        let image = try #require(found.output.split(separator: "\n").first.map(String.init))
        let handle = try #require(FileHandle(forWritingAtPath: image))
        try handle.seek(toOffset: 70_000)
        try handle.write(contentsOf: Data([1, 2, 3, 4]))
        try handle.close()
        let result = try await source.godwit("volume", "verify", "b", "--against", "remote")
        #expect(result.status == 8, "\(result.errors)")
        #expect(result.output.contains("DIFFERENT"))
        #expect(try await destination.godwit("volume", "verify", "b").status == 8)
        // And the way out that the message names works.
        let healed = try await source.godwit(
            "replicate",
            "b",
            "--to",
            "remote",
            "--full",
            "verify"
        )
        #expect(healed.status == 0, "\(healed.errors)")
        #expect(
            try await source.godwit("volume", "verify", "b", "--against", "remote").status == 0
        )
    }

    @Test func waitingTooLongIs7AndInterruptedIs130WithTheWayBack() async throws {
        let (source, destination) = try await TestAgent.paired(in: self.scratch.path)
        let image = try self.scratch.random("image", bytes: 8 << 20, seed: 4)
        try await source.createVolume("db", from: image)
        let late = try await source.godwit(
            "replicate",
            "db",
            "--to",
            "remote",
            "--limit",
            "100KiB/s",
            "--timeout",
            "1"
        )
        #expect(late.status == 7, "\(late.errors)")
        let line = try #require(late.errors.split(separator: "\n").last { $0.contains("--follow") })
        let id = try #require(line.split(separator: " ").dropLast().last.map(String.init))
        let watching = try Command.start(
            "godwit",
            ["--agent", source.pool, "transfer", "show", id, "--follow"]
        )
        // The first line about progress comes when Ctrl-C is already taken care of.
        _ = try await watching.lines.first { $0.text.hasPrefix("db ") }
        watching.signal(SIGINT)
        let stopped = try await watching.result()
        #expect(stopped.status == 130)
        #expect(stopped.errors.contains("transfer show \(id) --follow"))
        let running = try await source.value(TransferInfo.self, "transfer", "show", id)
        #expect(running.state == .running)
        #expect(try await source.godwit("transfer", "limit", id, "none").status == 0)
        #expect(
            try await source.godwit("transfer", "show", id, "--follow").status == 0
        )
        #expect(try await source.godwit("transfer", "cancel", id).status == 5)
        _ = destination
    }

    @Test func aCancelledTransferIs1AndTheNextOneFinishes() async throws {
        let (source, destination) = try await TestAgent.paired(in: self.scratch.path)
        let image = try self.scratch.random("image", bytes: 8 << 20, seed: 5)
        try await source.createVolume("db", from: image)
        let accepted = try await source.beginReplicating("db", "--limit", "100KiB/s")
        let watching = try Command.start(
            "godwit",
            ["--agent", source.pool, "transfer", "show", accepted.id, "--follow"]
        )
        #expect(try await source.godwit("transfer", "cancel", accepted.id).status == 0)
        #expect(try await watching.result().status == 1)
        let state = try await source.value(TransferInfo.self, "transfer", "show", accepted.id)
        #expect(state.state == .cancelled)
        #expect(try await source.godwit("replicate", "db", "--to", "remote").status == 0)
        _ = destination
    }

    // MARK: - Starting an agent

    @Test func aSecondAgentOnAPoolIsRefused() async throws {
        let agent = try await TestAgent("s", in: self.scratch.path)
        let result = try await Command.run(
            "godwit-agent",
            ["run", "--pool", agent.pool, "--data", "127.0.0.1:0", "--api", "127.0.0.1:0"]
        )
        #expect(result.status == 5)
        #expect(result.errors.contains("GW5002"))
        #expect(try await agent.godwit("volume", "list").status == 0)
    }

    @Test func aPortInUseIsToldWithTheAddress() async throws {
        let agent = try await TestAgent("s", in: self.scratch.path)
        for (data, api) in [
            (agent.version.data, "127.0.0.1:0"), ("127.0.0.1:0", agent.version.api),
        ] {
            let taken = [data, api].compactMap(\.self).first { !$0.hasSuffix(":0") } ?? ""
            let result = try await Command.run(
                "godwit-agent",
                [
                    "run", "--pool", "\(self.scratch.path)/other", "--data", data ?? "", "--api",
                    api ?? "",
                ]
            )
            #expect(result.status == 5, "\(result.errors)")
            #expect(result.errors.contains("GW5003") && result.errors.contains(taken))
        }
    }

    @Test func aWrongConfigurationIs78() async throws {
        let file = try self.scratch.file("a.yaml", "pool: x\nlimit:\n  threads: 4\n")
        let unknown = try await Command.run("godwit-agent", ["run", "--config", file])
        #expect(unknown.status == 78)
        #expect(unknown.errors.contains("\(file):2:1"))
        #expect(unknown.errors.contains("did you mean 'limits'?"))
        #expect(try await Command.run("godwit-agent", ["run"]).status == 78)
        #expect(
            try await Command
                .run(
                    "godwit-agent",
                    ["run", "--pool", self.scratch.path + "/p", "--data", "nonsense"]
                )
                .status == 78
        )
        #expect(try await Command.run("godwit-agent", ["rum"]).status == 64)
        let long = self.scratch.path + "/" + String(repeating: "x", count: 120)
        let tooLong = try await Command.run("godwit-agent", ["run", "--pool", long])
        #expect(tooLong.status == 78 && tooLong.errors.contains("107"))
    }

    @Test func aPoolThatCannotBeWrittenOrIsOfALaterReleaseIs78() async throws {
        let unwritable = try await Command.run("godwit-agent", ["run", "--pool", "/proc/godwit"])
        #expect(unwritable.status == 78, "\(unwritable.errors)")
        #expect(unwritable.errors.contains("GW5004"))
        let foreign = try await Command.run("godwit-agent", ["run", "--pool", "/etc"])
        #expect(foreign.status == 78)
        let agent = try await TestAgent("s", in: self.scratch.path)
        _ = try await agent.stop()
        let record = "\(agent.pool)/pool.json"
        let text = try String(contentsOfFile: record, encoding: .utf8)
        try text.replacing("created", with: "creaxed")
            .write(
                toFile: record,
                atomically: true,
                encoding: .utf8
            )
        let damaged = try await Command.run("godwit-agent", ["run", "--pool", agent.pool])
        #expect(damaged.status == 1 && damaged.errors.contains("GW4005"))
    }

    @Test func aLostOrDamagedCatalogueLosesNoVolumeAndNoPair() async throws {
        let (source, destination) = try await self.pairWithTwoVolumes()
        _ = try await source.stop()
        try Data("garbage that is no database at all".utf8)
            .write(
                to: URL(fileURLWithPath: "\(source.pool)/catalogue.sqlite")
            )
        for suffix in ["-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: "\(source.pool)/catalogue.sqlite\(suffix)")
        }
        try await source.restart()
        #expect(try await source.value([VolumeInfo].self, "volume", "list").count == 2)
        let report = try await source.replicate("b")
        #expect(report.mode == .none || report.mode == .incremental)
        _ = destination
    }
}
