// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Hummingbird
import HummingbirdTLS
import Locks
public import Logging
import NIOCore
import NIOSSL
import ObjectModel
public import ServiceLifecycle

/// The API of an embedded cluster over HTTPS, as `kubectl` speaks it.
///
/// It owns a directory: database, authority, tokens, and the kubeconfigs that it writes, all of them
/// for their user alone. Authority, address and port stay the same over restarts.
///
/// TLS 1.3 only: every client that can speak to the servers that we resemble has it.
public final class EmbeddedServer: Service, Sendable {
    /// The objects; for controllers in the same process that need no connection.
    public let store: ObjectStore
    private let options: EmbeddedServerOptions
    private let directory: ClusterDirectory
    private let identity: ClusterIdentity
    private let environment: StoreEnvironment
    private let logger: Logger
    private let onReady: @Sendable (EmbeddedServer) -> Void
    private let state = Locked<String?>(nil)
    /// What went wrong after the server began to listen.
    private let failures: AsyncStream<EmbeddedServerError>
    private let failed: AsyncStream<EmbeddedServerError>.Continuation

    /// Opens a cluster, making it where its directory is missing or empty.
    ///
    /// - Parameters:
    ///   - options: where it lives and listens.
    ///   - environment: time and randomness.
    ///   - logger: for requests that fail by our own fault.
    ///   - onReady: called when requests are answered and the kubeconfigs are written.
    /// - Throws: `directoryInUse` while another process has the directory, `notWritable`, `damaged`.
    public init(
        _ options: EmbeddedServerOptions,
        environment: StoreEnvironment = .system,
        logger: Logger,
        onReady: @escaping @Sendable (EmbeddedServer) -> Void = { _ in }
    ) async throws(EmbeddedServerError) {
        self.options = options
        self.environment = environment
        self.onReady = onReady
        (self.failures, self.failed) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
        var quiet = logger
        // The server library tells of each connection at these levels.
        quiet.logLevel = max(logger.logLevel, .warning)
        self.logger = quiet
        self.directory = try ClusterDirectory(options.directory)
        self.identity = try ClusterIdentity(
            self.directory,
            random: environment.random,
            now: environment.now
        )
        let path = "\(options.directory)/\(ClusterDirectory.database)"
        do { self.store = try await ObjectStore(path: path, environment: environment) } catch {
            throw EmbeddedServerError(
                .damaged,
                "The objects in \(path) cannot be opened: \(error.message).",
                try: "Use the release that wrote it or a later one, or restore it from a backup."
            )
        }
    }

    /// Where clients reach it, such as `https://127.0.0.1:6443`; nil before it is ready.
    public var url: String? { self.state.withLock { $0 } }

    /// The file by which `kubectl` may do everything.
    public var adminKubeconfig: String { "\(self.options.directory)/admin.kubeconfig" }

    /// Answers requests until shutdown is asked for or the task is cancelled; then closes the store.
    ///
    /// Watches are ended, requests in flight are finished.
    ///
    /// - Throws: ``EmbeddedServerError``.
    public func run() async throws {
        defer {
            self.state.withLock { $0 = nil }
            self.store.close()
            self.directory.release()
        }
        let address = try ServerAddress(self.options, self.directory)
        let application = try self.application(address)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await application.run() }
                group.addTask { await self.keepStore() }
                group.addTask { for await failure in self.failures { throw failure } }
                // Whichever ends first ends the others.
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch let error as IOError {
            throw address.failure(error)
        } catch let error as SocketAddressError.UnknownHost {
            throw address.unknownHost(error)
        }
    }

    /// The store's own work, with bookmarks for watches in time.
    private func keepStore() async {
        let seconds = HTTPLimits.bookmarkSeconds
        let (ticks, tick) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.store.run(ticks: ticks) }
            while (try? await Task.sleep(for: .seconds(seconds))) != nil { tick.yield() }
            tick.finish()
        }
    }

    // MARK: The server

    private func application(
        _ address: ServerAddress
    ) throws(EmbeddedServerError) -> Application<ClusterResponder> {
        let responder = ClusterResponder(
            api: ClusterAPI(
                store: self.store,
                tokens: TokenFile(self.directory),
                version: self.options.version
            ),
            authority: self.identity.authority,
            now: self.environment.now,
            isReady: { self.url != nil }
        )
        let pair = try self.identity.server(hosts: address.certifiedHosts)
        do {
            return Application(
                responder: responder,
                server: try .tls(
                    .http1(
                        configuration: .init(
                            idleTimeout: HTTPLimits.idle,
                            httpDecoderConfiguration: .init(
                                maxHeaderFieldSize: HTTPLimits.head,
                                maxHeaderListSize: HTTPLimits.head,
                                maxHeaderFieldCount: HTTPLimits.fields
                            )
                        )
                    ),
                    tlsConfiguration: try Self.tls(pair, trusting: self.identity.authority.pem)
                ),
                configuration: .init(
                    address: .hostname(self.options.host, port: address.port),
                    serverName: nil,
                    availableConnectionsDelegate: .maximum(
                        HTTPLimits.connections,
                        logger: self.logger
                    )
                ),
                onServerRunning: { channel in self.listens(channel.localAddress?.port, address) },
                logger: self.logger
            )
        } catch {
            throw EmbeddedServerError(
                .damaged,
                "The certificates in \(self.options.directory) cannot be used: \(error).",
                try: "Remove server.json there, and it is made anew."
            )
        }
    }

    private static func tls(
        _ pair: CertificatePair,
        trusting authority: String
    ) throws -> TLSConfiguration {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(pair.certificate.utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(pair.key.utf8), format: .pem)
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        tls.minimumTLSVersion = .tlsv13
        tls.trustRoots = .certificates(
            try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8))
        )
        // Who shows none may still have a token.
        tls.certificateVerification = .optionalVerification
        return tls
    }

    /// Writes down where the server is, and only then tells that it is ready.
    private func listens(_ port: Int?, _ address: ServerAddress) {
        let port = port ?? address.port
        let url = address.url(port: port)
        do {
            try self.directory.write("\(port)\n", to: ServerAddress.portFile)
            try self.writeKubeconfigs(url)
            self.state.withLock { $0 = url }
            self.onReady(self)
        } catch {
            self.failed.yield(error)
        }
    }

    private func writeKubeconfigs(_ url: String) throws(EmbeddedServerError) {
        _ = try self.identity.writeKubeconfig(
            .admin,
            to: "admin.kubeconfig",
            cluster: self.options.cluster,
            server: url
        )
        var namespaces = Set(self.options.userNamespaces)
        // Those of former starts go on to work.
        for name in try self.directory.names() {
            guard let match = name.wholeMatch(of: /user-(.+)\.kubeconfig/) else { continue }
            namespaces.insert(String(match.1))
        }
        for namespace in namespaces.sorted() {
            _ = try self.writeUserKubeconfig(namespace, url)
        }
    }

    private func writeUserKubeconfig(
        _ namespace: String,
        _ url: String
    ) throws(EmbeddedServerError) -> String {
        try self.identity.writeKubeconfig(
            .user(of: namespace),
            to: "user-\(namespace).kubeconfig",
            cluster: self.options.cluster,
            server: url,
            namespace: namespace
        )
    }

    /// Writes the kubeconfig of a namespace's user, while the server runs.
    ///
    /// - Returns: the path of the file.
    /// - Throws: `failed` for what is no name of a namespace and before the server is ready,
    ///   `notWritable`.
    public func addUser(ofNamespace namespace: String) throws(EmbeddedServerError) -> String {
        guard NameRule.isLabel(namespace) else {
            throw EmbeddedServerError(
                .failed,
                "'\(namespace)' is no name of a namespace.",
                try: "Names have lower-case letters, digits and '-', at most 63."
            )
        }
        guard let url = self.url else {
            throw EmbeddedServerError(.failed, "The server is not ready.", try: "Wait for it.")
        }
        return try self.writeUserKubeconfig(namespace, url)
    }
}
