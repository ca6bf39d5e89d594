// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Foundation
import Identity
import Testing

/// What lies under `identity/` of an agent's pool (docs/state-files.md): what a test steals.
struct PoolFiles {
    let pool: String

    init(of agent: TestAgent) { self.pool = agent.pool }

    /// The authority that certifies the pairs of this agent.
    func authority() throws -> CertificateAuthority {
        struct Record: Decodable {
            let certificate: String
            let privateKey: String
        }
        let record = try self.record(Record.self, "identity/authority.json")
        return try CertificateAuthority(
            certificatePEM: record.certificate,
            privateKeyPEM: record.privateKey
        )
    }

    /// What this agent shows the one destination that it is paired with.
    func outgoing() throws -> TLSCredentials {
        struct Record: Decodable {
            let authority: String
            let certificate: String
            let privateKey: String
        }
        let directory = "identity/pairs"
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(self.pool)/\(directory)")
        let name = try #require(names.first { $0.hasPrefix("outgoing-") })
        let record = try self.record(Record.self, "\(directory)/\(name)")
        return TLSCredentials(
            certificateChainPEM: record.certificate,
            privateKeyPEM: record.privateKey,
            trustPEM: record.authority
        )
    }

    private struct Envelope<Content: Decodable>: Decodable { let record: Content }

    /// The record of a state file; its last line is a checksum.
    private func record<Record: Decodable>(_ type: Record.Type, _ name: String) throws -> Record {
        let text = try String(contentsOfFile: "\(self.pool)/\(name)", encoding: .utf8)
        let body = text.split(separator: "\n").dropLast().joined(separator: "\n")
        return try JSONDecoder().decode(Envelope<Record>.self, from: Data(body.utf8)).record
    }
}

extension PeerClient {
    /// A client of an agent's port 9001 with these credentials.
    init(_ credentials: TLSCredentials, at agent: TestAgent) throws {
        try self.init(
            host: "127.0.0.1",
            port: agent.apiPort,
            trust: .mutual(
                authority: credentials.trustPEM,
                certificate: credentials.certificateChainPEM,
                privateKey: credentials.privateKeyPEM
            )
        )
    }
}
