// SPDX-License-Identifier: Apache-2.0

import Receiver
import SecureTransport
import TestSupport
import Testing
import VolumeStore
import WireProtocol

/// A revocation holds at once, also for what was open before it (P8).
@Suite struct ReceiverRevocationTests {
    let directory: TemporaryDirectory

    init() throws { self.directory = try TemporaryDirectory() }

    @Test func anOpenConnectionOfARevokedPairBringsNothingMore() throws {
        let world = try ReceiverWorld(pool: self.directory.path)
        var volume = ScriptedVolume(seed: 70)
        volume.advance(size: 1000)
        // Past the handshake, and before its offer: no session of it is known yet.
        let control = try world.connect()
        try control.hello(.control)
        world.revoke(ReceiverWorld.source)
        try control.send(.offer(volume.offer()))
        let answer = try control.next()
        guard case .refuse(let refusal) = answer else { throw Unexpected(frame: answer) }
        #expect(refusal.code == .notAuthorised)
        #expect(world.store.volumes().isEmpty)
        control.close()
    }

    @Test func theSessionOfARevokedPairEndsWithItsStreamsAndOthersGoOn() throws {
        let world = try ReceiverWorld(pool: self.directory.path)
        var volume = ScriptedVolume(seed: 71)
        volume.advance(size: 100_000)
        var other = ScriptedVolume(seed: 72)
        other.advance(size: 100_000)
        let session = try ScriptedSession(world, volume.offer())
        let lane = try session.join()
        let untouched = try ScriptedSession(
            world,
            other.offer(),
            as: ReceiverWorld.stranger
        )
        world.revoke(ReceiverWorld.source)
        let frame = try session.control.next()
        guard case .error(let report) = frame else { throw Unexpected(frame: frame) }
        #expect(report.code == .notAuthorised)
        #expect(throws: (any Error).self) { _ = try lane.next() }
        #expect(throws: (any Error).self) {
            let again = try world.connect()
            try again.hello(.control)
        }
        let stream = try untouched.join(as: ReceiverWorld.stranger)
        let totals = try untouched.fill(other, stream)
        try untouched.commit(other.root(), totals)
        _ = try untouched.committed()
        #expect(try world.visibleBytes(volume.volume) == nil)
        #expect(try world.visibleBytes(other.volume) == other.bytes)
    }
}
