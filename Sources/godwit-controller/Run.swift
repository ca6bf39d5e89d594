// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import ControlPlane
import Foundation
import Kinds
import KubernetesClient
import Logging
import ObjectModel
import UnixSignals

/// Runs until SIGTERM or SIGINT.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs the controllers until they are told to stop.",
        discussion: """
            Example: godwit-controller run --embedded ./cluster --agent ./pool
            Example: godwit-controller run --kubeconfig ~/.kube/config --agent /var/lib/godwit
            Without --embedded and --kubeconfig it looks where kubectl looks, and in a pod at the
            pod's service account.
            """
    )

    @Option(
        help: ArgumentHelp(
            "The pool or socket of an agent, or https://HOST:PORT; give it once for each agent.",
            discussion: "A host's name stands for the agents at all of its addresses."
        ),
        completion: .directory
    )
    var agent: [String] = []
    @Option(
        help: "The directory with the certificate for agents that are reached over https.",
        completion: .directory
    )
    var agentTLS: String?

    @Option(help: "The kubeconfig of the cluster to look after.", completion: .file())
    var kubeconfig: String?
    @Option(help: "The context in it; the current one without it.") var context: String?

    @Option(
        help: "Serve a cluster of this process's own out of this directory.",
        completion: .directory
    )
    var embedded: String?
    @Option(help: "Where the embedded cluster listens: 127.0.0.1:PORT.") var listen: String?
    @Option(help: "A namespace whose user gets a kubeconfig in the embedded cluster.")
    var user: [String] = []
    @Flag(
        help: ArgumentHelp(
            "Run the commands of Rules on this machine: an embedded cluster runs no pods.",
            discussion: "Whoever may create a Rule can then do what this process can."
        )
    )
    var runRulesLocally = false

    @Option(
        help: ArgumentHelp(
            "The seconds that a command of a Rule may take; after them it counts as a hang.",
            discussion: "A background command has as long to come to ${WAIT_CMD}.",
            valueName: "seconds"
        )
    )
    var ruleTimeout = 300

    @Option(help: "The namespace whose Migrations may move any namespace.")
    var adminNamespace = "kube-system"
    @Option(help: "The namespace of the Lease that lets one of several processes work.")
    var leaseNamespace = "kube-system"
    @Option(
        help: ArgumentHelp(
            "The seconds after which another process takes over from one that was killed.",
            discussion: "One that is told to stop gives the Lease back at once.",
            valueName: "seconds"
        )
    )
    var leaseDuration = 15
    @Option(
        help: ArgumentHelp(
            "The zone of the times of policies that name none, such as Europe/Berlin.",
            discussion: "Without it that of this machine, or of the variable TZ.",
            valueName: "name"
        )
    )
    var timeZone: String?
    @Option(help: "Objects of each kind that are looked at at once.") var workers = 10
    @Flag(help: "Let Migrations move service accounts too.")
    var moveServiceAccounts = false
    @Flag(
        help: ArgumentHelp(
            "Let the kubeconfigs of ClusterPairs read files of this machine and start programs.",
            discussion: "Whoever may create a ClusterPair can then do what this process can."
        )
    )
    var trustClusterPairs = false
    @Option(
        help: "trace, debug, info, notice, warning, error or critical.",
        transform: { text in
            guard let level = Logger.Level(rawValue: text) else {
                throw ValidationError("'\(PlainText.line(text))' is no level of the log")
            }
            return level
        }
    )
    var logLevel = Logger.Level.info

    func validate() throws {
        guard self.embedded == nil || self.kubeconfig == nil else {
            throw ValidationError("--embedded and --kubeconfig exclude each other")
        }
        let isBare = self.listen == nil && self.user.isEmpty && !self.runRulesLocally
        guard self.embedded != nil || isBare else {
            throw ValidationError("--listen, --user and --run-rules-locally are for --embedded")
        }
        guard (1...100).contains(self.workers) else {
            throw ValidationError("--workers must be from 1 to 100")
        }
        guard self.timeZone.map({ ScheduleZone(knownAs: $0) != nil }) ?? true else {
            throw ValidationError("--time-zone names no zone: give one such as Europe/Berlin")
        }
        // What is held in the background ends by itself after 15 minutes.
        guard (1...900).contains(self.ruleTimeout) else {
            throw ValidationError("--rule-timeout must be from 1 to 900 seconds")
        }
        guard (2...3_600).contains(self.leaseDuration) else {
            throw ValidationError("--lease-duration must be from 2 to 3600 seconds")
        }
    }

    func run() async throws {
        guard !self.agent.isEmpty else {
            throw APIError(
                .invalidConfiguration,
                "No agent is given.",
                cause: "volumes are moved by agents",
                try: "give the pool of each: godwit-controller run … --agent POOL"
            )
        }
        let agents = try AgentDirectory(self.agent, tls: self.agentTLS)
        let logger = Composition.logger(self.logLevel)
        // Before anything begins: a signal that comes early must not be lost.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sigusr1)
        let statistics = ControlPlaneStatistics()
        let leadership = Leadership()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let result: Result<Void, any Error>
                do {
                    try await self.work(agents, statistics, leadership, logger)
                    result = .success(())
                } catch { result = .failure(error) }
                await agents.close()
                try result.get()
            }
            group.addTask {
                for await signal in signals {
                    if signal == .sigusr1 {
                        Self.tell(statistics, logger)
                        continue
                    }
                    logger.info("stopping", metadata: ["signal": "\(signal)"])
                    return try await leadership.leave()
                }
            }
            defer { group.cancelAll() }
            do { try await group.next() } catch is CancellationError { return }
        }
        Self.tell(statistics, logger)
    }

    private static func tell(_ statistics: ControlPlaneStatistics, _ logger: Logger) {
        logger.info("statistics", metadata: statistics.facts.mapValues { "\($0)" })
    }

    private func work(
        _ agents: AgentDirectory,
        _ statistics: ControlPlaneStatistics,
        _ leadership: Leadership,
        _ logger: Logger
    ) async throws {
        if let embedded {
            let cluster = try EmbeddedRun(embedded, listen: self.listen, users: self.user, logger)
            try await cluster.run { client in
                try await self.control(client, agents, statistics, logger)
            }
        } else {
            let client = try self.client()
            try await withCheck(client) {
                try await self.lead(client, agents, statistics, leadership, logger)
            }
        }
    }

    private func client() throws(APIError) -> KubernetesClient {
        do {
            let connection = try ClusterConnection.find(
                kubeconfig: self.kubeconfig,
                context: self.context,
                environment: Composition.environment
            )
            return try KubernetesClient(connection, environment: Composition.environment)
        } catch {
            throw APIError(
                .invalidConfiguration,
                "There is no way to the cluster: \(error.problem).",
                cause: error.entry.isEmpty ? error.source : "\(error.source), \(error.entry)",
                try: error.advice
            )
        }
    }

    /// Looks once at the cluster: what is wrong with it for good is told at the start.
    private func withCheck(
        _ client: KubernetesClient,
        _ body: () async throws -> Void
    ) async throws {
        let result: Result<Void, any Error>
        do {
            try await ControlPlane.check(client)
            result = .success(try await body())
        } catch { result = .failure(error) }
        await client.shutdown()
        try result.get()
    }

    /// Works while no other process does.
    private func lead(
        _ client: KubernetesClient,
        _ agents: AgentDirectory,
        _ statistics: ControlPlaneStatistics,
        _ leadership: Leadership,
        _ logger: Logger
    ) async throws {
        let lease = ObjectKey(self.leaseNamespace, "godwit-controller")
        let election = LeaseElection(
            client,
            lease: lease,
            identity: Composition.identity,
            times: .lasting(.seconds(self.leaseDuration))
        )
        try await leadership.take(
            part: election,
            onTrouble: { error in
                logger.warning("lease not renewed", metadata: ["error": "\(error)"])
            },
            {
                logger.info("leading", metadata: ["lease": "\(lease)"])
                try await self.control(client, agents, statistics, logger)
            }
        )
    }

    private func control(
        _ client: KubernetesClient,
        _ agents: AgentDirectory,
        _ statistics: ControlPlaneStatistics,
        _ logger: Logger
    ) async throws {
        var options = ControlPlaneOptions()
        options.adminNamespace = self.adminNamespace
        options.workers = self.workers
        options.ruleTimeout = .seconds(self.ruleTimeout)
        options.zone = self.timeZone.flatMap { ScheduleZone(knownAs: $0) } ?? Composition.zone
        options.movesServiceAccounts = self.moveServiceAccounts
        if self.embedded != nil {
            options.rules =
                self.runRulesLocally
                ? .onThisMachine(variables: Composition.environment.variables) : .nowhere
        }
        if self.trustClusterPairs { options.kubeconfigPermissions = .all }
        let plane = ControlPlane(
            client: client,
            driver: PoolVolumeDriver { () throws(VolumeTrouble) in try agents.current() },
            options: options,
            identity: Composition.identity,
            logger: logger,
            statistics: statistics
        )
        try await plane.run {
            logger.info(
                "controllers ready",
                metadata: ["server": "\(client.connection.server)"]
            )
        }
    }
}
