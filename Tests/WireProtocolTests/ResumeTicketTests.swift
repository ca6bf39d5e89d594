// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Testing
import WireProtocol

@Suite("Resume tickets")
struct ResumeTicketTests {
    private let secret = Sample.secret

    private func scope(
        pair: UInt64 = 1,
        volume: UInt64 = 2,
        lineage: UInt64 = 3,
        base: UInt64? = 4,
        target: UInt64 = 5,
        size: Int = 4096,
        mode: TransferMode = .incremental
    ) -> ResumeTicket.Scope {
        ResumeTicket.Scope(
            pair: Sample.identifier(pair),
            volume: Sample.identifier(volume),
            lineage: Sample.identifier(lineage),
            base: base.map { Sample.identifier($0) },
            target: Sample.identifier(target),
            size: ByteCount(size),
            mode: mode
        )
    }

    private var ticket: ResumeTicket {
        ResumeTicket.seal(self.scope(), secret: self.secret, nonce: Sample.identifier(7))
    }

    @Test("a ticket is good for its transfer")
    func right() {
        #expect(self.ticket.verify(self.scope(), secret: self.secret))
        #expect(self.ticket.bytes.count == ResumeTicket.encodedSize)
    }

    @Test("a ticket is good for nothing else")
    func others() {
        let others = [
            self.scope(pair: 9), self.scope(volume: 9), self.scope(lineage: 9),
            self.scope(base: 9), self.scope(base: nil), self.scope(target: 9),
            self.scope(size: 4097), self.scope(mode: .fullVerify),
        ]
        for other in others { #expect(!self.ticket.verify(other, secret: self.secret)) }
    }

    @Test("only who has the secret can make one")
    func forged() throws {
        var secret = self.secret
        secret[31] ^= 1
        #expect(!self.ticket.verify(self.scope(), secret: secret))
        for place in 0..<ResumeTicket.encodedSize {
            var bytes = self.ticket.bytes
            bytes[place] ^= 0x10
            let forged = try #require(ResumeTicket(bytes))
            #expect(!forged.verify(self.scope(), secret: self.secret), "byte \(place)")
        }
        for length in [0, 16, 47, 49, 256] {
            let bytes = Array((self.ticket.bytes + Sample.bytes(256, from: 0)).prefix(length))
            let forged = try #require(ResumeTicket(bytes))
            #expect(!forged.verify(self.scope(), secret: self.secret), "\(length) bytes")
        }
        #expect(ResumeTicket(Sample.bytes(257, from: 0)) == nil)
    }

    @Test("the seal is over the bytes that the document says")
    func layout() {
        var message = Array("godwit ticket v1".utf8)
        for number: UInt64 in [1, 2, 3, 4, 5] {
            let name: VolumeID = Sample.identifier(number)
            message += name.bytes
        }
        message += WireBytes.number(UInt64(4096))
        message += [1]
        let nonce: SessionNonce = Sample.identifier(7)
        message += nonce.bytes
        #expect(
            self.ticket.bytes
                == nonce.bytes + Checksum.hmacSHA256(key: self.secret, message)
        )
    }

    @Test("two tickets for the same transfer differ")
    func nonces() {
        let other = ResumeTicket.seal(
            self.scope(),
            secret: self.secret,
            nonce: Sample.identifier(8)
        )
        #expect(other != self.ticket)
        #expect(other.verify(self.scope(), secret: self.secret))
    }

    @Test("a join token is compared as a whole and never described")
    func tokens() throws {
        let token = try Sample.token()
        #expect(token.matches(try Sample.token()))
        #expect(!token.matches(try Sample.token(0x41)))
        #expect("\(token)" == "(secret)")
        #expect(JoinToken(Sample.bytes(31, from: 0)) == nil)
        #expect(!String(describing: try Sample.offer()).contains("32, 33, 34"))
    }
}
