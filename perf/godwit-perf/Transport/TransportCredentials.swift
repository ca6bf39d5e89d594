// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Identity

/// The certificates of one pair, as the product issues them, in files for two processes.
enum TransportCredentials {
    /// Which end of the connections.
    enum End: String {
        case server
        case client
    }

    /// The destination's name, which the client expects.
    static let destination = ClusterID(halves: Halves(high: 1, low: 2))
    private static let source = ClusterID(halves: Halves(high: 3, low: 4))

    /// Makes them, in this folder.
    static func write(to folder: String) throws {
        let now = Date()
        let authority = try CertificateAuthority.create(for: self.destination, at: now)
        let agent = SigningKey()
        let pair = SigningKey()
        let request = try CertificateRequest(for: pair, of: self.source)
        let ends: [(End, TLSCredentials)] = [
            (
                .server,
                try authority.certifyAgent(agent, at: now)
                    .credentials(key: agent, trusting: authority.certificate)
            ),
            (
                .client,
                try authority.certifyPair(request, of: self.source, at: now)
                    .credentials(key: pair, trusting: authority.certificate)
            ),
        ]
        for (end, own) in ends {
            let texts = [own.certificateChainPEM, own.privateKeyPEM, own.trustPEM]
            for (path, text) in zip(self.paths(folder, end), texts) {
                try text.write(toFile: path, atomically: false, encoding: .utf8)
            }
        }
    }

    static func read(from folder: String, _ end: End) throws -> TLSCredentials {
        let texts = try self.paths(folder, end)
            .map { try String(contentsOfFile: $0, encoding: .utf8) }
        return TLSCredentials(
            certificateChainPEM: texts[0],
            privateKeyPEM: texts[1],
            trustPEM: texts[2]
        )
    }

    private static func paths(_ folder: String, _ end: End) -> [String] {
        ["certificate", "key", "trust"].map { "\(folder)/\(end.rawValue)-\($0).pem" }
    }
}
