// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Identity

/// The destination's side of pairing: proves the token first, then certifies who proves it too.
///
/// Limits: sessions end after a minute; an address that starts pairings without finishing them is
/// refused for the rest of the minute. The token has 512 bits, so the limit is there to make
/// noise visible and cheap, not to make guessing hard.
actor PairingDesk {
    /// Pairings that may be open at once; each holds about a kilobyte.
    static let sessionLimit = 64
    static let sessionSeconds = 60.0
    /// Starts that came to nothing, for each address and minute.
    static let fruitlessStarts = 5
    /// Addresses that are remembered; beyond, the oldest are forgotten.
    static let addressLimit = 4096

    private struct Session {
        let transcript: PairingTranscript
        let request: CertificateRequest
        let source: ClusterID
        let name: String
        let address: String
        let token: PairingToken
        let ends: Date
    }

    private let identity: AgentIdentity
    private let registry: PairRegistry
    /// Asked for each certificate: SIGHUP may change it.
    private let lifetime: @Sendable () -> Duration
    private let now: @Sendable () -> Date
    private var sessions: [String: Session] = [:]
    private var starts: [String: [Date]] = [:]

    init(
        identity: AgentIdentity,
        registry: PairRegistry,
        lifetime: @autoclosure @escaping @Sendable () -> Duration,
        now: @escaping @Sendable () -> Date
    ) {
        self.identity = identity
        self.registry = registry
        self.lifetime = lifetime
        self.now = now
    }

    func start(
        _ message: PairingStartRequest,
        from address: String
    ) throws(APIError) -> PairingStartResponse {
        let now = self.now()
        self.forget(before: now)
        try self.admit(address, at: now)
        guard let source = ClusterID(message.cluster),
            let nonce = Hexadecimal.bytes(of: message.nonce).flatMap({ PairingNonce($0) }),
            let bytes = Hexadecimal.bytes(of: message.request)
        else { throw APIError(.invalidRequest, "The pairing message cannot be read.") }
        try PairName.check(message.name)
        guard source != self.identity.cluster else {
            throw APIError(
                .invalidRequest,
                "An agent cannot pair with itself.",
                try: "give the ip and port of the other agent"
            )
        }
        let request: CertificateRequest
        do { request = try CertificateRequest(untrusted: bytes) } catch {
            throw APIError(.invalidRequest, "The certificate request cannot be used: \(error).")
        }
        var generator = SystemRandomNumberGenerator()
        let own = PairingNonce.random(using: &generator)
        let transcript = PairingTranscript(
            source: source,
            sourceNonce: nonce,
            request: request,
            destination: self.identity.cluster,
            destinationNonce: own,
            authority: self.identity.authority.certificate
        )
        let token = self.identity.token
        let session = "\(TransferID.random(using: &generator))"
        self.sessions[session] = Session(
            transcript: transcript,
            request: request,
            source: source,
            name: message.name,
            address: address,
            token: token,
            ends: now + Self.sessionSeconds
        )
        return PairingStartResponse(
            session: session,
            cluster: "\(self.identity.cluster)",
            nonce: Hexadecimal.text(of: own.bytes),
            proof: Hexadecimal.text(of: transcript.proof(of: .destination, under: token))
        )
    }

    /// Checks the source's proof and certifies its key.
    func finish(
        _ message: PairingFinishRequest,
        from address: String,
        dataPort: Int
    ) throws(APIError) -> (PairingFinishResponse, TrustRecord) {
        let now = self.now()
        self.forget(before: now)
        // Once only, whatever comes of it.
        guard let session = self.sessions.removeValue(forKey: message.session),
            session.address == address
        else {
            throw APIError(
                .pairingRefused,
                "This pairing has ended.",
                cause: "it took longer than a minute",
                try: "pair again"
            )
        }
        guard let proof = Hexadecimal.bytes(of: message.proof),
            session.transcript.isProof(proof, of: .source, under: session.token),
            // A token that was reset meanwhile opens nothing more.
            session.token.matches(self.identity.token)
        else { throw Self.wrongToken }
        do {
            let authority = try self.authority(of: session, message)
            let certificate = try self.identity.authority.certifyPair(
                session.request,
                of: session.source,
                at: now,
                lifetime: self.lifetime()
            )
            // A pair in force that is made again is not revoked: what it was given before, and may be
            // using at this moment, stays good.
            let former = self.registry.incoming(session.source)?.since
            let record = TrustRecord(
                pair: PairEntry(
                    name: self.registry.freeName(session.name, for: session.source),
                    direction: .incoming,
                    cluster: "\(session.source)",
                    host: address,
                    apiPort: message.apiPort,
                    dataPort: message.dataPort,
                    disasterRecovery: false,
                    created: now
                ),
                authority: authority.pem,
                certificate: certificate.pem,
                since: min(former ?? certificate.notBefore, certificate.notBefore)
            )
            try self.registry.store(record)
            self.starts[address] = nil
            return (
                PairingFinishResponse(certificate: certificate.pem, dataPort: dataPort), record
            )
        } catch let error as APIError {
            throw error
        } catch {
            throw APIError(.pairingRefused, "The source cannot be certified.", cause: "\(error)")
        }
    }

    /// The authority of the source, which has shown that it holds its key.
    ///
    /// Everybody who may pair knows the token. Without this, one source could pair in the name of
    /// another one, and be given that one's volumes (P8).
    private func authority(
        of session: Session,
        _ message: PairingFinishRequest
    ) throws -> AuthorityCertificate {
        let authority = try AuthorityCertificate(pem: message.authority)
        guard authority.cluster == session.source,
            let signature = Hexadecimal.bytes(of: message.signature),
            session.transcript.isSigned(signature, by: authority)
        else {
            throw IdentityError(.notCertified, "the source does not hold the key of its authority")
        }
        guard let known = self.registry.incoming(session.source),
            try AuthorityCertificate(pem: known.authority).fingerprint != authority.fingerprint
        else { return authority }
        throw APIError(
            .pairingRefused,
            "Cluster \(session.source) is paired with here already, and has another authority.",
            cause: "somebody uses the name of another agent, or that one was made anew",
            try: "if it was made anew, on the destination: godwit pair delete \(known.pair.name)"
        )
    }

    /// The next certificate of a pair that shows the one that still holds.
    func renew(
        _ message: CertificateRenewRequest,
        of source: ClusterID,
        _ record: TrustRecord,
        dataPort: Int
    ) throws(APIError) -> CertificateRenewResponse {
        guard let bytes = Hexadecimal.bytes(of: message.request) else {
            throw APIError(.invalidRequest, "The certificate request cannot be read.")
        }
        let certificate: IssuedCertificate
        do throws(IdentityError) {
            let request = try CertificateRequest(untrusted: bytes)
            certificate = try self.identity.authority.certifyPair(
                request,
                of: source,
                at: self.now(),
                lifetime: self.lifetime()
            )
        } catch {
            throw APIError(.invalidRequest, "The certificate request cannot be used: \(error).")
        }
        let (pem, start) = (certificate.pem, certificate.notBefore)
        let isInForce = try self.registry.update(record) { current in
            current.certificate = pem
            // The clock may have been set back since the pairing.
            current.since = current.since.map { min($0, start) }
        }
        guard isInForce else {
            throw APIError(.pairRevoked, "The pair was revoked.", try: "pair again")
        }
        return CertificateRenewResponse(certificate: pem, dataPort: dataPort)
    }

    static var wrongToken: APIError {
        APIError(
            .pairingRefused,
            "The token is not the destination's.",
            cause: "the proof does not fit: a wrong or old token, or somebody in the middle",
            try: "on the destination: godwit cluster token show"
        )
    }

    private func admit(_ address: String, at now: Date) throws(APIError) {
        let recent = self.starts[address, default: []]
        guard recent.count < Self.fruitlessStarts, self.sessions.count < Self.sessionLimit else {
            let oldest = recent.first ?? now
            let wait = max(
                1,
                Int((oldest + Self.sessionSeconds).timeIntervalSince(now).rounded(.up))
            )
            throw APIError(
                .pairingLimited,
                "Too many pairings were tried from \(address).",
                cause: "\(recent.count) in the last minute came to nothing",
                try: "check the token, wait \(wait) s, then pair again",
                retryAfter: wait
            )
        }
        if self.starts.count >= Self.addressLimit { self.starts.removeAll() }
        self.starts[address, default: []].append(now)
    }

    private func forget(before now: Date) {
        self.sessions = self.sessions.filter { $0.value.ends > now }
        self.starts = self.starts.compactMapValues { times in
            let recent = times.filter { now.timeIntervalSince($0) < Self.sessionSeconds }
            return recent.isEmpty ? nil : recent
        }
    }
}
