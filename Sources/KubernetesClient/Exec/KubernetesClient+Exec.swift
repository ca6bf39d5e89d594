// SPDX-License-Identifier: Apache-2.0

import Foundation
public import ObjectModel

extension KubernetesClient {
    /// Runs a program in a container to its end, without input.
    ///
    /// The wait has no end of its own: whoever calls bounds it. Nothing is sent twice, since a program
    /// may do anything; only where the credentials were refused the request goes out again.
    ///
    /// - Parameters:
    ///   - command: the program and what it gets; no shell sees them before.
    ///   - pod: which.
    ///   - container: its name.
    /// - Returns: how it ended, with the last 64 KiB that it has printed.
    /// - Throws: ``ClusterError``: the server or the kubelet refused, or the connection ended before the
    ///   program did. After cancelling, and after a lost connection, the program may go on.
    public func run(
        _ command: [String],
        inPod pod: ObjectKey,
        container: String
    ) async throws(ClusterError) -> ExecResult {
        let path = try Self.path(Self.pods, pod, "exec")
        var call = Call(method: .get, path: path)
        call.query = command.map { ("command", $0) }
        call.query += [("container", container), ("stdout", "true"), ("stderr", "true")]
        let identity = try await self.identity()
        do { return try await self.run(call, identity) } catch {
            guard error.reason == .unauthorized, let fresh = try await self.renewed(identity) else {
                throw error
            }
            return try await self.run(call, fresh)
        }
    }

    private static let pods = APIResource(GroupVersion("", "v1"), "Pod", plural: "pods")

    private func run(
        _ call: Call,
        _ identity: RequestIdentity
    ) async throws(ClusterError) -> ExecResult {
        guard let url = URLComponents(string: self.connection.server) else {
            throw ClusterError(.badRequest, "\"\(self.connection.server)\" is no URL")
        }
        self.tally.count(call.verb)
        let request = ExecRequest(
            url: url,
            serverName: self.connection.serverName,
            call: call,
            identity: identity,
            userAgent: self.program,
            limits: self.limits
        )
        do { return try await request.run() } catch let error as ClusterError { throw error } catch
        {
            // A command does not belong into a message: it may hold a password.
            throw self.transport.told(error, call, self.limits.requestTimeout)
        }
    }
}
