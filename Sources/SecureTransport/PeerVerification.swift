// SPDX-License-Identifier: Apache-2.0
//
// Who may be at the other end. libssl checks the chain, the signatures and the validity; this
// file adds what it leaves open: the usage must be stated, and there is exactly one URI name.
// All of it happens inside the handshake, so a refused peer gets an alert and no byte of ours.

import BlockTypes
import COpenSSL
import Glibc
public import Identity

/// What the certificate says that a peer has proven to be its own.
public struct PeerCertificate: Hashable, Sendable {
    /// Who holds it.
    public let name: SPIFFEName
    /// From when on it is valid, in seconds since 1970: an older one may have been revoked.
    public let validFrom: Int64

    /// What a certificate says.
    public init(name: SPIFFEName, validFrom: Int64) {
        self.name = name
        self.validFrom = validFrom
    }
}

/// What the certificate of the peer must say, and what was found.
final class PeerVerification {
    /// Whom a connection is for.
    enum Expectation: Sendable {
        /// Exactly this agent, with a certificate for servers.
        case server(SPIFFEName)
        /// Any pair in this trust domain, with a certificate for clients.
        case pair(of: ClusterID)

        fileprivate var usage: UInt32 {
            switch self {
            case .server: UInt32(XKU_SSL_SERVER)
            case .pair: UInt32(XKU_SSL_CLIENT)
            }
        }

        fileprivate func accepts(_ name: SPIFFEName) -> Bool {
            switch (self, name.role) {
            case (.server(let expected), _): name == expected
            case (.pair(let domain), .pair): name.trustDomain == domain
            case (.pair, .agent): false
            }
        }

        fileprivate var description: String {
            switch self {
            case .server(let expected): "\(expected)"
            case .pair(let domain): "spiffe://\(domain)/pair/…"
            }
        }
    }

    let expectation: Expectation
    /// What the peer's certificate says, once that has been accepted.
    private(set) var peer: PeerCertificate?
    /// Why the certificate was refused.
    private(set) var rejection: TransportError?

    init(_ expectation: Expectation) { self.expectation = expectation }

    /// Judges one certificate of the chain; false ends the handshake.
    fileprivate func judge(_ store: OpaquePointer, isValid: Bool) -> Bool {
        guard isValid else {
            self.rejection = Self.rejection(ofCode: X509_STORE_CTX_get_error(store))
            return false
        }
        // Depth 0 is the peer's own certificate; those above it only sign.
        guard X509_STORE_CTX_get_error_depth(store) == 0 else { return true }
        guard let certificate = X509_STORE_CTX_get_current_cert(store) else { return false }
        // An absent extension means "every usage" to libssl; for us it is no permission.
        guard X509_get_extension_flags(certificate) & UInt32(EXFLAG_XKUSAGE) != 0,
            X509_get_extended_key_usage(certificate) & self.expectation.usage != 0
        else {
            return self.refuse(
                store,
                X509_V_ERR_INVALID_PURPOSE,
                .wrongUsage,
                "the certificate is not made for this end of a connection"
            )
        }
        let names = URINames.of(certificate)
        guard names.count == 1, let name = names.first.flatMap({ SPIFFEName($0) }) else {
            return self.refuse(
                store,
                X509_V_ERR_HOSTNAME_MISMATCH,
                .wrongName,
                "the certificate does not carry exactly one name of ours"
            )
        }
        guard self.expectation.accepts(name) else {
            return self.refuse(
                store,
                X509_V_ERR_HOSTNAME_MISMATCH,
                .wrongName,
                "the certificate is of \(name), expected \(self.expectation.description)"
            )
        }
        self.peer = PeerCertificate(name: name, validFrom: Self.start(of: certificate))
        return true
    }

    private static func start(of certificate: OpaquePointer) -> Int64 {
        var time = tm()
        // Valid by now, so it has a time; one that cannot be read counts as the oldest of all.
        guard ASN1_TIME_to_tm(X509_get0_notBefore(certificate), &time) == 1 else { return .min }
        return Int64(timegm(&time))
    }

    private func refuse(
        _ store: OpaquePointer,
        _ code: Int32,
        _ reason: TransportError.Reason,
        _ what: String
    ) -> Bool {
        X509_STORE_CTX_set_error(store, code)
        self.rejection = TransportError(.certificateRejected, what, reason: reason)
        return false
    }

    private static func rejection(ofCode code: Int32) -> TransportError {
        let reason: TransportError.Reason =
            switch code {
            case X509_V_ERR_CERT_HAS_EXPIRED: .expired
            case X509_V_ERR_CERT_NOT_YET_VALID: .notYetValid
            case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
                X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
                X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
                X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
                X509_V_ERR_CERT_SIGNATURE_FAILURE:
                .unknownAuthority
            case X509_V_ERR_INVALID_PURPOSE: .wrongUsage
            case X509_V_ERR_CERT_REVOKED: .revoked
            case _: .badCertificate
            }
        let text = String(cString: X509_verify_cert_error_string(Int(code)))
        return TransportError(
            .certificateRejected,
            "the peer's certificate is refused: \(text)",
            reason: reason
        )
    }

    // MARK: Attaching to a connection

    /// Makes libssl ask this object; it must outlive the handshake.
    func attach(to ssl: OpaquePointer) {
        SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Makes every connection of a context ask the object that is attached to it.
    static func require(in context: OpaquePointer) {
        SSL_CTX_set_verify(
            context,
            SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
            verifyPeer
        )
    }
}

private func verifyPeer(_ isValid: Int32, _ store: OpaquePointer?) -> Int32 {
    guard let store,
        let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let object = SSL_get_ex_data(OpaquePointer(ssl), 0)
    else { return 0 }
    let verification = Unmanaged<PeerVerification>.fromOpaque(object).takeUnretainedValue()
    return verification.judge(store, isValid: isValid == 1) ? 1 : 0
}

/// The URI names among the alternative names of a certificate.
enum URINames {
    /// All of them, in order; one that is no UTF-8 counts as an empty text.
    static func of(_ certificate: OpaquePointer) -> [String] {
        guard let names = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else {
            return []
        }
        let list = OpaquePointer(names)
        defer { GENERAL_NAMES_free(list) }
        return (0..<godwit_general_name_count(list))
            .compactMap { index in
                var length: Int32 = 0
                guard let bytes = godwit_general_name_uri(list, index, &length), length >= 0 else {
                    return nil
                }
                let buffer = UnsafeBufferPointer(start: bytes, count: Int(length))
                return String(validating: buffer, as: UTF8.self) ?? ""
            }
    }
}
