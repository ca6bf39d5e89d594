// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
public import NIOSSL

/// The files with which controllers and agents of one cluster know each other.
///
/// A directory laid out as Kubernetes mounts a TLS secret: `tls.crt`, `tls.key` and `ca.crt`, all PEM.
/// The authority is the cluster's own and certifies nothing else: agents carry the DNS name
/// ``agentName``, controllers ``controllerName``. The files are read at each use, so that a renewed
/// certificate needs no restart; a new authority does, at the agents.
public struct ControlCredentials: Hashable, Sendable {
    /// The DNS name in the certificate of every agent.
    public static let agentName = "godwit-agent"
    /// The DNS name in the certificate of every controller.
    public static let controllerName = "godwit-controller"

    /// Where the files are.
    public let directory: String

    /// The files in a directory; nothing is read yet.
    public init(directory: String) { self.directory = directory }

    /// What the files are now: another one after any of them was replaced.
    public struct Stamp: Hashable, Sendable {
        private struct File: Hashable, Sendable {
            let inode: UInt64
            let size: UInt64
            let modified: Date
        }

        private let files: [File?]

        fileprivate init(_ directory: String) {
            self.files = ["tls.crt", "tls.key", "ca.crt"]
                .map { name in
                    // Kubernetes replaces such files by moving a symbolic link.
                    let path = URL(fileURLWithPath: "\(directory)/\(name)")
                        .resolvingSymlinksInPath()
                    let attributes = try? FileManager.default.attributesOfItem(atPath: path.path)
                    return attributes.map { attributes in
                        File(
                            inode: (attributes[.systemFileNumber] as? NSNumber)?.uint64Value ?? 0,
                            size: (attributes[.size] as? NSNumber)?.uint64Value ?? 0,
                            modified: attributes[.modificationDate] as? Date ?? .distantPast
                        )
                    }
                }
        }
    }

    /// The files as they are now, to see that they were replaced; none of them is read.
    public var stamp: Stamp { Stamp(self.directory) }

    /// What a client of the agents needs; TLS 1.3 only.
    ///
    /// - Throws: `GW5001` with the file that cannot be used.
    public func client() throws(APIError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv13
        tls.trustRoots = try self.roots()
        tls.certificateChain = try self.chain()
        tls.privateKey = try self.key()
        return tls
    }

    /// What an agent needs to serve controllers: nobody without a certificate comes in; TLS 1.3 only.
    ///
    /// - Throws: `GW5001` with the file that cannot be used.
    public func server() throws(APIError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try self.chain(),
            privateKey: try self.key()
        )
        tls.minimumTLSVersion = .tlsv13
        tls.trustRoots = try self.roots()
        // Clients have no host name; whose certificate it is, the routes ask.
        tls.certificateVerification = .noHostnameVerification
        let own = self
        tls.sslContextCallback = { _, promise in
            promise.completeWith(
                Result {
                    var override = NIOSSLContextConfigurationOverride()
                    override.certificateChain = try own.chain()
                    override.privateKey = try own.key()
                    return override
                }
            )
        }
        return tls
    }

    private func chain() throws(APIError) -> [NIOSSLCertificateSource] {
        try self.read("tls.crt") { bytes in
            try NIOSSLCertificate.fromPEMBytes(bytes).map { .certificate($0) }
        }
    }

    private func key() throws(APIError) -> NIOSSLPrivateKeySource {
        try self.read("tls.key") { bytes in
            .privateKey(try NIOSSLPrivateKey(bytes: bytes, format: .pem))
        }
    }

    private func roots() throws(APIError) -> NIOSSLTrustRoots {
        try self.read("ca.crt") { bytes in
            .certificates(try NIOSSLCertificate.fromPEMBytes(bytes))
        }
    }

    private func read<Value>(
        _ name: String,
        _ use: ([UInt8]) throws -> Value
    ) throws(APIError) -> Value {
        let path = "\(self.directory)/\(name)"
        guard let data = FileManager.default.contents(atPath: path) else {
            throw APIError(
                .invalidConfiguration,
                "The file \(path) cannot be read.",
                cause: "controllers and agents know each other by tls.crt, tls.key and ca.crt",
                try: "check the directory and its permissions"
            )
        }
        do { return try use(Array(data)) } catch {
            throw APIError(
                .invalidConfiguration,
                "The file \(path) cannot be used.",
                cause: "\(error)",
                try: "it must be PEM, as in a TLS secret of Kubernetes"
            )
        }
    }
}
