// SPDX-License-Identifier: Apache-2.0

public import AgentAPI
import Catalogue
import Foundation
import Glibc
import Logging
import SecureTransport
import ServiceLifecycle
import UnixSignals
import VolumeStore

/// One agent: owns a pool, sends and receives volumes, answers administrators and peers.
public enum Agent {
    /// Runs an agent until SIGTERM or SIGINT; then drains and returns.
    ///
    /// - Parameters:
    ///   - configuration: what was set; `pool` is needed.
    ///   - environment: clocks and the log.
    ///   - reload: reads the configuration again, for SIGHUP.
    /// - Throws: why the agent could not start, or why it stopped.
    public static func run(
        _ configuration: AgentConfiguration,
        _ environment: AgentEnvironment,
        reload: @escaping @Sendable () throws(APIError) -> AgentConfiguration
    ) async throws(APIError) {
        // Whatever the agent makes is its user's alone: keys, volumes, and the socket, which
        // must not be open to others even for the moment between bind and chmod.
        umask(0o077)
        let parts = try AgentParts(configuration, environment)
        await parts.core.resumeGroups()
        let logger = environment.logger
        var quiet = logger
        // The server library tells each connection at these levels; ours are told by routes.
        quiet.logLevel = max(logger.logLevel, .warning)
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: Servers.local(parts.core, socket: parts.pool.socket, logger: quiet)),
            .init(service: try Servers.peers(parts.core, logger: quiet)),
            .init(service: parts.receiver),
            .init(service: parts.renewal),
            .init(service: ReloadService(parts: parts, reload: reload)),
            .init(service: parts.core.queue),
        ]
        if let control = try Self.control(parts.core, quiet) {
            services.append(.init(service: control))
        }
        services.append(.init(service: StopWatchdog(parts: parts)))
        var group = ServiceGroupConfiguration(services: services, logger: quiet)
        group.gracefulShutdownSignals = [.sigterm, .sigint]
        group.maximumGracefulShutdownDuration = .seconds(configuration.drainTimeout + 5)
        defer { parts.core.catalogue.close() }
        do {
            try await ServiceGroup(configuration: group).run()
        } catch let error as APIError {
            throw error
        } catch {
            throw APIError(
                .agentFailed,
                "The agent stopped.",
                cause: "\(error)",
                try: "read its log"
            )
        }
        unlink(parts.pool.socket)
        logger.info("agent stopped")
    }
}

extension Agent {
    /// The server for controllers, where one is wanted.
    private static func control(
        _ core: AgentCore,
        _ logger: Logger
    ) throws(APIError) -> APIServer? {
        switch (core.configuration.control, core.configuration.controlTLS) {
        case (nil, nil): return nil
        case (let address?, let directory?):
            let credentials = ControlCredentials(directory: directory)
            return try Servers.control(core, at: address, credentials, logger: logger)
        case (_?, nil), (nil, _?):
            throw APIError(
                .invalidConfiguration,
                "control.address and control.tls belong together.",
                cause: "without certificates nobody could be told from a stranger",
                try: "give both, or none"
            )
        }
    }
}

/// Reads limits and certificates again at SIGHUP.
struct ReloadService: Service {
    let parts: AgentParts
    let reload: @Sendable () throws(APIError) -> AgentConfiguration

    func run() async throws {
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        self.parts.core.began(.signals)
        for await _ in hangups.cancelOnGracefulShutdown() {
            do {
                let waiting = self.parts.apply(try self.reload())
                await self.parts.renewal.renewDue()
                self.parts.core.journal.note(
                    "ConfigurationReloaded",
                    "limits and certificates were read again"
                        + (waiting.isEmpty
                            ? "" : "; a restart is needed for \(waiting.joined(separator: ", "))"),
                    level: waiting.isEmpty ? .info : .warning
                )
            } catch {
                self.parts.core.journal.note(
                    "ConfigurationRefused",
                    "the configuration holds as it was: \(error)",
                    level: .error
                )
            }
        }
    }
}

/// Ends the process when draining takes longer than it may: everything is resumable anyway.
struct StopWatchdog: Service {
    let parts: AgentParts

    func run() async throws {
        try? await gracefulShutdown()
        let environment = self.parts.core.environment
        let seconds = self.parts.core.configuration.drainTimeout + 10
        self.parts.core.journal.note(
            "Draining",
            "the agent stops; transfers go on at its next start"
        )
        // A thread: nothing on the cooperative pool may be needed to end.
        _ = try? DataThread.spawn(name: "stop-watchdog") {
            usleep(UInt32(min(seconds, 4000) * 1e6))
            environment.logger.error("draining took too long; the next start resumes")
            environment.stuck()
        }
    }
}
