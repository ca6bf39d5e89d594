// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Identity
import Locks
import Logging
import Receiver
import SecureTransport
import Sender
import ServiceLifecycle
import VolumeStore
import WireProtocol

/// Builds the objects of an agent from the bottom up, and holds them.
struct AgentParts: Sendable {
    let pool: Pool
    let core: AgentCore
    let settings: TransferQueue.Settings
    let live: LiveConfiguration
    let threads: ThreadBudget
    let receiver: DataReceiver
    let renewal: CertificateRenewal

    init(
        _ configuration: AgentConfiguration,
        _ environment: AgentEnvironment
    ) throws(APIError) {
        let ground = try AgentGround(configuration, environment)
        let live = ground.live
        let runner = Self.runner(ground, configuration, environment)
        let settings = TransferQueue.Settings(Self.values(configuration))
        let listener = try Self.listener(configuration.data, ground.identity)
        let endpoints = Endpoints(hasControl: configuration.control != nil)
        endpoints.dataPort = Int(listener.port)
        let receiver = try DataReceiver(
            store: ground.replicas,
            sources: ground.sources,
            holds: ground.holds,
            listener: listener,
            registry: ground.registry,
            journal: ground.journal,
            drainSeconds: configuration.drainTimeout,
            cluster: ground.identity.cluster,
            version: configuration.protocolVersion
        )
        self.pool = ground.pool
        self.settings = settings
        self.live = live
        self.threads = runner.threads
        self.receiver = receiver
        let volumes = VolumeService(
            sources: ground.sources,
            replicas: ground.replicas,
            registry: ground.registry
        )
        self.core = AgentCore(
            configuration: configuration,
            environment: environment,
            identity: ground.identity,
            registry: ground.registry,
            catalogue: ground.catalogue,
            journal: ground.journal,
            volumes: volumes,
            queue: try Self.queue(ground, runner, settings, environment),
            holds: Self.holds(ground, receiver, environment),
            groups: ground.groups,
            desk: PairingDesk(
                identity: ground.identity,
                registry: ground.registry,
                lifetime: .seconds(live.current.certificateLifetime),
                now: environment.now
            ),
            endpoints: endpoints,
            recovery: RecoveryService(
                volumes: volumes,
                changer: RoleChanger(sources: ground.sources, replicas: ground.replicas),
                holds: ground.holds,
                now: environment.now,
                endSession: { receiver.service.endSession(of: $0) }
            ),
            cutOff: { receiver.cutOff($0) }
        )
        self.renewal = CertificateRenewal(
            identity: ground.identity,
            registry: ground.registry,
            journal: ground.journal,
            interval: { .seconds(min(60, max(0.2, live.current.certificateLifetime / 12))) },
            now: environment.now
        )
    }

    private static func queue(
        _ ground: AgentGround,
        _ runner: SenderRunner,
        _ settings: TransferQueue.Settings,
        _ environment: AgentEnvironment
    ) throws(APIError) -> TransferQueue {
        try TransferQueue(
            catalogue: ground.catalogue,
            journal: ground.journal,
            runner: runner,
            settings: settings,
            gate: GroupGate(
                groups: ground.groups,
                registry: ground.registry,
                journal: ground.journal
            ),
            now: environment.now
        )
    }

    private static func holds(
        _ ground: AgentGround,
        _ receiver: DataReceiver,
        _ environment: AgentEnvironment
    ) -> HoldDesk {
        HoldDesk(
            holds: ground.holds,
            replicas: ground.replicas,
            registry: ground.registry,
            journal: ground.journal,
            abandon: { receiver.service.abandon($0) },
            now: environment.now
        )
    }

    static func runner(
        _ ground: AgentGround,
        _ configuration: AgentConfiguration,
        _ environment: AgentEnvironment
    ) -> SenderRunner {
        SenderRunner(
            sources: ground.sources,
            groups: ground.groups,
            registry: ground.registry,
            identity: SenderIdentity(
                cluster: ground.identity.cluster,
                software: "godwit \(Release.version)",
                version: configuration.protocolVersion,
                poolSecret: ground.identity.secret
            ),
            environment: Self.sender(environment),
            threads: ThreadBudget(threads: configuration.threads),
            journal: ground.journal
        )
    }

    /// Takes over what may change while the agent runs.
    ///
    /// - Returns: the keys that differ too and wait for the next start.
    func apply(_ configuration: AgentConfiguration) -> [String] {
        let waiting = self.live.change(to: configuration)
        self.threads.resize(to: configuration.threads)
        self.core.environment.setLogLevel(configuration.logLevel)
        self.settings.values.withLock { $0 = Self.values(configuration) }
        self.core.identity.renewServer()
        self.core.queue.wakeUp()
        return waiting
    }

    private static func values(
        _ configuration: AgentConfiguration
    ) -> TransferQueue.Settings.Values {
        TransferQueue.Settings.Values(
            transfers: configuration.transfers,
            retries: configuration.retries,
            bandwidth: configuration.bandwidth
        )
    }

    private static func sender(_ environment: AgentEnvironment) -> SenderEnvironment {
        SenderEnvironment(
            now: { MonotonicTime(nanoseconds: environment.monotonicNanoseconds()) },
            secondsSince1970: { UInt64(max(0, environment.now().timeIntervalSince1970)) },
            random: {
                var generator = SystemRandomNumberGenerator()
                return generator.next()
            }
        )
    }

    private static func listener(
        _ address: HostPort,
        _ identity: AgentIdentity
    ) throws(APIError) -> TLSListener {
        do {
            return try TLSListener(
                host: address.host,
                port: UInt16(address.port),
                credentials: { identity.server }
            )
        } catch {
            guard error.what.contains("in use") else {
                throw APIError(
                    .invalidConfiguration,
                    "Cannot listen on \(address).",
                    cause: "\(error)",
                    try: "check that the address is one of this machine: --data HOST:PORT"
                )
            }
            throw APIError(
                .addressInUse,
                "\(address) is in use by another process.",
                cause: "\(error)",
                try: "stop it (ss -ltnp shows it), or choose another address with --data"
            )
        }
    }
}
