// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import FoundationEssentials
import Identity
import SwiftASN1
import Testing
import X509

/// A moment that no test takes from a clock.
let noon = Date(timeIntervalSince1970: 1_800_000_000)
let destination = ClusterID(halves: Halves(high: 1, low: 2))
let source = ClusterID(halves: Halves(high: 3, low: 4))

@Suite struct CertificateTests {
    let authority: CertificateAuthority
    let key = SigningKey()

    init() throws {
        self.authority = try CertificateAuthority.create(for: destination, at: noon)
    }

    func pair(lifetime: Duration = IdentityLimits.pairLifetime) throws -> IssuedCertificate {
        let request = try CertificateRequest(for: self.key, of: source)
        return try self.authority.certifyPair(request, of: source, at: noon, lifetime: lifetime)
    }

    @Test func anAuthoritySurvivesItsTwoTexts() throws {
        let again = try CertificateAuthority(
            certificatePEM: self.authority.certificate.pem,
            privateKeyPEM: self.authority.privateKeyPEM
        )
        #expect(again.cluster == destination)
        #expect(again.certificate.fingerprint == self.authority.certificate.fingerprint)
        let issued = try again.certifyAgent(self.key, at: noon)
        try self.authority.certificate.check(issued, isOf: .agent(of: destination), at: noon)
    }

    @Test func anAuthorityWithAnotherKeyIsRefused() throws {
        let error = #expect(throws: IdentityError.self) {
            try CertificateAuthority(
                certificatePEM: self.authority.certificate.pem,
                privateKeyPEM: SigningKey().pem
            )
        }
        #expect(error?.code == .keyMismatch)
    }

    @Test func aCertificateOfAnAgentIsNoAuthority() throws {
        let issued = try self.authority.certifyAgent(self.key, at: noon)
        let error = #expect(throws: IdentityError.self) {
            try AuthorityCertificate(der: issued.der)
        }
        #expect(error?.code == .malformed)
    }

    @Test func theAuthorityMaySignOnlyCertificates() throws {
        let certificate = try Certificate(pemEncoded: self.authority.certificate.pem)
        let constraints = try certificate.extensions.basicConstraints
        #expect(constraints == .isCertificateAuthority(maxPathLength: 0))
        let usage = try #require(try certificate.extensions.keyUsage)
        #expect(usage.keyCertSign && !usage.digitalSignature)
    }

    @Test func anAgentServesAndAPairCalls() throws {
        let agent = try Certificate(
            pemEncoded: try self.authority.certifyAgent(self.key, at: noon).pem
        )
        #expect(try agent.extensions.extendedKeyUsage == ExtendedKeyUsage([.serverAuth]))
        let pair = try Certificate(pemEncoded: try self.pair().pem)
        #expect(try pair.extensions.extendedKeyUsage == ExtendedKeyUsage([.clientAuth]))
        #expect(try pair.extensions.basicConstraints == .notCertificateAuthority)
    }

    @Test func theNameOfAPairComesFromTheAuthorityAndNotFromTheRequest() throws {
        let request = try CertificateRequest(for: self.key, of: destination)
        let issued = try self.authority.certifyPair(request, of: source, at: noon)
        #expect(issued.name == .pair(of: source, at: destination))
    }

    @Test func hostsStandBesideTheOneName() throws {
        let issued = try self.authority.certifyAgent(
            self.key,
            hosts: ["127.0.0.1", "::1", "node.example"],
            at: noon
        )
        let names = try #require(
            try Certificate(pemEncoded: issued.pem).extensions.subjectAlternativeNames
        )
        #expect(names.count == 4)
        #expect(names.contains(.dnsName("node.example")))
        #expect(try IssuedCertificate(pem: issued.pem).name == .agent(of: destination))
    }

    @Test func validityStartsFiveMinutesEarlierAndLastsAsLongAsAsked() throws {
        let issued = try self.pair(lifetime: .seconds(3000))
        #expect(issued.notBefore == noon.addingTimeInterval(-300))
        #expect(issued.notAfter == noon.addingTimeInterval(3000))
        // Two thirds of 3,300 seconds after the start.
        #expect(issued.renewalPoint == noon.addingTimeInterval(1900))
        #expect(!issued.needsRenewal(at: noon.addingTimeInterval(1899)))
        #expect(issued.needsRenewal(at: noon.addingTimeInterval(1900)))
        #expect(issued.needsRenewal(at: noon.addingTimeInterval(1_000_000)))
    }

    @Test func serialNumbersAreRandom() throws {
        let serials = try (0..<20)
            .map { _ in
                try Certificate(pemEncoded: try self.pair().pem).serialNumber
            }
        #expect(Set(serials).count == 20)
        #expect(serials.allSatisfy { $0.bytes.count >= 15 })
    }

    @Test func theAuthorityKnowsItsOwn() throws {
        let issued = try self.pair()
        let name = SPIFFEName.pair(of: source, at: destination)
        let certificate = self.authority.certificate
        try certificate.check(issued, isOf: name, at: noon)
        try certificate.check(IssuedCertificate(der: issued.der), isOf: name, at: noon)
    }

    @Test func theAuthorityRefusesAnotherNameTimeOrSigner() throws {
        let issued = try self.pair(lifetime: .seconds(60))
        let name = SPIFFEName.pair(of: source, at: destination)
        let certificate = self.authority.certificate
        let other = try CertificateAuthority.create(for: destination, at: noon).certificate
        let refused: [(AuthorityCertificate, SPIFFEName, Date)] = [
            (certificate, .agent(of: destination), noon),
            (certificate, .pair(of: destination, at: destination), noon),
            (certificate, name, noon.addingTimeInterval(61)),
            (certificate, name, noon.addingTimeInterval(-301)),
            (other, name, noon),
        ]
        for (authority, name, time) in refused {
            let error = #expect(throws: IdentityError.self) {
                try authority.check(issued, isOf: name, at: time)
            }
            #expect(error?.code == .notCertified)
        }
    }

    @Test func credentialsNeedTheKeyOfTheCertificate() throws {
        let issued = try self.pair()
        let credentials = try issued.credentials(
            key: self.key,
            trusting: self.authority.certificate
        )
        #expect(credentials.certificateChainPEM == issued.pem)
        let error = #expect(throws: IdentityError.self) {
            try issued.credentials(key: SigningKey(), trusting: self.authority.certificate)
        }
        #expect(error?.code == .keyMismatch)
    }

    @Test(arguments: ["", "x", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"])
    func textsThatAreNoneAreMalformed(text: String) {
        #expect(throws: IdentityError.self) { try IssuedCertificate(pem: text) }
        #expect(throws: IdentityError.self) { try AuthorityCertificate(pem: text) }
        #expect(throws: IdentityError.self) { try SigningKey(pem: text) }
        #expect(throws: IdentityError.self) {
            try CertificateAuthority(certificatePEM: text, privateKeyPEM: text)
        }
    }

    @Test func aDamagedCertificateNeverTraps() throws {
        let der = try self.pair().der
        let name = SPIFFEName.pair(of: source, at: destination)
        for index in der.indices {
            var damaged = der
            damaged[index] ^= 0xff
            // Each byte is under the signature, or is the signature, or frames both.
            #expect(throws: IdentityError.self, "byte \(index)") {
                try self.authority.certificate.check(
                    IssuedCertificate(der: damaged),
                    isOf: name,
                    at: noon
                )
            }
            #expect(throws: IdentityError.self) {
                try IssuedCertificate(der: Array(der[..<index]))
            }
        }
    }

    @Test func secretsDescribeNothing() throws {
        let credentials = try self.pair()
            .credentials(
                key: self.key,
                trusting: self.authority.certificate
            )
        for text in ["\(self.key)", "\(credentials)", String(reflecting: credentials)] {
            #expect(text.contains("secret"))
            #expect(!text.contains("PRIVATE"))
        }
    }
}
