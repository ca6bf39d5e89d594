// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel

/// The keys of one embedded cluster, as files of its directory: made at the first start, and made
/// anew in time.
///
/// `authority.json` and `server.json` hold a certificate with its key in one file, so that a crash
/// leaves both or none; `ca.crt` is for clients that want the authority alone.
struct ClusterIdentity: Sendable {
    let directory: ClusterDirectory
    let authority: ClusterAuthority
    let now: @Sendable () -> Date

    private static let authorityFile = "authority.json"
    private static let serverFile = "server.json"

    /// Reads the authority, or makes one where the directory has none.
    ///
    /// - Throws: `damaged` for a file that others can read or that holds no authority: making another
    ///   one would turn away everybody who has a kubeconfig.
    init(
        _ directory: ClusterDirectory,
        random: @Sendable () -> UInt64,
        now: @escaping @Sendable () -> Date
    ) throws(EmbeddedServerError) {
        self.directory = directory
        self.now = now
        do {
            if let text = try Self.secret(Self.authorityFile, directory) {
                guard let pair = Self.pair(of: text) else { throw DamagedFile() }
                self.authority = try ClusterAuthority(pair)
            } else {
                self.authority = try ClusterAuthority(now: now())
                try directory.write(Self.text(of: self.authority.pair), to: Self.authorityFile)
            }
        } catch let error as EmbeddedServerError { throw error } catch {
            throw ClusterDirectory.damaged(
                "\(directory.path)/\(Self.authorityFile)",
                "it does not hold a certificate and its key (\(error))"
            )
        }
        try directory.write(self.authority.pem, to: "ca.crt")
        try Self.tokens(directory, random)
    }

    private struct DamagedFile: Error, CustomStringConvertible {
        let description = "not the JSON that was written"
    }

    /// A file that only its user may read; nil where there is none.
    private static func secret(
        _ name: String,
        _ directory: ClusterDirectory
    ) throws(EmbeddedServerError) -> String? {
        if let state = directory.state(of: name), !state.isPrivate {
            throw EmbeddedServerError(
                .damaged,
                "\(directory.path)/\(name) can be read by others than its user.",
                try: "Take it away from them with chmod 600, and think of who may have read it."
            )
        }
        return try directory.read(name)
    }

    private static func tokens(
        _ directory: ClusterDirectory,
        _ random: () -> UInt64
    ) throws(EmbeddedServerError) {
        guard try Self.secret(TokenFile.name, directory) == nil else { return }
        var bytes: [UInt8] = []
        for _ in 0..<4 {
            let word = random()
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: word >> (UInt64($0) * 8)) }
        }
        try directory.write(TokenFile.initial(bytes), to: TokenFile.name)
    }

    private static func text(of pair: CertificatePair) -> String {
        JSON(["certificate": pair.certificate, "key": pair.key]).pretty + "\n"
    }

    private static func pair(of text: String) -> CertificatePair? {
        guard let json = try? JSON(parsing: text), let certificate = json["certificate"]?.string,
            let key = json["key"]?.string
        else { return nil }
        return CertificatePair(certificate: certificate, key: key)
    }

    // MARK: What is made of it

    /// The server's certificate for these hosts: the one of last time while it is good.
    func server(hosts: [String]) throws(EmbeddedServerError) -> CertificatePair {
        let now = self.now()
        if let text = try Self.secret(Self.serverFile, self.directory),
            let pair = Self.pair(of: text),
            self.authority.isUsable(pair, hosts: hosts, now: now)
        {
            return pair
        }
        let pair = try self.issued { try self.authority.server(hosts: hosts, now: now) }
        try self.directory.write(Self.text(of: pair), to: Self.serverFile)
        return pair
    }

    /// Writes the kubeconfig of a user; the certificate of last time stays while it is good.
    ///
    /// - Returns: the path of the file.
    func writeKubeconfig(
        _ user: ClusterUser,
        to name: String,
        cluster: String,
        server: String,
        namespace: String? = nil
    ) throws(EmbeddedServerError) -> String {
        let now = self.now()
        let former = try self.directory.read(name)
        var certificate = former.flatMap { KubeconfigFile.certificate(in: $0) }
        if let known = certificate, !self.authority.isUsable(known, hosts: [], now: now) {
            certificate = nil
        }
        let pair: CertificatePair
        if let certificate, self.authority.user(of: certificate, now: now) == user {
            pair = certificate
        } else {
            pair = try self.issued { try self.authority.client(user, now: now) }
        }
        let file = KubeconfigFile(
            cluster: cluster,
            server: server,
            authority: self.authority.pem,
            user: user,
            certificate: pair,
            namespace: namespace
        )
        if file.text != former { try self.directory.write(file.text, to: name) }
        return "\(self.directory.path)/\(name)"
    }

    private func issued(
        _ body: () throws -> CertificatePair
    ) throws(EmbeddedServerError) -> CertificatePair {
        do { return try body() } catch {
            throw EmbeddedServerError(
                .failed,
                "A certificate cannot be made: \(error).",
                try: "Report it: this does not depend on how the cluster is used."
            )
        }
    }
}
