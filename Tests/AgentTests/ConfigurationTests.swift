// SPDX-License-Identifier: Apache-2.0

import Agent
import AgentAPI
import Testing

@Suite struct ConfigurationTests {
    private func apply(_ text: String) throws(APIError) -> AgentConfiguration {
        try ConfigurationFile.apply(text: text, named: "agent.yaml", to: AgentConfiguration())
    }

    @Test func whatAReloadCannotChangeIsTold() throws {
        let former = try self.apply("limits:\n  threads: 8\n  transfers: 2")
        let limits = try self.apply("limits:\n  threads: 8\n  transfers: 3\n  retries: 1")
        #expect(limits.keysForRestart(since: former) == [])
        let other = try self.apply("limits:\n  threads: 9\ndata: 127.0.0.1:1\nname: x")
        #expect(other.keysForRestart(since: former) == ["data", "name"])
        #expect(other.keysForRestart(since: other) == [])
    }

    @Test func everyKeyCanBeSet() throws {
        let configuration = try self.apply(
            """
            pool: /srv/pool
            data: 127.0.0.1:19010
            api: "[::1]:19001"
            name: node-a
            limits:
              transfers: 2
              threads: 8
              bandwidth: 100MiB/s
              retries: 3
            keepGenerations: 5
            certificates:
              lifetime: 12h
            log:
              format: json
              level: debug
            drainTimeout: 10s
            """
        )
        #expect(configuration.pool == "/srv/pool")
        #expect(configuration.data == HostPort(host: "127.0.0.1", port: 19_010))
        #expect(configuration.api == HostPort(host: "::1", port: 19_001))
        #expect(configuration.bandwidth == 100 << 20)
        #expect(configuration.transfers == 2 && configuration.threads == 8)
        #expect(configuration.retries == 3 && configuration.keepGenerations == 5)
        #expect(configuration.certificateLifetime == 43_200)
        #expect(configuration.logFormat == .json && configuration.logLevel == .debug)
        #expect(configuration.drainTimeout == 10)
    }

    @Test func anEmptyFileKeepsTheDefaults() throws {
        #expect(try self.apply("") == AgentConfiguration())
        #expect(try self.apply("# nothing\n") == AgentConfiguration())
    }

    @Test(
        arguments: [
            ("pol: /srv", "agent.yaml:1:1: Unknown key 'pol'.", "did you mean 'pool'?"),
            (
                "pool: /srv\nlimits:\n  thread: 4\n",
                "agent.yaml:3:3: Unknown key 'limits.thread'.",
                "did you mean 'limits.threads'?"
            ),
            (
                "bandwidth: none", "agent.yaml:1:1: Unknown key 'bandwidth'.",
                "did you mean 'limits.bandwidth'?"
            ),
            (
                "data: 9010", "agent.yaml:1:7: data: '9010' is not an address: it has no port.",
                "write it as HOST:PORT, such as 0.0.0.0:9010"
            ),
            (
                "limits: 5", "agent.yaml:1:9: 'limits' is a section: it holds keys, not a value.",
                nil
            ),
            (
                "log:\n  level: inof",
                "agent.yaml:2:10: log.level: 'inof' is none of debug, info, warning, error.",
                "did you mean info?"
            ),
            (
                "limits:\n  transfers: many",
                "agent.yaml:2:14: limits.transfers: 'many' is not a number from 1 to 256.", nil
            ),
            (
                "limits:\n  bandwidth: 100MB/s",
                "agent.yaml:2:14: limits.bandwidth: '100MB/s' is not a rate: 'MB' is not a unit.",
                "did you mean 100MiB/s?"
            ),
            (
                "certificates:\n  lifetime: 24",
                "agent.yaml:2:13: certificates.lifetime: '24' is not a duration from 1 to "
                    + "31536000 seconds.",
                "write it with s, m, h or d, such as 30s"
            ),
            ("- a\n- b", "agent.yaml:1:1: The file must hold keys and values.", nil),
        ] as [(String, String, String?)]
    )
    func aMistakeIsToldWithItsPlace(text: String, message: String, remedy: String?) {
        do {
            _ = try self.apply(text)
            Issue.record("accepted: \(text)")
        } catch {
            #expect(error.message == message)
            #expect(error.try == remedy)
            #expect(error.exitCode == 78)
        }
    }

    @Test(arguments: ["a: b: c", "pool: /a\npool: /b", "\t- x"])
    func whatIsNotYAMLIsToldWithTheFile(text: String) {
        do {
            _ = try self.apply(text)
            Issue.record("accepted: \(text)")
        } catch {
            #expect(error.message.hasPrefix("agent.yaml"))
            #expect(error.exitCode == 78)
        }
    }

    @Test func wordsThatYAML11WouldTurnIntoOtherTypesStayWords() throws {
        #expect(try self.apply("name: no").name == "no")
        #expect(try self.apply("name: 22:13").name == "22:13")
    }

    @Test func theExampleFileIsAccepted() throws {
        let path = #filePath.replacing("Tests/AgentTests/ConfigurationTests.swift", with: "")
        let configuration = try ConfigurationFile.apply(
            path + "examples/agent.yaml",
            to: AgentConfiguration()
        )
        #expect(configuration.pool == "/var/lib/godwit")
    }

    @Test func aMissingFileIsToldWithItsPath() {
        do {
            _ = try ConfigurationFile.apply("/nowhere/agent.yaml", to: AgentConfiguration())
            Issue.record("a missing file was read")
        } catch { #expect(error.message.contains("/nowhere/agent.yaml")) }
    }

    @Test(arguments: ["", ":1", "a:", "a:b", "a:70000", "a b:1", "a:-1"])
    func whatIsNoAddressIsRefused(text: String) {
        #expect(throws: APIError.self) { try HostPort(text) }
    }
}
