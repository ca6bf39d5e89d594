// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import FoundationEssentials
import Identity
import SwiftASN1
import Testing
import X509

@Suite struct CertificateRequestTests {
    @Test func aRequestProvesThePossessionOfItsKey() throws {
        let key = SigningKey()
        let request = try CertificateRequest(for: key, of: source)
        let received = try CertificateRequest(untrusted: request.der)
        let authority = try CertificateAuthority.create(for: destination, at: noon)
        let issued = try authority.certifyPair(received, of: source, at: noon)
        #expect(issued.isFor(key))
        #expect(!issued.isFor(SigningKey()))
    }

    @Test func aRequestWithADamagedByteIsRefused() throws {
        let der = try CertificateRequest(for: SigningKey(), of: source).der
        for index in der.indices {
            var damaged = der
            damaged[index] ^= 0xff
            let error = #expect(throws: IdentityError.self, "byte \(index)") {
                try CertificateRequest(untrusted: damaged)
            }
            #expect(error?.code == .badRequest)
        }
    }

    @Test func aRequestThatIsCutOrTooLongIsRefused() throws {
        let der = try CertificateRequest(for: SigningKey(), of: source).der
        for count in 0..<der.count {
            #expect(throws: IdentityError.self) {
                try CertificateRequest(untrusted: Array(der[..<count]))
            }
        }
        #expect(throws: IdentityError.self) { try CertificateRequest(untrusted: der + [0]) }
        #expect(throws: IdentityError.self) {
            try CertificateRequest(untrusted: [UInt8](repeating: 0x30, count: 1 << 20))
        }
    }

    @Test func aRequestForAnotherKindOfKeyIsRefused() throws {
        let key = try Certificate.PrivateKey(pemEncoded: Self.edwardsKey)
        let request = try CertificateSigningRequest(
            version: .v1,
            subject: DistinguishedName(),
            privateKey: key,
            attributes: CertificateSigningRequest.Attributes()
        )
        let der = try request.serializeAsPEM().derBytes
        let error = #expect(throws: IdentityError.self) {
            try CertificateRequest(untrusted: der)
        }
        #expect(error?.what == "the certificate request is for another kind of key")
    }

    /// An Ed25519 key of no use to anybody: the example of RFC 8410 §10.3.
    static let edwardsKey = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
        -----END PRIVATE KEY-----
        """
}
