// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Catalogue
import Foundation
import Identity
import Logging
import Testing

@testable import Agent

/// A try of the sender in the words of the API.
@Suite struct SenderRunTests {
    private let scratch: Scratch
    private let clock = TestClock()
    private let ground: AgentGround
    private let configuration: AgentConfiguration
    private let environment: AgentEnvironment

    init() throws {
        self.scratch = try Scratch()
        let clock = self.clock
        self.environment = AgentEnvironment(
            now: { clock.now },
            monotonicNanoseconds: { 5_000_000_000 },
            hostName: "here",
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            stuck: {}
        )
        var configuration = AgentConfiguration()
        configuration.pool = "\(self.scratch.path)/s"
        self.configuration = configuration
        self.ground = try AgentGround(configuration, self.environment)
    }

    /// Trust in a destination that is not there.
    private func pair(_ name: String) throws {
        let clock = self.clock
        let there = try AgentIdentity(directory: "\(self.scratch.path)/d", now: { clock.now })
        let key = SigningKey()
        let own = self.ground.identity.cluster
        let request = try CertificateRequest(for: key, of: own)
        let record = TrustRecord(
            pair: PairEntry(
                name: name,
                direction: .outgoing,
                cluster: "\(there.cluster)",
                host: "127.0.0.1",
                apiPort: 1,
                dataPort: 1,
                disasterRecovery: false,
                created: clock.now
            ),
            authority: there.authority.certificate.pem,
            certificate: try there.authority
                .certifyPair(request, of: own, at: clock.now, lifetime: .seconds(3600)).pem,
            privateKey: key.pem
        )
        try self.ground.registry.store(record)
    }

    @Test func aTimeOfDayThatIsSetBackTrapsNothing() throws {
        try self.pair("remote")
        let volumes = VolumeService(
            sources: self.ground.sources,
            replicas: self.ground.replicas,
            registry: self.ground.registry
        )
        _ = try volumes.create(VolumeCreateRequest(name: "db", sizeBytes: 4096))
        let run = try AgentParts.runner(self.ground, self.configuration, self.environment)
            .makeRun("t", ReplicateRequest(volumes: ["db"], pair: "remote"), limit: nil)
        self.clock.advance(by: -3600)
        #expect(run.progress.seconds == 0)
        run.cancel()
        let failure = #expect(throws: RunFailure.self) { try run.run() }
        #expect(failure?.report?.seconds == 0)
    }
}
