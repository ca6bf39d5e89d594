// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Identity
import Logging
import Receiver
import SecureTransport
import Sender
import ServiceLifecycle
import Synchronization
import VolumeStore
import WireProtocol

/// Builds the objects of an agent from the bottom up, and holds them.
struct AgentParts: Sendable {
    let pool: Pool
    let core: AgentCore
    let settings: TransferQueue.Settings
    let receiver: DataReceiver
    let renewal: CertificateRenewal

    init(
        _ configuration: AgentConfiguration,
        _ environment: AgentEnvironment
    ) throws(APIError) {
        guard let path = configuration.pool, !path.isEmpty else {
            throw APIError(
                .invalidConfiguration,
                "No pool directory is given.",
                try: "godwit-agent run --pool DIR, or 'pool: DIR' in the file"
            )
        }
        let now = environment.now
        let pool = try Pool(path, now: now())
        let (catalogue, wasReplaced) = try Self.catalogue(pool, now())
        let journal = Journal(catalogue: catalogue, logger: environment.logger, now: now)
        if wasReplaced {
            journal.note(
                "CatalogueReplaced",
                "the catalogue was damaged and put aside; volumes and pairs were adopted "
                    + "from their files",
                level: .warning
            )
        }
        let identity = try AgentIdentity(directory: pool.identity, now: now)
        let registry = try PairRegistry(directory: "\(pool.identity)/pairs", catalogue: catalogue)
        let (sources, replicas) = try Self.stores(pool, configuration)
        for fault in replicas.faults {
            journal.note(
                "ReplicaFaulty",
                "\(fault.directory) cannot be used: \(fault.error)",
                level: .error
            )
        }
        let listener = try Self.listener(configuration.data, identity)
        let endpoints = Endpoints()
        endpoints.dataPort = Int(listener.port)
        self.settings = TransferQueue.Settings(Self.values(configuration))
        let runner = SenderRunner(
            sources: sources,
            registry: registry,
            identity: SenderIdentity(
                cluster: identity.cluster,
                software: "godwit \(Release.version)",
                poolSecret: identity.secret
            ),
            environment: Self.sender(environment),
            threads: ThreadBudget(threads: configuration.threads),
            journal: journal
        )
        let receiver = try DataReceiver(
            store: replicas,
            listener: listener,
            registry: registry,
            journal: journal,
            drainSeconds: configuration.drainTimeout,
            cluster: identity.cluster
        )
        self.pool = pool
        self.receiver = receiver
        self.core = AgentCore(
            configuration: configuration,
            environment: environment,
            identity: identity,
            registry: registry,
            catalogue: catalogue,
            journal: journal,
            volumes: VolumeService(sources: sources, replicas: replicas, registry: registry),
            queue: try TransferQueue(
                catalogue: catalogue,
                journal: journal,
                runner: runner,
                settings: self.settings,
                now: now
            ),
            desk: PairingDesk(
                identity: identity,
                registry: registry,
                lifetime: .seconds(configuration.certificateLifetime),
                now: now
            ),
            endpoints: endpoints,
            cutOff: { receiver.cutOff($0) }
        )
        self.renewal = CertificateRenewal(
            identity: identity,
            registry: registry,
            journal: journal,
            interval: .seconds(min(60, max(0.2, configuration.certificateLifetime / 12))),
            now: now
        )
    }

    /// Takes over what may change while the agent runs.
    func apply(_ configuration: AgentConfiguration) {
        self.settings.values.withLock { $0 = Self.values(configuration) }
        self.core.identity.renewServer()
        self.core.queue.wakeUp()
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

    /// Opens the catalogue; a damaged one is put aside, since it holds nothing that is needed.
    private static func catalogue(_ pool: Pool, _ now: Date) throws(APIError) -> (Catalogue, Bool) {
        do { return (try Catalogue(path: pool.catalogue), false) } catch
            where error.code == .damaged
        {
            let aside = "\(pool.catalogue).damaged-\(Int(now.timeIntervalSince1970))"
            do {
                try PoolDirectory.rename(pool.catalogue, to: aside)
                for suffix in ["-wal", "-shm"] { try PoolDirectory.remove(pool.catalogue + suffix) }
                return (try Catalogue(path: pool.catalogue), true)
            } catch {
                throw APIError(
                    .catalogueFailed,
                    "The damaged catalogue cannot be put aside.",
                    cause: "\(error)",
                    try: "remove \(pool.catalogue) yourself"
                )
            }
        } catch { throw APIError(error) }
    }

    private static func stores(
        _ pool: Pool,
        _ configuration: AgentConfiguration
    ) throws(APIError) -> (SourceStore, ReplicaStore) {
        do {
            return (
                try SourceStore(pool: pool.path),
                try ReplicaStore(
                    pool: pool.path,
                    options: ReplicaOptions(keptGenerations: configuration.keepGenerations)
                )
            )
        } catch { throw APIError(error, "The volumes of \(pool.path) cannot be read.") }
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
