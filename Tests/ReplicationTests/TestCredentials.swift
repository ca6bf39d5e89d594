// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Identity

/// What a destination and its pairs show each other.
///
/// Slow to make and not what these tests are about: one for each world that there is.
struct TestCredentials {
    let server: TLSCredentials
    let clients: [ClusterID: TLSCredentials]

    init(of destination: ClusterID, pairs: [ClusterID]) throws {
        let authority = try CertificateAuthority.create(for: destination, at: Date())
        let serverKey = SigningKey()
        self.server = try authority.certifyAgent(serverKey, at: Date())
            .credentials(key: serverKey, trusting: authority.certificate)
        var clients: [ClusterID: TLSCredentials] = [:]
        for cluster in pairs {
            let key = SigningKey()
            let request = try CertificateRequest(for: key, of: cluster)
            clients[cluster] =
                try authority.certifyPair(
                    request,
                    of: cluster,
                    at: Date(),
                    lifetime: .seconds(3600)
                )
                .credentials(key: key, trusting: authority.certificate)
        }
        self.clients = clients
    }
}
