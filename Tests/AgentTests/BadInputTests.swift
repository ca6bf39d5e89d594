// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Testing

/// Hostile and careless input to every command: what is wrong, where, and what to do.
///
/// Beside ``ExitCodeTests``, which has each exit code once, this has what the messages say.
@Suite(.serialized) struct BadInputTests {
    private let scratch: Scratch

    init() throws { self.scratch = try Scratch() }

    /// A command line, and what its message must say.
    struct Wrong: Sendable, CustomTestStringConvertible {
        let words: [String]
        let told: String
        let code: Int32

        init(_ line: String, _ told: String, code: Int32 = 64) {
            self.words = line.split(separator: " ").map { $0 == "''" ? "" : String($0) }
            self.told = told
            self.code = code
        }

        var testDescription: String { self.words.joined(separator: " ") }
    }

    /// What is found before any agent is asked.
    private static let withoutAgent = [
        Wrong("--agent", "'--agent' needs a value"),
        Wrong("-o", "'-o' needs a value"),
        Wrong("help volum", "did you mean 'godwit volume'?"),
        Wrong("volume help", "has no subcommand 'help'"),
        Wrong("volume list extra", "Unexpected argument 'extra'"),
        Wrong("volume list -o jsn", "Please provide one of 'table', 'wide', 'json'"),
        Wrong("volume create x --size -5", "'-5' is not a size"),
        Wrong("volume create x --size", "Missing value for '--size <size>'"),
        Wrong("volume create x --size 1.3B", "not a whole number of bytes"),
        Wrong("volume create x --size 99999999TiB", "too large"),
        Wrong("volume create x --from ''", "--from is empty"),
        Wrong("volume create x --attach ''", "--attach is empty"),
        Wrong("volume export x --to ''", "--to is empty"),
        Wrong("volume export x --generation -1 --to y", "'-1' is invalid for '--generation"),
        Wrong("volume verify x --against ''", "--against is empty"),
        Wrong("replicate x --to ''", "--to is empty"),
        Wrong("replicate '' --to y", "A volume's name is empty"),
        Wrong("replicate x --to y --timeout -1", "--timeout -1 is no time to wait"),
        Wrong("replicate x --to y --timeout 5 --detach", "does not go with --detach"),
        Wrong("replicate x --to y --streams 0", "use 1 to 16"),
        Wrong("replicate x --to y --limit -1MiB/s", "'-1MiB/s' is not a rate"),
        Wrong("replicate x --to y --limit 5MB/s", "Did you mean 5MiB/s?\n"),
        Wrong("replicate x --to y --limit 0B/s", "would let nothing through"),
        Wrong("replicate x --to y --full", "copy ships every byte, verify only what differs"),
        Wrong("transfer show x --timeout 5", "--timeout only goes with --follow"),
        Wrong("transfer show x --follow --timeout 0", "--timeout 0 is no time to wait"),
        Wrong("transfer limit x 99999999TiB/s", "'99999999TiB/s' is not a rate: it is too large"),
        Wrong("pair create x --ip '' --token -", "--ip is empty"),
        Wrong("pair create x --ip 192.0.2.1 --token @", "--token @ names no file"),
        Wrong("pair create x --ip 192.0.2.1 --token @/nowhere", "The token file /nowhere"),
        Wrong("pair create x --ip 192.0.2.1 --port abc --token -", "'abc' is invalid for '--port"),
        Wrong("pair create x --ip 192.0.2.1 --mode dr --token -", "'Migration' and 'Disaster"),
        Wrong("pair create x --ip 192.0.2.1 --token -", "a token is 128 hexadecimal digits"),
        Wrong("--agent '' volume list", "The path of the agent is empty"),
        Wrong("--agent /nowhere volume list", "There is no agent at /nowhere", code: 10),
        Wrong("--agent /etc/passwd volume list", "neither a directory nor a socket", code: 10),
        Wrong("completion csh", "did you mean"),
        Wrong("demo --dir ''", "--dir is empty"),
        Wrong("demo --dir /proc/godwit", "give another one: --dir DIR", code: 1),
    ]

    @Test(arguments: withoutAgent)
    func whatIsWrongIsToldBeforeAnAgentIsAsked(_ wrong: Wrong) async throws {
        let result = try await Command.run("godwit", wrong.words)
        #expect(result.status == wrong.code, "\(result.errors)")
        #expect(result.errors.contains(wrong.told), "\(result.errors)")
        #expect(result.output.isEmpty)
    }

    /// What only the agent can know; DIR is a directory that is there.
    private static let withAgent = [
        Wrong("volume show ''", "The name is empty"),
        Wrong("volume delete '' --yes", "The name is empty"),
        Wrong("pair show ''", "The name is empty"),
        Wrong("transfer cancel ''", "The name is empty"),
        Wrong("volume show dbb", "did you mean db?", code: 4),
        Wrong("volume show ../../identity", "There is no volume ../../identity", code: 4),
        Wrong("volume create a/b --size 1MiB", "'a/b' is not a volume name"),
        Wrong("volume create big --size 65TiB", "the limit is 64.0 TiB"),
        Wrong("volume create a --from /nowhere", "/nowhere"),
        Wrong("volume create a --from DIR", "DIR"),
        Wrong("volume create a --attach DIR --frozen", "DIR"),
        Wrong("volume create a --attach /dev/null --frozen", "/dev/null"),
        Wrong("volume create db --size 1MiB", "There is a volume db already", code: 5),
        Wrong("volume export db --to DIR/no/x", "there is no directory DIR/no"),
        Wrong("volume export db --to DIR", "DIR exists already", code: 5),
        Wrong("volume export db --generation 7 --to DIR/x", "Generation 7 of volume db", code: 4),
        Wrong("volume verify db --against nope", "There is no pair nope", code: 4),
        Wrong("replicate db --to nope", "godwit pair list", code: 4),
        Wrong("transfer show a/b", "There is no transfer a/b", code: 4),
        Wrong("transfer limit nope none", "There is no transfer nope", code: 4),
        Wrong("pair create .. --ip 127.0.0.1 --token @DIR/token", "cannot be the name of a pair"),
        Wrong("pair create x --ip a/b --token @DIR/token", "'a/b:9001' is not an address"),
    ]

    @Test func whatOnlyTheAgentCanKnowIsToldWithTheThingAndTheWayOutAndNothingChanges()
        async throws
    {
        let agent = try await TestAgent("s", in: self.scratch.path)
        _ = try self.scratch.file("token", String(repeating: "ab", count: 64))
        try await agent.createVolume("db", size: "1MiB")
        for wrong in Self.withAgent {
            let words = wrong.words.map { $0.replacing("DIR", with: self.scratch.path) }
            let result = try await Command.run("godwit", ["--agent", agent.pool] + words)
            let told = wrong.told.replacing("DIR", with: self.scratch.path)
            #expect(result.status == wrong.code, "\(words): \(result.errors)")
            #expect(result.errors.contains(told), "\(words): \(result.errors)")
            #expect(result.errors.contains("\n  try    "), "\(words): \(result.errors)")
            // Words for people, not what a library prints of its errors.
            for noise in ["DecodingError", "NSCocoaErrorDomain", "Optional("] {
                #expect(!result.errors.contains(noise), "\(words): \(result.errors)")
            }
        }
        #expect(try await agent.value([VolumeInfo].self, "volume", "list").map(\.name) == ["db"])
        #expect(try await agent.value([PairInfo].self, "pair", "list").isEmpty)
        #expect(try await agent.value([TransferInfo].self, "transfer", "list").isEmpty)
    }

    // MARK: - The agent's own options and file

    /// A file, and what the message must say of it.
    private static let files: [(text: String, told: String)] = [
        ("pool: ~\n", ":1:7: 'pool' needs one value."),
        ("pool:\n", "'pool' needs one value."),
        ("pool: \"\"\n", ":1:7: pool: it is empty."),
        ("pool: [a]\n", ":1:7: 'pool' needs one value."),
        ("limits: 5\n", ":1:9: 'limits' is a section"),
        ("limits:\n  limits:\n    threads: 2\n", ":2:3: Unknown key 'limits.limits'"),
        ("\"limits.threads\": 4\n", "write 'threads' inside the section 'limits'"),
        ("limits:\n  transfers: 0\n", ":2:14: limits.transfers: '0' is not a number from 1 to 256"),
        ("limits:\n  bandwidth: 5\n", ":2:14: limits.bandwidth: '5' is not a rate"),
        ("keepGenerations: 1.5\n", ":1:18: keepGenerations: '1.5' is not a number"),
        ("certificates:\n  lifetime: nans\n", ":2:13: certificates.lifetime: 'nans'"),
        ("drainTimeout: 2h\n", "is not a duration from 0 to 3600 seconds"),
        ("log:\n  format: xml\n", ":2:11: log.format: 'xml' is none of auto, human, json."),
        ("api: :9001\n", ":1:6: api: ':9001' is not an address: it has no host."),
        ("name: \"a\\nb\"\n", ":1:7: name: it must have 1 to 253 bytes"),
        ("? [a]\n: b\n", "Unknown key"),
        ("pool: /x\n---\npool: /y\n", "expected a single document"),
        ("pool: &a x\nname: *b\n", ":2:7: This is not YAML"),
        ("{{{{", "This is not YAML that can be used."),
    ]

    @Test func aConfigurationFileIsRefusedWithThePlaceOfTheMistake() async throws {
        for (text, told) in Self.files {
            let file = try self.scratch.file("agent.yaml", text)
            let result = try await Command.run(
                "godwit-agent",
                ["run", "--config", file],
                in: self.scratch.path
            )
            #expect(result.status == 78, "\(text): \(result.errors)")
            #expect(result.errors.contains(told), "\(text): \(result.errors)")
            #expect(result.errors.contains(file), "\(text): \(result.errors)")
        }
        // Nothing was made on the way: above all no pool that is called "~".
        let left = try FileManager.default.contentsOfDirectory(atPath: self.scratch.path)
        #expect(left == ["agent.yaml"])
    }

    @Test(
        arguments: [
            (["run", "--pool", ""], "No pool directory is given", 78),
            (["run", "--pool", "/proc/godwit"], "/proc/godwit cannot be written", 78),
            (["run", "--pool", "/etc/passwd"], "/etc/passwd cannot be written", 78),
            (["run", "--pool", "POOL", "--data", "nope"], "it has no port", 78),
            (
                ["run", "--pool", "POOL", "--data", "192.0.2.1:0"], "Cannot listen on 192.0.2.1:0",
                78
            ),
            (
                ["run", "--pool", "POOL", "--api", "192.0.2.1:0"], "Cannot listen on 192.0.2.1:0",
                78
            ),
            (
                ["run", "--pool", "POOL", "--api", "nohost.invalid:0"],
                "Cannot listen on nohost.invalid:0", 78
            ),
            (["run", "--config", "/nowhere"], "/nowhere cannot be read", 78),
            (["run", "--config", "/etc"], "/etc cannot be read", 78),
            (["run", "extra"], "Unexpected argument 'extra'", 64),
            (["run", "--pol", "x"], "Did you mean '--pool'?", 64),
        ] as [([String], String, Int32)]
    )
    func anAgentThatCannotStartSaysWhy(
        arguments: [String],
        told: String,
        code: Int32
    ) async throws {
        let pool = "\(self.scratch.path)/pool"
        var words = arguments.map { $0 == "POOL" ? pool : $0 }
        if words.contains(pool) {
            for option in ["--data", "--api"] where !words.contains(option) {
                words += [option, "127.0.0.1:0"]
            }
        }
        let result = try await Command.run("godwit-agent", words)
        #expect(result.status == code, "\(result.errors)")
        #expect(result.errors.contains(told), "\(result.errors)")
    }
}
