// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Receiver
import SecureTransport
import Sender
import TestSupport
import Testing
import VolumeStore
import WireProtocol

/// Connections that serve one transfer after the other, by a scripted sender.
@Suite struct RestingReceiverTests {
    private let directory: TemporaryDirectory

    init() throws { self.directory = try TemporaryDirectory() }

    private func world(
        _ change: (inout ReceiverLimits) -> Void = { (_) in }
    ) throws -> ReceiverWorld {
        var limits = ReceiverLimits(flushInterval: .milliseconds(20))
        change(&limits)
        return try ReceiverWorld(pool: self.directory.path, limits: limits)
    }

    /// A committed transfer whose connections were left open.
    private func committed(
        in world: ReceiverWorld,
        _ volume: inout ScriptedVolume,
        over former: (control: Lane, data: Lane)? = nil,
        features: [Feature] = Feature.current
    ) throws -> (control: Lane, data: Lane) {
        volume.advance(size: 100_000)
        let session = try ScriptedSession(
            world,
            volume.offer(),
            over: former?.control,
            features: features
        )
        let lane = try session.join(over: former?.data, features: features)
        let totals = try session.fill(volume, lane)
        try session.commit(volume.root(), totals)
        _ = try session.committed()
        return (session.control, lane)
    }

    /// What a hello is refused with.
    private func refusal(
        of kind: ConnectionKind,
        on lane: Lane,
        as cluster: ClusterID = ReceiverWorld.source
    ) throws -> ErrorReport {
        let answer = #expect(throws: Unexpected.self) { try lane.hello(kind, as: cluster) }
        guard case .error(let report) = try #require(answer).frame else {
            throw TransportError(.closed, "instead of a report: \(String(describing: answer))")
        }
        return report
    }

    @Test func theSameConnectionsCarryOneTransferAfterTheOther() throws {
        let world = try self.world()
        var connections: (control: Lane, data: Lane)?
        for seed in 80..<UInt64(84) {
            var volume = ScriptedVolume(seed: seed, name: "data-\(seed)")
            connections = try self.committed(in: world, &volume, over: connections)
            #expect(try world.visibleBytes(volume.volume) == volume.bytes)
        }
        // Each transfer tells its own bytes.
        let wire = world.events.finished.map(\.wireBytes.bytes)
        #expect(wire.allSatisfy { 100_000..<120_000 ~= $0 }, "\(wire)")
    }

    @Test func aPairThatWasRevokedMeanwhileIsRefused() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 84)
        let (control, data) = try self.committed(in: world, &volume)
        world.revoke(ReceiverWorld.source)
        #expect(try self.refusal(of: .control, on: control).code == .notAuthorised)
        #expect(try self.refusal(of: .data, on: data).code == .notAuthorised)
    }

    @Test func theHelloOfAnotherClusterIsRefused() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 85)
        let (control, _) = try self.committed(in: world, &volume)
        let report = try self.refusal(of: .control, on: control, as: ReceiverWorld.stranger)
        #expect(report.code == .notAuthorised)
    }

    @Test func anythingButAHelloIsAViolation() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 86)
        let (control, data) = try self.committed(in: world, &volume)
        try control.send(.offer(volume.offer()))
        #expect(try control.report().code == .violation)
        try data.chunk([1, 2, 3], at: 0)
        #expect(try data.report().code == .violation)
    }

    @Test func aConnectionOfAPeerWithoutTheFeatureEndsWithItsTransfer() throws {
        let world = try self.world()
        let features = Feature.current.filter { $0.name != .connectionReuse }
        var volume = ScriptedVolume(seed: 87)
        let (control, data) = try self.committed(in: world, &volume, features: features)
        #expect(throws: TransportError.self) { _ = try control.next() }
        #expect(throws: (any Error).self) { try data.hello(.data) }
    }

    @Test func whatRestsTooLongIsClosed() throws {
        let world = try self.world { $0.restingTime = .milliseconds(10) }
        var volume = ScriptedVolume(seed: 88)
        let (control, data) = try self.committed(in: world, &volume)
        #expect(throws: TransportError.self) { _ = try control.next() }
        #expect(throws: TransportError.self) { _ = try data.next() }
        // Not a refusal: nobody did anything wrong.
        #expect(world.events.refusedConnections == 0)
    }

    @Test func anOldConnectionRestsNoMore() throws {
        // A certificate is looked at in the handshake only.
        let world = try self.world { $0.restingAge = .zero }
        var volume = ScriptedVolume(seed: 91)
        let (control, data) = try self.committed(in: world, &volume)
        #expect(throws: TransportError.self) { _ = try control.next() }
        #expect(throws: TransportError.self) { _ = try data.next() }
    }

    @Test func onlySoManyRest() throws {
        let world = try self.world { $0.restingConnections = 1 }
        var volume = ScriptedVolume(seed: 89)
        // The data connection rests first: its end comes before the commit.
        let (control, data) = try self.committed(in: world, &volume)
        #expect(throws: TransportError.self) { _ = try control.next() }
        try data.hello(.data)
    }

    @Test func aStopDoesNotWaitForWhatRests() throws {
        let world = try self.world { limits in
            limits.stopGrace = .seconds(600)
            limits.restingTime = .seconds(600)
        }
        var volume = ScriptedVolume(seed: 90)
        let connections = try self.committed(in: world, &volume)
        let time = ContinuousClock().measure { world.service.stop() }
        #expect(time < .seconds(300))
        _ = connections
    }
}

/// The same from the sender's side.
@Suite struct RestingSenderTests {
    private static let bytes = 256 << 10

    private func volume(_ name: String, in world: World) throws -> SourceVolume {
        let volume = try world.volume(name, size: Self.bytes)
        var generator = world.generator
        try volume.write(noise(Self.bytes, using: &generator), at: 0)
        return volume
    }

    @Test func anotherVolumeIsSentOverTheSameConnections() throws {
        let world = try World()
        let breaker = try Breaker(to: world.service.port, cutsAfter: [])
        defer { breaker.close() }
        world.route(through: breaker.port)
        var wire: [Int] = []
        for name in ["a", "b", "c"] {
            let volume = try self.volume(name, in: world)
            wire.append(try world.run(volume).progress.wireBytes.bytes)
            #expect(try world.shows(volume))
        }
        #expect(breaker.accepted == 2)
        // The first one's handshakes are nobody else's.
        #expect(wire[0] > wire[1] + 2000 && wire[1] > Self.bytes && wire[2] > Self.bytes, "\(wire)")
    }

    @Test func nothingIsKeptThatWasClosed() throws {
        let world = try World()
        let breaker = try Breaker(to: world.service.port, cutsAfter: [])
        defer { breaker.close() }
        world.route(through: breaker.port)
        let volume = try self.volume("a", in: world)
        _ = try world.run(volume)
        world.client.closeResting()
        _ = try world.run(volume)
        #expect(breaker.accepted == 4)
    }

    @Test func aDestinationThatLetsNothingRestIsConnectedToAnew() throws {
        var limits = ReceiverLimits()
        limits.restingConnections = 0
        let world = try World(limits: limits)
        for name in ["a", "b", "c"] {
            let volume = try self.volume(name, in: world)
            _ = try world.run(volume)
            #expect(try world.shows(volume))
        }
    }

    @Test func aFailedTransferLeavesNoConnectionToTheNext() throws {
        let world = try World()
        let volume = try self.volume("a", in: world)
        try world.breakAndCancel(volume, after: Self.bytes / 2)
        _ = try world.run(volume)
        #expect(try world.shows(volume))
    }

    @Test("P5: what breaks on connections that were used before goes on where it stopped")
    func aBreakOnUsedConnectionsIsMadeUpFor() throws {
        let world = try World()
        let breaker = try Breaker(to: world.service.port, cutsAfter: [Self.bytes * 3 / 2])
        defer { breaker.close() }
        world.route(through: breaker.port)
        for name in ["a", "b"] {
            let volume = try self.volume(name, in: world)
            _ = try world.run(volume)
            #expect(try world.shows(volume))
        }
        // The second one's, whose first connections were the other's.
        #expect(breaker.breaks == 1 && breaker.accepted == 4)
    }

    @Test("P6: a client keeps so many and no more")
    func aClientKeepsSoManyAndNoMore() throws {
        let world = try World()
        var connections: [TLSConnection] = []
        for _ in 0..<40 {
            let made = try world.client.connect(host: "127.0.0.1", port: world.service.port)
            var frames = FrameConnection(made, carriesData: false)
            let rested = frames.rest()
            let resting = try #require(rested)
            world.client.rest(resting, host: "127.0.0.1", port: world.service.port)
            connections.append(made)
        }
        #expect(connections.count { (try? $0.flush()) != nil } == 32)
        world.client.closeResting()
        #expect(connections.allSatisfy { (try? $0.flush()) == nil })
    }
}
