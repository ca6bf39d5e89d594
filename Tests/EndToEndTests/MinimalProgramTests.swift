// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Identity
import TestSupport
import Testing
import VolumeStore

/// The C program that Godwit's speed is held against (perf/README.md): what it does not do right it
/// would do too fast.
@Suite(.timeLimit(.minutes(10))) struct MinimalProgramTests {
    private let scratch: ScratchDirectory
    private let seed = TestSeed()
    private let cluster = ClusterID(halves: Halves(high: 1, low: 2))

    init() throws { self.scratch = try ScratchDirectory() }

    @Test(arguments: ["adaptive", "lz4", "none"])
    func carriesAVolumeByteByByteAndLeavesItsHolesOut(codec: String) async throws {
        let authority = try CertificateAuthority.create(for: self.cluster, at: Date())
        try self.writeServer(of: authority)
        try self.writeClient(of: authority)
        let (sent, receiver) = try await self.send(codec)
        receiver.waitUntilExit()
        #expect(sent.status == 0, "\(sent.errors)")
        #expect(try self.bytes(of: self.copy) == self.bytes(of: self.volume), "\(self.seed)")
        // Of 24 MiB 9 are holes and 8 are zeros that were written.
        #expect(try BlockFile.open(self.copy, writable: false).allocatedSize() < .mebibytes(10))
    }

    @Test func refusesASenderOfAnotherAuthority() async throws {
        let authority = try CertificateAuthority.create(for: self.cluster, at: Date())
        try self.writeServer(of: authority)
        try self.writeClient(of: CertificateAuthority.create(for: self.cluster, at: Date()))
        try Data(authority.certificate.pem.utf8)
            .write(to: URL(fileURLWithPath: "\(self.scratch.path)/client-trust.pem"))
        let (sent, receiver) = try await self.send("none")
        #expect(sent.status == 1, "\(sent.errors)")
        #expect(try await receiver.said("SSL_accept").contains("certificate verify failed"))
        #expect(try self.bytes(of: self.copy).isEmpty)
    }

    // MARK: The volume

    /// Text that compresses, bytes that do not, zeros and a hole; an end inside a granule.
    private func makeVolume() throws {
        var generator = self.seed.generator
        let words = (0..<4 << 17).map { _ in generator.next() as UInt64 }
        let random = words.withUnsafeBytes { Data($0) }
        let text = Data(String(repeating: "the same words once more, ", count: 100_000).utf8)
        #expect(FileManager.default.createFile(atPath: self.volume, contents: random))
        let file = try #require(FileHandle(forWritingAtPath: self.volume))
        try file.seek(toOffset: 8 << 20)
        try file.write(contentsOf: text)
        try file.seek(toOffset: 12 << 20)
        try file.write(contentsOf: Data(count: 8 << 20))
        try file.seek(toOffset: 24 << 20)
        try file.write(contentsOf: Data("end".utf8))
        try file.close()
    }

    private func bytes(of path: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: path))
    }

    // MARK: The two ends

    private var volume: String { "\(self.scratch.path)/volume" }
    private var copy: String { "\(self.scratch.path)/copy" }

    /// Sends a new volume: how the sender has ended, and the receiver.
    private func send(_ codec: String) async throws -> (Program.Result, Program) {
        try self.makeVolume()
        let receiver = try Program(
            "c-minimal",
            self.command("receive", "0", "server") + [self.copy]
        )
        let port = try await self.port(of: receiver)
        let sent = try Program.run(
            "c-minimal",
            self.command("send", port, "client") + [self.volume, codec],
            in: self.scratch.path
        )
        return (sent, receiver)
    }

    private func command(_ mode: String, _ port: String, _ end: String) -> [String] {
        [mode, port, "3"]
            + ["certificate", "key", "trust"].map { "\(self.scratch.path)/\(end)-\($0).pem" }
    }

    private func port(of receiver: Program) async throws -> String {
        let line = try await receiver.said("listening on ")
        return String(try #require(line.split(separator: " ").last))
    }

    private func writeServer(of authority: CertificateAuthority) throws {
        let key = SigningKey()
        let own = try authority.certifyAgent(key, hosts: ["127.0.0.1"], at: Date())
        try self.write(own.credentials(key: key, trusting: authority.certificate), "server")
    }

    private func writeClient(of authority: CertificateAuthority) throws {
        let key = SigningKey()
        let source = ClusterID(halves: Halves(high: 3, low: 4))
        let request = try CertificateRequest(for: key, of: source)
        let own = try authority.certifyPair(request, of: source, at: Date())
        try self.write(own.credentials(key: key, trusting: authority.certificate), "client")
    }

    private func write(_ own: TLSCredentials, _ end: String) throws {
        let texts = [
            "certificate": own.certificateChainPEM, "key": own.privateKeyPEM,
            "trust": own.trustPEM,
        ]
        for (name, text) in texts {
            let path = "\(self.scratch.path)/\(end)-\(name).pem"
            try text.write(toFile: path, atomically: false, encoding: .utf8)
        }
    }
}
