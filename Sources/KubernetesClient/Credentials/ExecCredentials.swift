// SPDX-License-Identifier: Apache-2.0

import Foundation
import Locks
import ObjectModel

/// What a plug-in gave.
struct ExecCredential: Sendable, Equatable {
    var token: String?
    var certificate: [UInt8]?
    var privateKey: [UInt8]?
    var expiration: Timestamp?

    func isValid(at now: Timestamp) -> Bool { self.expiration.map { now < $0 } ?? true }

    /// Reads what a plug-in printed.
    ///
    /// - Throws: a text that says what is wrong, never what was printed: it may be a secret.
    static func read(_ bytes: [UInt8], apiVersion: String) throws(ExecProblem) -> Self {
        guard let json = try? JSON(parsing: bytes), json["kind"] == "ExecCredential" else {
            throw ExecProblem("it printed no ExecCredential object")
        }
        guard json["apiVersion"]?.string == apiVersion else {
            let printed = json["apiVersion"]?.string ?? "none"
            throw ExecProblem("it printed apiVersion \(printed), configured is \(apiVersion)")
        }
        let status = json["status"]
        let token = status?["token"]?.string
        let certificate = status?["clientCertificateData"]?.string.map { Array($0.utf8) }
        let key = status?["clientKeyData"]?.string.map { Array($0.utf8) }
        guard token != nil || certificate != nil else {
            throw ExecProblem("it printed neither a token nor a certificate")
        }
        guard (certificate == nil) == (key == nil) else {
            throw ExecProblem("it printed a certificate without a key, or a key without it")
        }
        var expiration: Timestamp?
        if let text = status?["expirationTimestamp"]?.string {
            guard let time = Timestamp(text) else {
                throw ExecProblem("expirationTimestamp \"\(text)\" is no time")
            }
            expiration = time
        }
        return Self(
            token: token,
            certificate: certificate,
            privateKey: key,
            expiration: expiration
        )
    }
}

/// What is wrong with a plug-in.
struct ExecProblem: Error {
    let text: String
    init(_ text: String) { self.text = text }
}

/// Runs a plug-in when its credentials are needed and the last ones are over.
final class ExecCredentials: Sendable {
    /// Plug-ins ask their platforms over the network.
    static let timeout = Duration.seconds(60)
    /// A token and a certificate with its key are far below.
    static let outputLimit = 1 << 20

    private let plugin: ExecPlugin
    private let environment: ClientEnvironment
    private let timeout: Duration
    /// One run serves all who wait.
    private let gate = RequestGate(1)
    private let cached = Locked(ExecCredential?.none)

    init(
        _ plugin: ExecPlugin,
        _ environment: ClientEnvironment,
        timeout: Duration = ExecCredentials.timeout
    ) {
        self.plugin = plugin
        self.environment = environment
        self.timeout = timeout
    }

    /// What the plug-in gave last, or gives now.
    ///
    /// - Parameter refused: credentials that the server did not take, which are not given again.
    /// - Returns: credentials that are valid now.
    /// - Throws: ``ClusterError`` with what is wrong with the plug-in.
    func current(refused: ExecCredential? = nil) async throws(ClusterError) -> ExecCredential {
        if let known = self.known(refused) { return known }
        do {
            return try await self.gate.pass {
                if let known = self.known(refused) { return known }
                let fresh = try await self.run()
                self.cached.withLock { $0 = fresh }
                return fresh
            }
        } catch let problem as ExecProblem {
            throw self.error(problem.text)
        } catch is DeadlinePassed {
            throw self.error("it did not end within \(self.timeout.components.seconds) s")
        } catch ChildProcess.Failure.printsTooMuch(let limit) {
            throw self.error("it printed more than \(limit) bytes")
        } catch ChildProcess.Failure.cannotStart(let reason) {
            throw self.error("it cannot be started: \(reason)")
        } catch { throw ClusterError(.cancelled, "cancelled") }
    }

    private func known(_ refused: ExecCredential?) -> ExecCredential? {
        let now = self.environment.now()
        return self.cached.withLock { cached in
            cached.flatMap { $0.isValid(at: now) && $0 != refused ? $0 : nil }
        }
    }

    private func run() async throws -> ExecCredential {
        let child = ChildProcess(
            executable: try self.executable(),
            arguments: self.plugin.arguments,
            variables: self.variables(),
            limit: Self.outputLimit
        )
        let output = try await withDeadline(self.timeout) { try await child.run() }
        guard output.status == 0 else {
            let told = String(decoding: output.errors.suffix(500), as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            throw ExecProblem(
                "it ended with \(output.status)" + (told.isEmpty ? "" : " and said: \(told)")
            )
        }
        return try ExecCredential.read(output.output, apiVersion: self.plugin.apiVersion)
    }

    private func variables() -> [String: String] {
        var spec: JSON = ["interactive": false]
        if let cluster = self.plugin.clusterInfo, let info = try? JSON(parsing: cluster) {
            spec.set(info, at: "cluster")
        }
        let info: JSON = [
            "apiVersion": .string(self.plugin.apiVersion), "kind": "ExecCredential", "spec": spec,
        ]
        var variables = self.environment.variables
        variables.merge(self.plugin.variables) { _, own in own }
        variables["KUBERNETES_EXEC_INFO"] = info.compact
        return variables
    }

    /// The program's file: a path as it is, a name from the directories of `PATH`.
    private func executable() throws(ExecProblem) -> String {
        let command = self.plugin.command
        let manager = FileManager.default
        if command.contains("/") {
            if manager.isExecutableFile(atPath: command) { return command }
            throw ExecProblem("there is no program \(command)")
        }
        for directory in (self.environment.variables["PATH"] ?? "").split(separator: ":") {
            let path = "\(directory)/\(command)"
            if manager.isExecutableFile(atPath: path) { return path }
        }
        throw ExecProblem("there is no program \(command) in PATH")
    }

    private func error(_ problem: String) -> ClusterError {
        var advice = "run it by hand to see what it says: "
        advice += ([self.plugin.command] + self.plugin.arguments).joined(separator: " ")
        if !self.plugin.installHint.isEmpty { advice += "; \(self.plugin.installHint)" }
        return ClusterError(
            .credentials,
            "\(self.plugin.source), \(self.plugin.entry): "
                + "the credentials plug-in \(self.plugin.command) gave none: \(problem); \(advice)"
        )
    }
}
