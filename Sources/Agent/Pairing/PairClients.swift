// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Catalogue
import Identity
import Locks
import SecureTransport

/// The TLS clients of the destinations, by the other cluster.
///
/// libcrypto takes longer to read a certificate and its key than a small volume takes to travel; so
/// a client serves every run of its pair until the pair's certificate is renewed.
final class PairClients: Sendable {
    private struct Made: Sendable {
        let credentials: TLSCredentials
        let client: TLSClient
    }

    private let made = Locked<[String: Made]>([:])

    /// The client for a pair as it is now.
    ///
    /// - Parameters:
    ///   - record: an outgoing pair.
    ///   - cluster: its other side.
    /// - Returns: that of the last call, where the credentials are still the same.
    /// - Throws: `stateDamaged` where the pair has no certificate.
    /// - Throws: `badCredentials` where it cannot be used.
    func client(of record: TrustRecord, at cluster: ClusterID) throws -> TLSClient {
        let credentials = try record.credentials()
        return try self.made.withLock { made in
            if let known = made[record.pair.cluster], known.credentials == credentials {
                return known.client
            }
            let client = try TLSClient(
                credentials: credentials,
                expectedServer: .agent(of: cluster)
            )
            made[record.pair.cluster] = Made(credentials: credentials, client: client)
            return client
        }
    }

    /// Drops the secret key of a pair that is no more.
    func forget(_ record: TrustRecord) {
        self.made.withLock { $0.removeValue(forKey: record.pair.cluster) }?.client.closeResting()
    }

    /// Closes the connections that wait for another transfer.
    func closeResting() {
        for made in self.made.withLock({ Array($0.values) }) { made.client.closeResting() }
    }
}
