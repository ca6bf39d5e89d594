// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import NIOHTTP1

/// Talks to one agent with the rights of its administrator: over the unix socket of its pool, which
/// the file system guards, or from afar with the certificate of a controller.
public struct AgentClient: Sendable {
    private let connection: HTTPConnection

    /// The socket or URL that is used.
    public let place: String

    /// A client of the agent whose pool directory or socket is `location`.
    ///
    /// - Throws: `GW4001` where there is no socket, `GW4007` where it may not be used.
    public init(at location: String) throws(APIError) {
        let socket = try Self.socket(at: location)
        guard let url = URL(httpURLWithSocketPath: socket, uri: "") else {
            throw APIError(.invalidRequest, "\(socket) cannot be the path of a socket.")
        }
        self.place = socket
        self.connection = HTTPConnection(base: url.absoluteString, tls: nil) { error in
            APIError(
                .agentUnreachable,
                "No agent answers on \(socket).",
                cause: "\(error)",
                try: "start it: godwit-agent run --pool \(Self.pool(of: socket))"
            )
        }
    }

    /// A client of an agent that listens for controllers.
    ///
    /// - Parameters:
    ///   - url: `https://HOST:PORT` of the agent's `control.address`.
    ///   - credentials: of this controller.
    /// - Throws: `GW5001` for a URL or files that cannot be used.
    public init(url: String, credentials: ControlCredentials) throws(APIError) {
        guard let parts = URLComponents(string: url), parts.scheme == "https",
            let host = parts.host, let port = parts.port, parts.path.isEmpty || parts.path == "/"
        else {
            throw APIError(
                .invalidConfiguration,
                "'\(PlainText.line(url.prefix(200)))' is not the URL of an agent.",
                try: "give one such as https://10.0.0.7:9002"
            )
        }
        self.place = url
        // Every agent's certificate has the same name: where it is does not say who it is.
        let name = ControlCredentials.agentName
        self.connection = HTTPConnection(
            base: "https://\(name):\(port)",
            tls: try credentials.client(),
            places: [name: host.trimmingCharacters(in: ["[", "]"])]
        ) { error in
            APIError(
                .agentUnreachable,
                "The agent at \(url) cannot be reached.",
                cause: "\(error)",
                try: "check that it runs with control.address, and both certificates",
                retryAfter: 5
            )
        }
    }

    /// Closes the connections; call once, at the end.
    public func close() async { await self.connection.close() }

    /// Sends a request without a body.
    public func get<Answer: Decodable & Sendable>(
        _ path: String,
        timeout: Duration = .seconds(30)
    ) async throws(APIError) -> Answer {
        try await self.connection.call(.GET, try Self.named(path), timeout: timeout)
    }

    /// Sends a request with a JSON body.
    public func post<Answer: Decodable & Sendable>(
        _ path: String,
        _ body: some Encodable & Sendable,
        timeout: Duration = .seconds(30)
    ) async throws(APIError) -> Answer {
        let (path, data) = (try Self.named(path), try Self.encoded(body))
        return try await self.connection.call(.POST, path, body: data, timeout: timeout)
    }

    /// Deletes what `path` names.
    public func delete<Answer: Decodable & Sendable>(
        _ path: String,
        timeout: Duration = .seconds(60)
    ) async throws(APIError) -> Answer {
        try await self.connection.call(.DELETE, try Self.named(path), timeout: timeout)
    }

    /// The path, if every name in it is one: an empty one would be the path of the whole list.
    private static func named(_ path: String) throws(APIError) -> String {
        guard path.hasSuffix("/") || path.contains("//") else { return path }
        throw APIError(.invalidRequest, "The name is empty.", try: "give the name of what is meant")
    }

    private static func encoded(_ body: some Encodable) throws(APIError) -> Data {
        do { return try AgentJSON.data(of: body) } catch {
            throw APIError(.invalidRequest, "The request cannot be written.", cause: "\(error)")
        }
    }

    /// The socket that a pool directory holds, or the socket itself.
    private static func socket(at location: String) throws(APIError) -> String {
        guard !location.isEmpty else {
            throw APIError(
                .invalidRequest,
                "The path of the agent is empty.",
                try: "give the pool directory of a running agent: --agent DIR"
            )
        }
        var isDirectory: ObjCBool = false
        let manager = FileManager.default
        guard manager.fileExists(atPath: location, isDirectory: &isDirectory) else {
            throw APIError(
                .agentUnreachable,
                "There is no agent at \(location).",
                cause: "no such file or directory",
                try: "give the pool directory of a running agent: --agent DIR"
            )
        }
        let socket = isDirectory.boolValue ? location + "/agent.sock" : location
        guard manager.fileExists(atPath: socket) else {
            throw APIError(
                .agentUnreachable,
                "No agent is running on the pool \(location).",
                cause: "there is no \(socket)",
                try: "start it: godwit-agent run --pool \(location)"
            )
        }
        let kind = try? manager.attributesOfItem(atPath: socket)[.type] as? FileAttributeType
        guard kind == .typeSocket else {
            throw APIError(
                .agentUnreachable,
                "There is no agent at \(socket).",
                cause: "it is neither a directory nor a socket",
                try: "give the pool directory of a running agent: --agent DIR"
            )
        }
        guard manager.isWritableFile(atPath: socket) else {
            throw APIError(
                .socketNotAllowed,
                "You may not use \(socket).",
                cause: "its permissions are for the user who runs the agent",
                try: "run this command as that user"
            )
        }
        return socket
    }

    private static func pool(of socket: String) -> String {
        String(socket.dropLast(socket.hasSuffix("/agent.sock") ? "/agent.sock".count : 0))
    }
}

/// The routes of the local socket; the server registers the same paths.
public enum AgentRoute {
    /// The version of the release.
    public static let version = "/v1/version"
    /// The pairing token.
    public static let token = "/v1/cluster/token"
    /// Makes a new pairing token.
    public static let tokenReset = "/v1/cluster/token/reset"
    /// The pairs.
    public static let pairs = "/v1/pairs"
    /// The volumes.
    public static let volumes = "/v1/volumes"
    /// The transfers.
    public static let transfers = "/v1/transfers"
    /// The events.
    public static let events = "/v1/events"

    /// One pair.
    public static func pair(_ name: String) -> String { "\(self.pairs)/\(escaped(name))" }

    /// Something to do with one pair.
    public static func pair(_ name: String, _ verb: String) -> String {
        "\(self.pair(name))/\(verb)"
    }

    /// One volume.
    public static func volume(_ name: String) -> String { "\(self.volumes)/\(escaped(name))" }

    /// Something to do with one volume.
    public static func volume(_ name: String, _ verb: String) -> String {
        "\(self.volume(name))/\(verb)"
    }

    /// One transfer.
    public static func transfer(_ id: String) -> String { "\(self.transfers)/\(escaped(id))" }

    /// One transfer, answered when it has ended or so many milliseconds later, 1,000 at most.
    public static func transfer(_ id: String, waitingMilliseconds: Int) -> String {
        "\(self.transfer(id))?wait=\(waitingMilliseconds)"
    }

    /// Something to do with one transfer.
    public static func transfer(_ id: String, _ verb: String) -> String {
        "\(self.transfer(id))/\(verb)"
    }
}

/// The routes of port 9001 for peers.
public enum PeerRoute {
    /// Which CA the agent answers for.
    public static let authority = "/v1/pairing/authority"
    /// Begins a pairing.
    public static let start = "/v1/pairing/start"
    /// Ends a pairing.
    public static let finish = "/v1/pairing/finish"
    /// The next certificate of a pair.
    public static let renew = "/v1/peer/renew"
    /// The version of the release; a pair asks for it to see that it still holds.
    public static let version = "/v1/peer/version"
    /// Looks whether the way back is open.
    public static let reach = "/v1/peer/reach"
    /// The volumes.
    public static let volumes = "/v1/peer/volumes"

    /// The proof of one generation of one replica.
    public static func proof(volume: String, generation: UInt64) -> String {
        "\(self.volumes)/\(escaped(volume))/generations/\(generation)/proof"
    }
}
