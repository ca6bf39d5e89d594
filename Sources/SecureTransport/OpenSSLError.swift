// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// One entry of libssl's queue of errors for this thread.
struct OpenSSLError {
    let code: UInt

    /// The newest entry; empties the queue.
    static func latest() -> OpenSSLError? {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        return code == 0 ? nil : OpenSSLError(code: code)
    }

    /// The oldest entry, which is the cause where several layers report; empties the queue.
    static func cause() -> OpenSSLError? {
        let code = ERR_peek_error()
        ERR_clear_error()
        return code == 0 ? nil : OpenSSLError(code: code)
    }

    var isEndOfPEM: Bool { godwit_error_is_end_of_pem(self.code) != 0 }

    var text: String {
        ERR_reason_error_string(self.code).map { String(cString: $0) } ?? "error \(self.code)"
    }

    /// What this means for the connection.
    var transportError: TransportError {
        guard godwit_error_is_from_ssl(self.code) != 0 else {
            return TransportError(.handshakeFailed, "TLS failed: \(self.text)", reason: .other)
        }
        let number = godwit_error_reason(self.code)
        if number == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE {
            return TransportError(
                .certificateRejected,
                "the peer shows no certificate",
                reason: .noCertificate
            )
        }
        if let reason = Self.refusal(number) {
            return TransportError(
                .refusedByPeer,
                "the peer refuses our certificate: \(self.text)",
                reason: reason
            )
        }
        return TransportError(
            .handshakeFailed,
            "TLS failed: \(self.text)",
            reason: Self.failure(number)
        )
    }

    /// The alerts with which a peer refuses our certificate.
    private static func refusal(_ number: Int32) -> TransportError.Reason? {
        switch number {
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED: .expired
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED: .revoked
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA: .unknownAuthority
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED: .noCertificate
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: .wrongUsage
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
            SSL_R_TLSV1_ALERT_ACCESS_DENIED, SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
            .badCertificate
        case _: nil
        }
    }

    private static func failure(_ number: Int32) -> TransportError.Reason {
        switch number {
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
            SSL_R_WRONG_SSL_VERSION, SSL_R_VERSION_TOO_LOW, SSL_R_NO_PROTOCOLS_AVAILABLE,
            SSL_R_UNKNOWN_PROTOCOL:
            .protocolVersion
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST,
            SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_BAD_RECORD_TYPE, SSL_R_UNEXPECTED_MESSAGE,
            SSL_R_RECORD_LENGTH_MISMATCH, SSL_R_LENGTH_TOO_SHORT:
            .notTLS
        case _: .other
        }
    }
}
