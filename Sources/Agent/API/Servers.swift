// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Glibc
import Hummingbird
import HummingbirdTLS
import Identity
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle

/// A server with its failures told in our words.
struct APIServer: Service {
    let serve: @Sendable () async throws -> Void
    let place: String

    func run() async throws {
        do { try await self.serve() } catch let error as IOError where error.errnoCode == EADDRINUSE
        {
            throw APIError(
                .addressInUse,
                "\(self.place) is in use by another process.",
                cause: "\(error)",
                try: "stop it (ss -ltnp shows it), or choose another address with --api"
            )
        } catch let error as IOError {
            throw APIError(
                .invalidConfiguration,
                "Cannot listen on \(self.place).",
                cause: "\(error)",
                try: "check that the address is one of this machine: --api HOST:PORT"
            )
        } catch let error as SocketAddressError.UnknownHost {
            throw APIError(
                .invalidConfiguration,
                "Cannot listen on \(self.place).",
                cause: "\(error)",
                try: "check that the host has an address: --api HOST:PORT"
            )
        }
    }
}

/// The two servers of an agent.
enum Servers {
    /// Connections at once; more wait in the kernel until some have ended.
    static let connections = 256
    /// A connection without a request, or with half of one, is closed after this.
    static let idle = TimeAmount.seconds(60)

    /// The body of a request has to be there after this; the largest has 256 KiB.
    static let whole = TimeAmount.seconds(60)

    /// The local one: a unix socket that only the agent's own user can open.
    static func local(_ core: AgentCore, socket: String, logger: Logger) -> APIServer {
        let router = Router(context: APIContext.self)
        router.add(middleware: UnknownRoute())
        HealthRoutes(isReady: { core.endpoints.isReady }).add(to: router)
        LocalRoutes(core: core).add(to: router)
        // Ours: the pool's lock is held, so whoever left it is dead.
        unlink(socket)
        let application = Application(
            router: router,
            configuration: .init(
                address: .unixDomainSocket(path: socket),
                serverName: nil,
                availableConnectionsDelegate: .maximum(Self.connections, logger: logger)
            ),
            onServerRunning: { _ in
                // The process's mask has kept others out from the first moment; this is the rule.
                chmod(socket, 0o600)
                core.began(.localServer)
            },
            logger: logger
        )
        return APIServer(serve: { try await application.run() }, place: socket)
    }

    /// The peers' one: TLS 1.3, a client certificate where one is shown must be from our CA.
    static func peers(_ core: AgentCore, logger: Logger) throws(APIError) -> APIServer {
        let router = Router(context: APIContext.self)
        router.add(middleware: WholeRequest(limit: Self.whole))
        router.add(middleware: UnknownRoute())
        HealthRoutes(isReady: { core.endpoints.isReady }).add(to: router)
        PeerRoutes(core: core).add(to: router)
        let address = core.configuration.api
        do {
            let application = Application(
                router: router,
                server: try .tls(
                    .http1(configuration: .init(idleTimeout: Self.idle)),
                    tlsConfiguration: try Self.tls(core.identity)
                ),
                configuration: .init(
                    address: .hostname(address.host, port: address.port),
                    serverName: nil,
                    availableConnectionsDelegate: .maximum(Self.connections, logger: logger)
                ),
                onServerRunning: { channel in
                    core.endpoints.apiPort = channel.localAddress?.port ?? address.port
                    core.began(.peerServer)
                },
                logger: logger
            )
            return APIServer(serve: { try await application.run() }, place: "\(address)")
        } catch {
            throw APIError(
                .stateDamaged,
                "The certificates of this agent cannot be used.",
                cause: "\(error)"
            )
        }
    }

    /// The controllers' one: everything that the socket answers, to a controller's certificate.
    ///
    /// - Throws: `GW5001` where the files of `credentials` cannot be used.
    static func control(
        _ core: AgentCore,
        at address: HostPort,
        _ credentials: ControlCredentials,
        logger: Logger
    ) throws(APIError) -> APIServer {
        let router = Router(context: APIContext.self)
        router.add(middleware: WholeRequest(limit: Self.whole))
        router.add(middleware: UnknownRoute())
        router.add(middleware: ControllersOnly())
        LocalRoutes(core: core).add(to: router)
        let tls = try credentials.server()
        do {
            let application = Application(
                router: router,
                server: try .tls(
                    .http1(configuration: .init(idleTimeout: Self.idle)),
                    tlsConfiguration: tls
                ),
                configuration: .init(
                    address: .hostname(address.host, port: address.port),
                    serverName: nil,
                    availableConnectionsDelegate: .maximum(Self.connections, logger: logger)
                ),
                onServerRunning: { channel in
                    core.endpoints.controlPort = channel.localAddress?.port ?? address.port
                    core.began(.controlServer)
                },
                logger: logger
            )
            return APIServer(serve: { try await application.run() }, place: "\(address)")
        } catch {
            throw APIError(
                .invalidConfiguration,
                "The files in \(credentials.directory) cannot be used.",
                cause: "\(error)"
            )
        }
    }

    private static func tls(_ identity: AgentIdentity) throws -> TLSConfiguration {
        let credentials = identity.server
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try Self.chain(credentials.certificateChainPEM),
            privateKey: try Self.key(credentials.privateKeyPEM)
        )
        // The library's default is TLS 1.0.
        tls.minimumTLSVersion = .tlsv13
        tls.trustRoots = .certificates(
            try NIOSSLCertificate.fromPEMBytes(Array(credentials.trustPEM.utf8))
        )
        tls.certificateVerification = .optionalVerification
        // Asked at each handshake, so a renewed certificate needs no restart.
        tls.sslContextCallback = { _, promise in
            promise.completeWith(
                Result {
                    var override = NIOSSLContextConfigurationOverride()
                    let current = identity.server
                    override.certificateChain = try Self.chain(current.certificateChainPEM)
                    override.privateKey = try Self.key(current.privateKeyPEM)
                    return override
                }
            )
        }
        return tls
    }

    private static func chain(_ pem: String) throws -> [NIOSSLCertificateSource] {
        try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)).map { .certificate($0) }
    }

    private static func key(_ pem: String) throws -> NIOSSLPrivateKeySource {
        .privateKey(try NIOSSLPrivateKey(bytes: Array(pem.utf8), format: .pem))
    }
}
