// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Identity
import Locks
import Testing

@testable import Agent

@Suite struct PairingDeskTests {
    private let scratch: Scratch

    init() throws { self.scratch = try Scratch() }

    private struct Side {
        let identity: AgentIdentity
        let desk: PairingDesk
        let registry: PairRegistry
    }

    private func side(
        _ name: String,
        now: @escaping @Sendable () -> Date = { Date() }
    ) throws -> Side {
        let directory = "\(self.scratch.path)/\(name)"
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true
        )
        let catalogue = try Catalogue(path: "\(directory)/catalogue.sqlite")
        let identity = try AgentIdentity(directory: "\(directory)/identity", now: now)
        let registry = try PairRegistry(
            directory: "\(directory)/identity/pairs",
            catalogue: catalogue
        )
        let desk = PairingDesk(
            identity: identity,
            registry: registry,
            lifetime: .seconds(3600),
            now: now
        )
        return Side(identity: identity, desk: desk, registry: registry)
    }

    private func start(
        _ source: Side
    ) throws -> (PairingStartRequest, PairingNonce, CertificateRequest) {
        var generator = SystemRandomNumberGenerator()
        let nonce = PairingNonce.random(using: &generator)
        let request = try CertificateRequest(for: SigningKey(), of: source.identity.cluster)
        let message = PairingStartRequest(
            cluster: "\(source.identity.cluster)",
            name: "src",
            nonce: Hexadecimal.text(of: nonce.bytes),
            request: Hexadecimal.text(of: request.der)
        )
        return (message, nonce, request)
    }

    private func transcript(
        _ source: Side,
        _ nonce: PairingNonce,
        _ request: CertificateRequest,
        _ answer: PairingStartResponse,
        authority: AuthorityCertificate
    ) throws -> PairingTranscript {
        let theirs = try #require(
            Hexadecimal.bytes(of: answer.nonce).flatMap { PairingNonce($0) }
        )
        return PairingTranscript(
            source: source.identity.cluster,
            sourceNonce: nonce,
            request: request,
            destination: authority.cluster,
            destinationNonce: theirs,
            authority: authority
        )
    }

    @Test func aRelayedProofDoesNotFitTheAuthorityOfTheManInTheMiddle() async throws {
        let (source, middle, destination) = (
            try self.side("s"), try self.side("m"), try self.side("d")
        )
        let (message, nonce, request) = try self.start(source)
        // The man in the middle passes the source's message on and the answer back, but the
        // source is connected to him, and so pins his authority.
        let answer = try await destination.desk.start(message, from: "10.0.0.9")
        let proof = try #require(Hexadecimal.bytes(of: answer.proof))
        let token = destination.identity.token
        let seen = try self.transcript(
            source,
            nonce,
            request,
            answer,
            authority: middle.identity.authority.certificate
        )
        #expect(!seen.isProof(proof, of: .destination, under: token))
        let honest = try self.transcript(
            source,
            nonce,
            request,
            answer,
            authority: destination.identity.authority.certificate
        )
        #expect(honest.isProof(proof, of: .destination, under: token))
    }

    @Test func theDestinationsProofSentBackIsNoProofOfTheSource() async throws {
        let (source, destination) = (try self.side("s"), try self.side("d"))
        let (message, _, _) = try self.start(source)
        let answer = try await destination.desk.start(message, from: "a")
        let finish = PairingFinishRequest(
            session: answer.session,
            proof: answer.proof,
            apiPort: 1,
            dataPort: 2,
            authority: source.identity.authority.certificate.pem,
            signature: ""
        )
        await #expect(throws: APIError.self) {
            _ = try await destination.desk.finish(finish, from: "a", dataPort: 3)
        }
        #expect(destination.registry.all.isEmpty)
    }

    @Test func aPairingEndsOnceAndInAMinute() async throws {
        let time = TestClock()
        let (source, destination) = (try self.side("s"), try self.side("d", now: { time.now }))
        let (message, nonce, request) = try self.start(source)
        let answer = try await destination.desk.start(message, from: "a")
        let transcript = try self.transcript(
            source,
            nonce,
            request,
            answer,
            authority: destination.identity.authority.certificate
        )
        let finish = PairingFinishRequest(
            session: answer.session,
            proof: Hexadecimal.text(
                of: transcript.proof(of: .source, under: destination.identity.token)
            ),
            apiPort: 1,
            dataPort: 2,
            authority: source.identity.authority.certificate.pem,
            signature: Hexadecimal.text(
                of: try transcript.signature(by: source.identity.authority)
            )
        )
        time.advance(by: 61)
        await #expect(throws: APIError.self) {
            _ = try await destination.desk.finish(finish, from: "a", dataPort: 3)
        }
    }

    @Test func fruitlessStartsAreLimitedForEachAddressAndForAMinute() async throws {
        let time = TestClock()
        let (source, destination) = (try self.side("s"), try self.side("d", now: { time.now }))
        for _ in 0..<PairingDesk.fruitlessStarts {
            _ = try await destination.desk.start(try self.start(source).0, from: "a")
        }
        do {
            _ = try await destination.desk.start(try self.start(source).0, from: "a")
            Issue.record("a sixth try was let in")
        } catch let error as APIError {
            #expect(error.id == .pairingLimited)
            #expect(error.retryAfter == 60)
            #expect(error.exitCode == 11)
        }
        _ = try await destination.desk.start(try self.start(source).0, from: "b")
        time.advance(by: 61)
        _ = try await destination.desk.start(try self.start(source).0, from: "a")
    }

    @Test func nonsenseIsRefusedWithoutATrap() async throws {
        let destination = try self.side("d")
        for (index, message) in [
            PairingStartRequest(cluster: "", name: "", nonce: "", request: ""),
            PairingStartRequest(
                cluster: String(repeating: "a", count: 32),
                name: "n",
                nonce: "zz",
                request: "00"
            ),
            PairingStartRequest(
                cluster: "\(destination.identity.cluster)",
                name: "n",
                nonce: String(repeating: "00", count: 32),
                request: "3000"
            ),
            PairingStartRequest(
                cluster: String(repeating: "a", count: 32),
                name: "n",
                nonce: String(repeating: "00", count: 32),
                request: "30820fff"
            ),
        ]
        .enumerated() {
            await #expect(throws: APIError.self) {
                _ = try await destination.desk.start(message, from: "a\(index)")
            }
        }
    }

    @Test func trustIsAdoptedFromItsFilesWhenTheCatalogueIsLost() throws {
        let side = try self.side("d")
        let other = try self.side("s")
        let record = TrustRecord(
            pair: PairEntry(
                name: "src",
                direction: .incoming,
                cluster: "\(other.identity.cluster)",
                host: "127.0.0.1",
                apiPort: 1,
                dataPort: 2,
                disasterRecovery: false,
                created: Date(timeIntervalSince1970: 1_800_000_000)
            ),
            authority: other.identity.authority.certificate.pem
        )
        try side.registry.store(record)
        let fresh = try Catalogue(path: "\(self.scratch.path)/fresh.sqlite")
        let registry = try PairRegistry(
            directory: "\(self.scratch.path)/d/identity/pairs",
            catalogue: fresh
        )
        #expect(registry.incoming(other.identity.cluster) == record)
        #expect(try fresh.pairs().map(\.name) == ["src"])
        try registry.remove(record)
        #expect(try fresh.pairs().isEmpty)
        let again = try PairRegistry(
            directory: "\(self.scratch.path)/d/identity/pairs",
            catalogue: fresh
        )
        #expect(again.all.isEmpty)
    }
}

/// A clock that a test moves.
final class TestClock: Sendable {
    private let time = Locked(Date(timeIntervalSince1970: 1_800_000_000))

    var now: Date { self.time.withLock { $0 } }
    func advance(by seconds: Double) { self.time.withLock { $0 += seconds } }
}
