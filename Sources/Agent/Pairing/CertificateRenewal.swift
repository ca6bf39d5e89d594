// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Identity
import Logging
import ServiceLifecycle

/// Renews our certificates at the destinations after two thirds of their life.
///
/// Transfers that run keep their connections; the next connection uses the new certificate.
struct CertificateRenewal: Service {
    let identity: AgentIdentity
    let registry: PairRegistry
    let journal: Journal
    /// Between two looks: a twelfth of a certificate's life, a minute at most.
    let interval: @Sendable () -> Duration
    let now: @Sendable () -> Date

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.renewDue()
                do { try await Task.sleep(for: self.interval()) } catch { return }
            }
        }
    }

    /// Renews every certificate that is due; a failure is told and tried at the next look.
    func renewDue() async {
        let now = self.now()
        for record in self.registry.all where record.pair.direction == .outgoing {
            guard let pem = record.certificate, let held = try? IssuedCertificate(pem: pem),
                held.needsRenewal(at: now)
            else { continue }
            do {
                try await self.renew(record)
            } catch {
                self.journal.noteSeldom(
                    "CertificateRenewalFailed",
                    "the certificate of pair \(record.pair.name) ends at "
                        + "\(held.notAfter.formatted(.iso8601)): \(error)",
                    pair: record.pair.name,
                    every: 3600,
                    level: .warning
                )
            }
        }
    }

    private func renew(_ record: TrustRecord) async throws(APIError) {
        guard let host = record.pair.host, let port = record.pair.apiPort,
            let certificate = record.certificate, let held = record.privateKey
        else { return }
        let client = try PeerClient(
            host: host,
            port: port,
            trust: .mutual(
                authority: record.authority,
                certificate: certificate,
                privateKey: held
            )
        )
        let renewed = try await client.once { client throws(APIError) in
            try await self.ask(record, client)
        }
        try self.registry.update(record) { current in
            current.certificate = renewed.certificate
            current.privateKey = renewed.privateKey
            current.pair.dataPort = renewed.pair.dataPort
        }
        self.journal.note(
            "CertificateRenewed",
            "the certificate of pair \(record.pair.name) was renewed",
            pair: record.pair.name
        )
    }

    private func ask(
        _ record: TrustRecord,
        _ client: PeerClient
    ) async throws(APIError) -> TrustRecord {
        let key = SigningKey()
        do {
            let request = try CertificateRequest(for: key, of: self.identity.cluster)
            let answer: CertificateRenewResponse = try await client.post(
                PeerRoute.renew,
                CertificateRenewRequest(request: Hexadecimal.text(of: request.der))
            )
            let authority = try AuthorityCertificate(pem: record.authority)
            let certificate = try PairingInitiator.checked(
                answer.certificate,
                key,
                authority,
                source: self.identity.cluster,
                self.now()
            )
            var renewed = record
            renewed.certificate = certificate.pem
            renewed.privateKey = key.pem
            renewed.pair.dataPort = answer.dataPort
            return renewed
        } catch let error as APIError {
            throw error
        } catch { throw APIError(.agentFailed, "No certificate request.", cause: "\(error)") }
    }
}
