// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import FoundationEssentials
import Identity
import TestSupport
import Testing

@Suite struct PairingTokenTests {
    var generator = SeededGenerator(seed: 1)

    @Test mutating func aTokenIs128HexadecimalDigits() throws {
        let token = PairingToken.random(using: &self.generator)
        #expect(token.text.utf8.count == 128)
        #expect(token.text.allSatisfy { $0.isHexDigit && !$0.isUppercase })
        let again = try #require(PairingToken(token.text.uppercased()))
        #expect(again.matches(token))
    }

    @Test mutating func everyDigitCounts() throws {
        let token = PairingToken.random(using: &self.generator)
        for index in 0..<128 {
            var digits = Array(token.text)
            digits[index] = digits[index] == "0" ? "1" : "0"
            let other = try #require(PairingToken(String(digits)))
            #expect(!other.matches(token))
        }
    }

    @Test(arguments: [
        "", "00", String(repeating: "0", count: 127), String(repeating: "0", count: 129),
        String(repeating: "0", count: 130), String(repeating: "g", count: 128),
        String(repeating: "0", count: 127) + "\n",
    ])
    func everyOtherTextIsNoToken(text: String) {
        #expect(PairingToken(text) == nil)
    }

    @Test mutating func aTokenDescribesNothing() {
        let token = PairingToken.random(using: &self.generator)
        #expect("\(token)" == "(secret token)")
        #expect(String(reflecting: token) == "(secret token)")
    }
}

@Suite struct PairingTranscriptTests {
    let token: PairingToken
    let sourceNonce: PairingNonce
    let destinationNonce: PairingNonce
    let otherNonce: PairingNonce
    let request: CertificateRequest
    let authority: AuthorityCertificate

    init() throws {
        var generator = SeededGenerator(seed: 2)
        self.token = .random(using: &generator)
        self.sourceNonce = .random(using: &generator)
        self.destinationNonce = .random(using: &generator)
        self.otherNonce = .random(using: &generator)
        self.request = try CertificateRequest(for: SigningKey(), of: source)
        self.authority = try CertificateAuthority.create(for: destination, at: noon).certificate
    }

    func transcript(
        source: ClusterID = source,
        sourceNonce: PairingNonce? = nil,
        request: CertificateRequest? = nil,
        destination: ClusterID = destination,
        destinationNonce: PairingNonce? = nil,
        authority: AuthorityCertificate? = nil
    ) -> PairingTranscript {
        PairingTranscript(
            source: source,
            sourceNonce: sourceNonce ?? self.sourceNonce,
            request: request ?? self.request,
            destination: destination,
            destinationNonce: destinationNonce ?? self.destinationNonce,
            authority: authority ?? self.authority
        )
    }

    @Test func bothSidesAcceptEachOther() {
        let seen = self.transcript()
        for role in [PairingTranscript.Role.source, .destination] {
            let proof = seen.proof(of: role, under: self.token)
            #expect(proof.count == 32)
            #expect(self.transcript().isProof(proof, of: role, under: self.token))
        }
    }

    @Test func somebodyInTheMiddleWithAnotherAuthorityFails() throws {
        let other = try CertificateAuthority.create(for: destination, at: noon).certificate
        self.expectRefused(self.transcript(authority: other))
    }

    @Test func somebodyInTheMiddleWithAnotherRequestFails() throws {
        let other = try CertificateRequest(for: SigningKey(), of: source)
        self.expectRefused(self.transcript(request: other))
    }

    @Test func anOldProofOrAnotherClusterFails() {
        self.expectRefused(self.transcript(sourceNonce: self.otherNonce))
        self.expectRefused(self.transcript(destinationNonce: self.otherNonce))
        self.expectRefused(self.transcript(source: destination))
        self.expectRefused(self.transcript(destination: source))
        self.expectRefused(
            self.transcript(
                sourceNonce: self.destinationNonce,
                destinationNonce: self.sourceNonce
            )
        )
    }

    @Test func aProofSentBackAsTheOtherOneFails() {
        let seen = self.transcript()
        let proof = seen.proof(of: .source, under: self.token)
        #expect(!seen.isProof(proof, of: .destination, under: self.token))
    }

    @Test func anotherTokenFails() throws {
        let other = try #require(PairingToken(String(repeating: "0", count: 128)))
        let seen = self.transcript()
        let proof = seen.proof(of: .destination, under: other)
        #expect(!seen.isProof(proof, of: .destination, under: self.token))
    }

    @Test func onlyTheKeyOfTheSourcesAuthoritySigns() throws {
        let own = try CertificateAuthority.create(for: source, at: noon)
        let namesake = try CertificateAuthority.create(for: source, at: noon)
        let seen = self.transcript()
        let signature = try seen.signature(by: own)
        #expect(signature.count == 64)
        #expect(seen.isSigned(signature, by: own.certificate))
        #expect(!seen.isSigned(signature, by: namesake.certificate))
        #expect(!seen.isSigned(try seen.signature(by: namesake), by: own.certificate))
        let other = self.transcript(sourceNonce: self.otherNonce)
        #expect(!other.isSigned(signature, by: own.certificate))
        for wrong in [[], Array(signature.dropLast()), signature + [0]] {
            #expect(!seen.isSigned(wrong, by: own.certificate))
        }
    }

    @Test func aProofOfAnotherLengthFails() {
        let seen = self.transcript()
        let proof = seen.proof(of: .destination, under: self.token)
        #expect(!seen.isProof([], of: .destination, under: self.token))
        #expect(!seen.isProof(Array(proof.dropLast()), of: .destination, under: self.token))
        #expect(!seen.isProof(proof + [0], of: .destination, under: self.token))
    }

    /// What one side proves about `altered`, the other refuses, and the other way round.
    private func expectRefused(_ altered: PairingTranscript) {
        let seen = self.transcript()
        for role in [PairingTranscript.Role.source, .destination] {
            let proof = altered.proof(of: role, under: self.token)
            #expect(!seen.isProof(proof, of: role, under: self.token))
        }
    }
}
