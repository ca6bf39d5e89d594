// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import TestSupport
import Testing

/// What opens the API of an agent to controllers on other machines, and what does not (P8).
@Suite struct ControlListenerTests {
    private let scratch: Scratch
    private let authority: ControlAuthority
    private let agent: TestAgent
    private let url: String

    init() async throws {
        self.scratch = try Scratch()
        let directory = self.scratch.path
        self.authority = try ControlAuthority("ours", in: directory)
        let own = try self.authority.credentials(
            "agent-tls",
            for: ControlCredentials.agentName
        )
        let file = "\(directory)/agent.yaml"
        try "control:\n  address: 127.0.0.1:0\n  tls: \(own.directory)\n"
            .write(toFile: file, atomically: true, encoding: .utf8)
        self.agent = try await TestAgent("pool", in: directory, extra: ["--config", file])
        self.url = "https://\(try #require(self.agent.version.control))"
    }

    private func volumes(_ credentials: ControlCredentials) async throws -> [VolumeInfo] {
        let client = try AgentClient(url: self.url, credentials: credentials)
        let list: ItemList<VolumeInfo> = try await client.once { client throws(APIError) in
            try await client.get(AgentRoute.volumes)
        }
        return list.items
    }

    @Test func aControllerMayWhatTheSocketMay() async throws {
        let name = ControlCredentials.controllerName
        let credentials = try self.authority.credentials("controller", for: name)
        _ = try await self.agent.createVolume("db", size: "1MiB")
        #expect(try await self.volumes(credentials).map(\.name) == ["db"])
    }

    @Test func anAgentMayNotCommandAnotherOne() async throws {
        let name = ControlCredentials.agentName
        let credentials = try self.authority.credentials("other-agent", for: name)
        let error = try await #require(throws: APIError.self) {
            _ = try await self.volumes(credentials)
        }
        #expect(error.id == .peerNotTrusted && "\(error)".contains(name), "\(error)")
    }

    @Test func whoeverComesFromAnotherAuthorityIsRefusedByTLS() async throws {
        let other = try ControlAuthority("theirs", in: self.scratch.path)
        let name = ControlCredentials.controllerName
        let stranger = try other.credentials("stranger", for: name)
        // He knows whom to believe, and is not believed.
        let trusted = "\(stranger.directory)/ca.crt"
        try FileManager.default.removeItem(atPath: trusted)
        try FileManager.default.copyItem(
            atPath: "\(self.scratch.path)/agent-tls/ca.crt",
            toPath: trusted
        )
        let error = try await #require(throws: APIError.self) {
            _ = try await self.volumes(stranger)
        }
        #expect(error.id == .agentUnreachable, "\(error)")
    }

    @Test func aServerThatIsNoAgentIsNotBelieved() async throws {
        let name = ControlCredentials.controllerName
        let credentials = try self.authority.credentials("controller", for: name)
        // The agent's own certificate is now for another name; it is read at each connection.
        _ = try self.authority.credentials("agent-tls", for: "elsewhere")
        let error = try await #require(throws: APIError.self) {
            _ = try await self.volumes(credentials)
        }
        #expect(error.id == .agentUnreachable, "\(error)")
        // And a renewed one holds without a restart.
        _ = try self.authority.credentials("agent-tls", for: ControlCredentials.agentName)
        #expect(try await self.volumes(credentials).isEmpty)
    }

    @Test(arguments: [["-tls1_2"], []])
    func nothingIsSaidToAnOldProtocolOrWithoutACertificate(options: [String]) async throws {
        let place = self.url.replacing("https://", with: "")
        let result = try await Command.run(
            "/usr/bin/openssl",
            ["s_client", "-connect", place, "-quiet"] + options,
            input: "GET \(AgentRoute.volumes) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        #expect(!result.output.contains("HTTP/1.1"), "\(result.output)")
        #expect(result.errors.contains("alert"), "\(result.errors)")
    }

    @Test(arguments: ["address: 127.0.0.1:0", "tls: /nowhere"])
    func halfOfTheConfigurationIsRefused(line: String) async throws {
        let file = "\(self.scratch.path)/half.yaml"
        try "control:\n  \(line)\n".write(toFile: file, atomically: true, encoding: .utf8)
        let result = try await Command.run(
            "godwit-agent",
            [
                "run", "--pool", "\(self.scratch.path)/other", "--data", "127.0.0.1:0", "--api",
                "127.0.0.1:0", "--config", file,
            ]
        )
        #expect(result.status == 78)
        #expect(result.errors.contains("belong together"), "\(result.errors)")
    }

    @Test(arguments: ["http://127.0.0.1:1", "https://127.0.0.1", "10.0.0.1:9002", ""])
    func whatIsNoURLOfAnAgentIsRefused(url: String) throws {
        let error = try #require(throws: APIError.self) {
            try AgentClient(url: url, credentials: ControlCredentials(directory: "/nowhere"))
        }
        #expect(error.id == .invalidConfiguration && error.message.contains("URL"))
    }
}

extension ControlAuthority {
    /// Certified credentials, as a client of agents takes them.
    fileprivate func credentials(
        _ folder: String,
        for name: String
    ) throws -> ControlCredentials {
        ControlCredentials(directory: try self.certify(folder, for: name))
    }
}
