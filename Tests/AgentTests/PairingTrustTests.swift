// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Identity
import Testing

@testable import Agent

/// What the token does not open, and when it opens nothing any more (P8).
@Suite struct PairingTrustTests {
    private let scratch: Scratch
    private let clock = TestClock()
    private let identity: AgentIdentity
    private let registry: PairRegistry
    private let desk: PairingDesk

    init() throws {
        self.scratch = try Scratch()
        let clock = self.clock
        let directory = self.scratch.path
        self.identity = try AgentIdentity(directory: "\(directory)/d", now: { clock.now })
        self.registry = try PairRegistry(
            directory: "\(directory)/d/pairs",
            catalogue: try Catalogue(path: "\(directory)/catalogue.sqlite")
        )
        self.desk = PairingDesk(
            identity: self.identity,
            registry: self.registry,
            lifetime: .seconds(3600),
            now: { clock.now }
        )
    }

    /// A source that has begun to pair.
    private struct Begun {
        let transcript: PairingTranscript
        let session: String
        let authority: CertificateAuthority
    }

    private func authority(_ cluster: ClusterID? = nil) throws -> CertificateAuthority {
        var generator = SystemRandomNumberGenerator()
        return try CertificateAuthority.create(
            for: cluster ?? .random(using: &generator),
            at: self.clock.now
        )
    }

    private func begin(
        _ authority: CertificateAuthority,
        name: String = "src"
    ) async throws -> Begun {
        var generator = SystemRandomNumberGenerator()
        let nonce = PairingNonce.random(using: &generator)
        let request = try CertificateRequest(for: SigningKey(), of: authority.cluster)
        let answer = try await self.desk.start(
            PairingStartRequest(
                cluster: "\(authority.cluster)",
                name: name,
                nonce: Hexadecimal.text(of: nonce.bytes),
                request: Hexadecimal.text(of: request.der)
            ),
            from: "10.0.0.1"
        )
        let transcript = PairingTranscript(
            source: authority.cluster,
            sourceNonce: nonce,
            request: request,
            destination: self.identity.cluster,
            destinationNonce: try #require(
                Hexadecimal.bytes(of: answer.nonce).flatMap { PairingNonce($0) }
            ),
            authority: self.identity.authority.certificate
        )
        return Begun(transcript: transcript, session: answer.session, authority: authority)
    }

    private func finish(
        _ begun: Begun,
        token: PairingToken? = nil,
        showing shown: CertificateAuthority? = nil
    ) async throws -> TrustRecord {
        let proof = begun.transcript.proof(of: .source, under: token ?? self.identity.token)
        let signature = try begun.transcript.signature(by: begun.authority)
        return try await self.desk
            .finish(
                PairingFinishRequest(
                    session: begun.session,
                    proof: Hexadecimal.text(of: proof),
                    apiPort: 1,
                    dataPort: 2,
                    authority: (shown ?? begun.authority).certificate.pem,
                    signature: Hexadecimal.text(of: signature)
                ),
                from: "10.0.0.1",
                dataPort: 3
            )
            .1
    }

    @Test func aTokenThatIsResetEndsThePairingsUnderWay() async throws {
        let old = self.identity.token
        let begun = try await self.begin(self.authority())
        _ = try self.identity.resetToken()
        await #expect(throws: APIError.self) { _ = try await self.finish(begun, token: old) }
        #expect(self.registry.all.isEmpty)
    }

    @Test(arguments: [
        "", "\u{1b}[2J", "two words", "a/b", "-x", String(repeating: "n", count: 254),
    ])
    func aNameThatIsNoneIsRefused(name: String) async throws {
        let error = await #expect(throws: APIError.self) {
            _ = try await self.begin(self.authority(), name: name)
        }
        #expect(error?.id == .invalidName)
    }

    @Test func noTwoPairsGetOneName() async throws {
        let first = try await self.finish(try await self.begin(self.authority()))
        let second = try self.authority()
        // Somebody else has what the second one would get.
        let squatter = try await self.finish(
            try await self.begin(
                self.authority(),
                name: "src-\("\(second.cluster)".prefix(8))"
            )
        )
        let last = try await self.finish(try await self.begin(second))
        #expect(Set([first, squatter, last].map(\.pair.name)).count == 3)
    }

    @Test func whoKnowsTheTokenCannotPairInTheNameOfAnotherCluster() async throws {
        let victim = try self.authority()
        let record = try await self.finish(try await self.begin(victim))
        // The victim's authority is public: who asks its port 9001 gets it. Its key is not.
        let thief = try self.authority(victim.cluster)
        let borrowed = try await self.begin(thief)
        await #expect(throws: APIError.self) {
            _ = try await self.finish(borrowed, showing: victim)
        }
        let own = try await self.begin(thief)
        await #expect(throws: APIError.self) { _ = try await self.finish(own) }
        #expect(self.registry.all == [record])
        // The victim itself may pair again.
        _ = try await self.finish(try await self.begin(victim))
    }

    @Test func aCertificateFromBeforeThePairingOpensNothing() async throws {
        let source = try self.authority()
        let first = try await self.finish(try await self.begin(source))
        let old = try IssuedCertificate(pem: try #require(first.certificate))
        #expect(first.admits(certificateFrom: old.notBefore))
        try self.registry.remove(first)
        self.clock.advance(by: 10)
        let second = try await self.finish(try await self.begin(source))
        let new = try IssuedCertificate(pem: try #require(second.certificate))
        #expect(!second.admits(certificateFrom: old.notBefore))
        #expect(second.admits(certificateFrom: new.notBefore))
    }

    @Test func pairingAgainLeavesTheCertificatesOfAPairInForceGood() async throws {
        let source = try self.authority()
        let first = try await self.finish(try await self.begin(source))
        let old = try IssuedCertificate(pem: try #require(first.certificate))
        for step in [10.0, -7200] {
            self.clock.advance(by: step)
            let again = try await self.finish(try await self.begin(source))
            let new = try IssuedCertificate(pem: try #require(again.certificate))
            #expect(again.admits(certificateFrom: old.notBefore))
            #expect(again.admits(certificateFrom: new.notBefore))
        }
    }

    @Test func ofTwoPairingsAtOnceThatAdoptTheFirstGivesTheName() async throws {
        var record = try await self.finish(try await self.begin(self.authority(), name: "a"))
        record.pair.name = "later"
        #expect(try self.registry.store(record, keepingName: true).pair.name == "a")
        #expect(self.registry.all.map(\.pair.name) == ["a"])
    }

    @Test func aRenewalHoldsAlsoWhereTheClockWasSetBack() async throws {
        let source = try self.authority()
        let record = try await self.finish(try await self.begin(source))
        self.clock.advance(by: -7200)
        let request = try CertificateRequest(for: SigningKey(), of: source.cluster)
        let answer = try await self.desk.renew(
            CertificateRenewRequest(request: Hexadecimal.text(of: request.der)),
            of: source.cluster,
            record,
            dataPort: 3
        )
        let renewed = try IssuedCertificate(pem: answer.certificate)
        let current = try #require(self.registry.incoming(source.cluster))
        #expect(current.admits(certificateFrom: renewed.notBefore))
    }

    @Test func ofTwoPairingsAtOnceOneGetsTheName() async throws {
        var first = try await self.finish(try await self.begin(self.authority(), name: "a"))
        let second = try await self.finish(try await self.begin(self.authority(), name: "b"))
        first.pair.name = second.pair.name
        let error = #expect(throws: APIError.self) { try self.registry.store(first) }
        #expect(error?.id == .pairExists)
        #expect(self.registry.all.map(\.pair.name) == ["a", "b"])
    }
}
