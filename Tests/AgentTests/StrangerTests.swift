// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Foundation
import Identity
import Testing

/// Who is refused at the ports of a real agent before any byte of an application (P8).
///
/// The stranger is OpenSSL's own client, so that no line of ours is on its side. It sends the same
/// request in each test; `thePairIsAnswered()` shows that the agent answers it when the
/// certificate is right, and afterwards each test shows that the agent goes on serving the pair.
@Suite(.serialized) struct StrangerTests {
    private let scratch: Scratch
    private let source: TestAgent
    private let destination: TestAgent

    /// No frame of 9010, and nothing that 9001 tells to a stranger: each port has an answer to it.
    private static let request =
        "GET /v1/peer/volumes HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    init() async throws {
        self.scratch = try Scratch()
        (self.source, self.destination) = try await TestAgent.paired(in: self.scratch.path)
        try await self.source.createVolume("db", size: "1MiB")
    }

    enum Port: CaseIterable {
        case data
        case api
    }

    private func number(of port: Port) -> Int {
        switch port {
        case .data: self.destination.dataPort
        case .api: self.destination.apiPort
        }
    }

    /// What a port answered: bytes of the application in hexadecimal digits, and what TLS said.
    private func answer(
        of port: Port,
        to credentials: TLSCredentials?,
        _ options: String = "-tls1_3"
    ) async throws -> (bytes: String, errors: String) {
        var line = "timeout 60 openssl s_client -quiet \(options) -connect "
        line += "127.0.0.1:\(self.number(of: port))"
        if let credentials {
            let certificate = try self.scratch.file("c.pem", credentials.certificateChainPEM)
            let key = try self.scratch.file("k.pem", credentials.privateKeyPEM)
            line += " -cert \(certificate) -key \(key)"
        }
        let result = try await Command.run(
            "/bin/sh",
            ["-c", "\(line) | od -An -v -tx1"],
            input: Self.request
        )
        return (result.output.filter(\.isHexDigit), result.errors)
    }

    /// Nothing but an alert of TLS came back, the log says why, and the pair is served as before.
    private func expectRefused(
        _ answer: (bytes: String, errors: String),
        _ alert: String?,
        logged reason: String?
    ) async throws {
        #expect(answer.bytes.isEmpty, "the application answered \(answer.bytes)")
        if let alert { #expect(answer.errors.contains(alert), "\(answer.errors)") }
        if let reason {
            try await eventually("the log says \(reason)") {
                self.destination.process.errors.split(separator: "\n")
                    .contains { $0.contains("connection refused") && $0.contains(reason) }
            }
        }
        let served = try await self.source.godwit("replicate", "db", "--to", "remote")
        #expect(served.status == 0, "\(served.errors)")
    }

    /// A certificate for the source as its destination would make it, but for one thing.
    private func certificate(
        by authority: CertificateAuthority,
        issued: Date = Date(),
        lifetime: Duration = .seconds(600)
    ) throws -> TLSCredentials {
        let own = try #require(self.source.version.cluster.flatMap { ClusterID($0) })
        let key = SigningKey()
        return
            try authority.certifyPair(
                CertificateRequest(for: key, of: own),
                of: own,
                at: issued,
                lifetime: lifetime
            )
            .credentials(key: key, trusting: authority.certificate)
    }

    @Test(arguments: Port.allCases)
    func thePairIsAnswered(port: Port) async throws {
        let answer = try await self.answer(of: port, to: try PoolFiles(of: self.source).outgoing())
        // "GDWT", the beginning of an error frame, and "HTTP/1.1 200".
        let beginning = port == .data ? "47445754" : "485454502f312e3120323030"
        #expect(answer.bytes.hasPrefix(beginning), "\(answer)")
        // And so is a certificate that this test makes, when nothing is wrong with it.
        let made = try self.certificate(by: try PoolFiles(of: self.destination).authority())
        let other = try await self.answer(of: port, to: made)
        #expect(other.bytes.hasPrefix(beginning), "\(other)")
    }

    @Test(arguments: Port.allCases)
    func aCertificateOfAnotherAuthorityIsRefused(port: Port) async throws {
        // Same names on it, another key behind them.
        let known = try PoolFiles(of: self.destination).authority()
        let wrong = try CertificateAuthority.create(for: known.cluster, at: Date())
        let answer = try await self.answer(of: port, to: try self.certificate(by: wrong))
        try await self.expectRefused(
            answer,
            port == .data ? "unknown ca" : "alert",
            logged: port == .data ? "certificate is refused" : nil
        )
    }

    @Test(arguments: Port.allCases)
    func anExpiredCertificateIsRefused(port: Port) async throws {
        let expired = try self.certificate(
            by: try PoolFiles(of: self.destination).authority(),
            issued: Date().addingTimeInterval(-7200),
            lifetime: .seconds(60)
        )
        try await self.expectRefused(
            try await self.answer(of: port, to: expired),
            port == .data ? "certificate expired" : "alert",
            logged: port == .data ? "expired" : nil
        )
    }

    @Test func aClientWithoutCertificateIsRefusedAtTheDataPort() async throws {
        try await self.expectRefused(
            try await self.answer(of: .data, to: nil),
            "certificate required",
            logged: "certificate"
        )
    }

    @Test func aClientWithoutCertificateGetsNoAnswerButThatAtTheAPI() async throws {
        let nobody = try PeerClient(
            host: "127.0.0.1",
            port: self.destination.apiPort,
            trust: .nobody
        )
        do {
            let _: ItemList<PeerVolume> = try await nobody.get(PeerRoute.volumes)
            Issue.record("no certificate was needed")
        } catch { #expect(error.id == .peerNotTrusted) }
        await nobody.close()
    }

    @Test(arguments: Port.allCases)
    func aClientOfTLS12IsRefused(port: Port) async throws {
        try await self.expectRefused(
            try await self.answer(
                of: port,
                to: try PoolFiles(of: self.source).outgoing(),
                "-tls1_2"
            ),
            "protocol version",
            logged: port == .data ? "unsupported protocol" : nil
        )
    }

    @Test(arguments: Port.allCases)
    func plainTCPGetsAnAlertOfTLSAtMost(port: Port) async throws {
        let place = "/dev/tcp/127.0.0.1/\(self.number(of: port))"
        let result = try await Command.run(
            "/bin/bash",
            ["-c", "exec 3<>\(place); cat >&3; timeout 60 od -An -v -tx1 <&3"],
            input: Self.request
        )
        #expect(result.status == 0, "\(result.errors)")
        let bytes = result.output.filter(\.isHexDigit)
        // A record of type alert with its two bytes, or nothing.
        #expect(bytes.isEmpty || bytes.count == 14 && bytes.hasPrefix("15"), "\(bytes)")
        try await self.expectRefused(
            ("", result.errors),
            nil,
            logged: port == .data ? "TLS" : nil
        )
    }

    @Test func aWrongTokenOpensNeitherPort() async throws {
        let other = try await TestAgent("o", in: self.scratch.path)
        let result = try await other.tryPairing(
            port: self.destination.apiPort,
            token: String(repeating: "ab", count: 64)
        )
        #expect(result.status == 11 && result.errors.contains("GW2002"), "\(result.errors)")
        // No certificate came of it, so there is nothing that could be shown to either port.
        let files = FileManager.default.enumerator(atPath: "\(other.pool)/identity")
        let names = files?.compactMap { $0 as? String } ?? []
        #expect(!names.contains { $0.contains("outgoing-") }, "\(names)")
        #expect(try await other.value([PairInfo].self, "pair", "list").isEmpty)
        #expect(try await self.destination.value([PairInfo].self, "pair", "list").count == 1)
        let served = try await self.source.godwit("replicate", "db", "--to", "remote")
        #expect(served.status == 0, "\(served.errors)")
    }
}
