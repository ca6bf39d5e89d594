// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Identity

/// Ways in which a test's client or server breaks our rules; the product never makes one.
package struct BrokenRules: Sendable {
    /// Offers nothing newer than TLS 1.2.
    package var speaksTLS12 = false
    /// Keeps its certificate to itself.
    package var hidesCertificate = false
    /// Shows a certificate that is made for the other end.
    package var misusesCertificate = false

    package init(
        speaksTLS12: Bool = false,
        hidesCertificate: Bool = false,
        misusesCertificate: Bool = false
    ) {
        self.speaksTLS12 = speaksTLS12
        self.hidesCertificate = hidesCertificate
        self.misusesCertificate = misusesCertificate
    }
}

/// The settings that all connections of one client or listener share.
///
/// libssl counts references to a context and locks it inside, and nothing changes it after
/// `init`; so threads may share it.
final class TLSContext: @unchecked Sendable {
    /// Which end of a connection.
    enum Side {
        case client
        case server

        fileprivate func mayUse(_ name: SPIFFEName?) -> Bool {
            switch (self, name?.role) {
            case (.client, .pair?), (.server, .agent?): true
            case (.client, .agent?), (.server, .pair?), (_, nil): false
            }
        }
    }

    let side: Side
    let pointer: OpaquePointer
    /// The name in the own certificate; nil only where a test breaks the rules.
    let ownName: SPIFFEName?

    init(
        _ side: Side,
        _ credentials: TLSCredentials,
        breaking rules: BrokenRules = BrokenRules()
    ) throws(TransportError) {
        let method = side == .client ? TLS_client_method() : TLS_server_method()
        ERR_clear_error()
        guard let pointer = SSL_CTX_new(method) else {
            throw TransportError(.outOfResources, "cannot make a TLS context")
        }
        let ownName: SPIFFEName?
        do throws(TransportError) {
            Self.restrict(pointer, rules)
            ownName = try Self.use(credentials, in: pointer, rules)
            guard rules.misusesCertificate || side.mayUse(ownName) else {
                let name = ownName.map { "\($0)" } ?? "nobody"
                throw TransportError(
                    .badCredentials,
                    "a certificate of \(name) is not for a \(side)"
                )
            }
        } catch {
            // Before any property is set: a complete object would free it again in `deinit`.
            SSL_CTX_free(pointer)
            throw error
        }
        self.side = side
        self.pointer = pointer
        self.ownName = ownName
    }

    deinit { SSL_CTX_free(self.pointer) }

    private static func restrict(_ context: OpaquePointer, _ rules: BrokenRules) {
        let version = rules.speaksTLS12 ? TLS1_2_VERSION : TLS1_3_VERSION
        _ = godwit_ctx_set_min_version(context, version)
        _ = godwit_ctx_set_max_version(context, version)
        // The default order starts with AES-256, which costs more and protects no better here.
        SSL_CTX_set_ciphersuites(
            context,
            "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
        )
        // No resumption: each connection checks the certificates anew, so that an expired or
        // revoked pair is out at its next connection. A handshake costs one millisecond.
        SSL_CTX_set_num_tickets(context, 0)
        godwit_ctx_disable_session_cache(context)
        godwit_ctx_disable_tickets(context)
        // Buffering is in WireBuffer; here it would move the rest of its buffer per record.
        godwit_ctx_set_read_ahead(context, 0)
        PeerVerification.require(in: context)
        SSL_CTX_set_verify_depth(context, 4)
    }

    private static func use(
        _ credentials: TLSCredentials,
        in context: OpaquePointer,
        _ rules: BrokenRules
    ) throws(TransportError) -> SPIFFEName? {
        guard let store = SSL_CTX_get_cert_store(context) else {
            throw TransportError(.outOfResources, "a TLS context without a store")
        }
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), UInt(X509_V_FLAG_X509_STRICT))
        let authorities = try PEMReader.certificates(credentials.trustPEM, "trust")
        for authority in authorities {
            guard X509_STORE_add_cert(store, authority.pointer) == 1 else {
                throw self.badCredentials("an authority's certificate is refused")
            }
        }
        let chain = try PEMReader.certificates(credentials.certificateChainPEM, "certificate")
        guard let own = chain.first else { throw self.badCredentials("there is no certificate") }
        let names = URINames.of(own.pointer)
        let ownName = names.count == 1 ? names.first.flatMap { SPIFFEName($0) } : nil
        guard !rules.hidesCertificate else { return ownName }
        let key = try PEMReader.privateKey(credentials.privateKeyPEM)
        guard SSL_CTX_use_certificate(context, own.pointer) == 1,
            SSL_CTX_use_PrivateKey(context, key.pointer) == 1,
            SSL_CTX_check_private_key(context) == 1
        else { throw self.badCredentials("certificate and key do not belong together") }
        for certificate in chain.dropFirst() {
            guard godwit_ctx_add_chain_certificate(context, certificate.pointer) == 1 else {
                throw self.badCredentials("a certificate of the chain is refused")
            }
        }
        return ownName
    }

    private static func badCredentials(_ what: String) -> TransportError {
        let text = OpenSSLError.latest().map { ": \($0.text)" } ?? ""
        return TransportError(.badCredentials, what + text)
    }
}

/// A certificate that we own a reference to.
final class OwnedCertificate {
    let pointer: OpaquePointer
    init(_ pointer: OpaquePointer) { self.pointer = pointer }
    deinit { X509_free(self.pointer) }
}

/// A private key that we own a reference to.
final class OwnedKey {
    let pointer: OpaquePointer
    init(_ pointer: OpaquePointer) { self.pointer = pointer }
    deinit { EVP_PKEY_free(self.pointer) }
}

/// Certificates and keys out of PEM texts.
private enum PEMReader {
    /// All certificates in the text, at least one.
    static func certificates(
        _ text: String,
        _ what: String
    ) throws(TransportError) -> [OwnedCertificate] {
        var certificates: [OwnedCertificate] = []
        var end: OpenSSLError?
        ERR_clear_error()
        self.withMemory(text) { memory in
            while let pointer = PEM_read_bio_X509(memory, nil, nil, nil) {
                certificates.append(OwnedCertificate(pointer))
            }
            end = OpenSSLError.latest()
        }
        guard !certificates.isEmpty, end?.isEndOfPEM == true else {
            throw TransportError(.badCredentials, "the \(what) is no PEM text of certificates")
        }
        return certificates
    }

    static func privateKey(_ text: String) throws(TransportError) -> OwnedKey {
        var key: OwnedKey?
        ERR_clear_error()
        self.withMemory(text) { memory in
            // An empty pass phrase: otherwise libcrypto asks the terminal for one.
            var noPassPhrase: CChar = 0
            key = PEM_read_bio_PrivateKey(memory, nil, nil, &noPassPhrase).map { OwnedKey($0) }
        }
        ERR_clear_error()
        guard let key else {
            throw TransportError(.badCredentials, "the private key is no PEM text of a plain key")
        }
        return key
    }

    private static func withMemory(_ text: String, _ body: (OpaquePointer) -> Void) {
        var text = text
        text.withUTF8 { bytes in
            guard let memory = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count))
            else { return }
            defer { BIO_free(memory) }
            body(memory)
        }
    }
}
