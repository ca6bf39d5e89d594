// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Identity

/// The source's side of pairing.
///
/// 1. Ask which CA the destination answers for; believe nothing yet, tell nothing.
/// 2. Pin TLS to that CA. Start: our request, our nonce. The destination's proof binds the token
///    to that CA and that request, so a man in the middle with a CA of his own fails here, and one
///    who relays the true CA has no key for the pinned connection.
/// 3. Finish: our proof, and the way back. The certificate is checked before it is kept.
struct PairingInitiator: Sendable {
    let identity: AgentIdentity
    let registry: PairRegistry
    let ownName: String
    let now: @Sendable () -> Date

    /// Pairs with the destination and keeps the trust.
    func pair(
        _ wanted: PairCreateRequest,
        apiPort: Int,
        dataPort: Int
    ) async throws(APIError) -> TrustRecord {
        try Self.check(wanted)
        guard let token = PairingToken(wanted.token) else {
            throw APIError(
                .invalidRequest,
                "The token must be 128 hexadecimal digits.",
                try: "on the destination: godwit cluster token show"
            )
        }
        let authority = try await Self.authority(wanted)
        let isAdopting = wanted.adopt ?? false
        let wanted = self.adopting(wanted, authority.cluster)
        try self.refuseTaken(wanted.name, authority.cluster)

        let client = try PeerClient(
            host: wanted.ip,
            port: wanted.port,
            trust: .authority(authority.pem)
        )
        let record = try await client.once { client throws(APIError) in
            try await self.prove(
                wanted,
                token,
                authority,
                client,
                apiPort: apiPort,
                dataPort: dataPort
            )
        }
        return try self.registry.store(record, keepingName: isAdopting)
    }

    /// A pairing whose destination has proven that it knows the token.
    private struct Opened {
        let session: String
        let key: SigningKey
        let transcript: PairingTranscript
    }

    private func open(
        _ token: PairingToken,
        _ authority: AuthorityCertificate,
        _ client: PeerClient
    ) async throws(APIError) -> Opened {
        let key = SigningKey()
        var generator = SystemRandomNumberGenerator()
        let nonce = PairingNonce.random(using: &generator)
        let request: CertificateRequest
        do { request = try CertificateRequest(for: key, of: self.identity.cluster) } catch {
            throw APIError(.agentFailed, "No certificate request can be made.", cause: "\(error)")
        }
        let started: PairingStartResponse = try await client.post(
            PeerRoute.start,
            PairingStartRequest(
                cluster: "\(self.identity.cluster)",
                name: self.ownName,
                nonce: Hexadecimal.text(of: nonce.bytes),
                request: Hexadecimal.text(of: request.der)
            )
        )
        guard started.cluster == "\(authority.cluster)",
            let theirs = Hexadecimal.bytes(of: started.nonce).flatMap({ PairingNonce($0) }),
            let proof = Hexadecimal.bytes(of: started.proof)
        else { throw APIError(.peerFailed, "The destination's answer cannot be read.") }
        let transcript = PairingTranscript(
            source: self.identity.cluster,
            sourceNonce: nonce,
            request: request,
            destination: authority.cluster,
            destinationNonce: theirs,
            authority: authority
        )
        guard transcript.isProof(proof, of: .destination, under: token) else {
            throw PairingDesk.wrongToken
        }
        return Opened(session: started.session, key: key, transcript: transcript)
    }

    private func prove(
        _ wanted: PairCreateRequest,
        _ token: PairingToken,
        _ authority: AuthorityCertificate,
        _ client: PeerClient,
        apiPort: Int,
        dataPort: Int
    ) async throws(APIError) -> TrustRecord {
        let opened = try await self.open(token, authority, client)
        let proof = opened.transcript.proof(of: .source, under: token)
        let signature: [UInt8]
        do { signature = try opened.transcript.signature(by: self.identity.authority) } catch {
            throw APIError(.agentFailed, "The pairing cannot be signed.", cause: "\(error)")
        }
        let finished: PairingFinishResponse = try await client.post(
            PeerRoute.finish,
            PairingFinishRequest(
                session: opened.session,
                proof: Hexadecimal.text(of: proof),
                apiPort: apiPort,
                dataPort: dataPort,
                authority: self.identity.authority.certificate.pem,
                signature: Hexadecimal.text(of: signature)
            )
        )
        let certificate = try Self.checked(
            finished.certificate,
            opened.key,
            authority,
            source: self.identity.cluster,
            self.now()
        )
        return TrustRecord(
            pair: PairEntry(
                name: wanted.name,
                direction: .outgoing,
                cluster: "\(authority.cluster)",
                host: wanted.ip,
                apiPort: wanted.port,
                dataPort: finished.dataPort,
                disasterRecovery: wanted.mode == .disasterRecovery,
                created: self.now()
            ),
            authority: authority.pem,
            certificate: certificate.pem,
            privateKey: opened.key.pem
        )
    }

    /// The request under the name of the pair that there is with the same agent, where it may be.
    ///
    /// Several callers, such as the ClusterPairs of several namespaces, mean the same agent and do
    /// not know of each other; an agent has one pair with another one.
    private func adopting(
        _ wanted: PairCreateRequest,
        _ cluster: ClusterID
    ) -> PairCreateRequest {
        guard wanted.adopt ?? false, let known = self.registry.outgoing(cluster) else {
            return wanted
        }
        return PairCreateRequest(
            name: known.pair.name,
            ip: wanted.ip,
            port: wanted.port,
            token: wanted.token,
            mode: known.pair.disasterRecovery ? .disasterRecovery : .migration
        )
    }

    /// Refuses a name or an agent that is taken.
    ///
    /// Pairing again with the same agent under the same name renews the trust, as after an expired
    /// certificate or a revocation there: the volumes keep their common generations.
    private func refuseTaken(_ name: String, _ cluster: ClusterID) throws(APIError) {
        if let known = self.registry.pair(named: name),
            known.pair.direction == .incoming || known.pair.cluster != "\(cluster)"
        {
            throw APIError(
                .pairExists,
                "There is a pair \(name) already, with another agent.",
                try: "choose another name, or: godwit pair delete \(name)"
            )
        }
        if let known = self.registry.outgoing(cluster), known.pair.name != name {
            throw APIError(
                .pairExists,
                "That agent is paired already, as \(known.pair.name).",
                try: "use that name, or: godwit pair delete \(known.pair.name)"
            )
        }
    }

    /// A certificate that is for our key and our name, from the authority that was proven.
    static func checked(
        _ pem: String,
        _ key: SigningKey,
        _ authority: AuthorityCertificate,
        source: ClusterID,
        _ now: Date
    ) throws(APIError) -> IssuedCertificate {
        do {
            let certificate = try IssuedCertificate(pem: pem)
            try authority.check(
                certificate,
                isOf: .pair(of: source, at: authority.cluster),
                at: now
            )
            guard certificate.isFor(key) else {
                throw IdentityError(.keyMismatch, "the certificate is for another key")
            }
            return certificate
        } catch {
            throw APIError(
                .peerFailed,
                "The destination's certificate for us cannot be used.",
                cause: "\(error)",
                try: "compare the clocks of both machines, then pair again"
            )
        }
    }

    private static func authority(
        _ wanted: PairCreateRequest
    ) async throws(APIError) -> AuthorityCertificate {
        let probe = try PeerClient(host: wanted.ip, port: wanted.port, trust: .nobody)
        let told: PairingAuthority
        do throws(APIError) {
            told = try await probe.get(PeerRoute.authority)
            await probe.close()
        } catch {
            await probe.close()
            throw error
        }
        do { return try AuthorityCertificate(pem: told.authority) } catch {
            throw APIError(
                .peerFailed,
                "\(wanted.ip):\(wanted.port) does not answer as a godwit agent.",
                cause: "\(error)",
                try: "check ip and port: 9001 is the usual one"
            )
        }
    }

    private static func check(_ wanted: PairCreateRequest) throws(APIError) {
        try PairName.check(wanted.name)
        guard (1...65_535).contains(wanted.port), !wanted.ip.isEmpty,
            !wanted.ip.contains(where: { $0.isWhitespace || $0 == "/" })
        else {
            throw APIError(
                .invalidRequest,
                "'\(wanted.ip):\(wanted.port)' is not an address.",
                try: "give --ip and --port of the destination agent"
            )
        }
    }
}
