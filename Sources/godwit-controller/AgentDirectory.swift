// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ControlPlane
import Foundation
import Glibc

/// The agents of this cluster, as the command line names them.
struct AgentDirectory: Sendable {
    private enum Entry: Sendable {
        case local(String)
        case remote(host: String, port: Int, ControlCredentials)
    }

    private let entries: [Entry]
    private let connections = AgentConnections()

    /// - Throws: `GW5001` where an address or the certificates cannot be used.
    init(_ texts: [String], tls directory: String?) throws(APIError) {
        var entries: [Entry] = []
        for text in texts {
            guard text.hasPrefix("https://") else {
                entries.append(.local(text))
                continue
            }
            let (host, port) = try Self.address(text)
            entries.append(.remote(host: host, port: port, try Self.credentials(directory)))
        }
        self.entries = entries
    }

    private static func address(_ text: String) throws(APIError) -> (String, Int) {
        guard let parts = URLComponents(string: text), let host = parts.host, !host.isEmpty,
            parts.path.isEmpty || parts.path == "/", parts.query == nil
        else {
            throw APIError(
                .invalidConfiguration,
                "'\(PlainText.line(text.prefix(200)))' is not the address of an agent.",
                try: "give one such as https://node-a:9002"
            )
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        return (isBracketed ? String(host.dropFirst().dropLast()) : host, parts.port ?? 9002)
    }

    private static func credentials(_ directory: String?) throws(APIError) -> ControlCredentials {
        guard let directory else {
            throw APIError(
                .invalidConfiguration,
                "Agents that are reached over https need the certificate of a controller.",
                try: "give the directory with tls.crt, tls.key and ca.crt: --agent-tls DIR"
            )
        }
        let credentials = ControlCredentials(directory: directory)
        _ = try credentials.client()
        return credentials
    }

    /// Every agent that there is now: a name is looked up each time, for nodes come and go.
    func current() throws(VolumeTrouble) -> [any AgentAccess] {
        var agents: [any AgentAccess] = []
        for entry in self.entries {
            switch entry {
            case .local(let place): agents.append(self.connections.local(place))
            case .remote(let host, let port, let credentials):
                for address in try Self.addresses(of: host) {
                    let place = address.contains(":") ? "[\(address)]" : address
                    agents.append(self.connections.remote("https://\(place):\(port)", credentials))
                }
            }
        }
        return agents
    }

    /// Closes the connections to them; call once, when nothing asks any more.
    func close() async { await self.connections.close() }

    private static func addresses(of host: String) throws(VolumeTrouble) -> [String] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        var addresses: [String] = []
        var next = result == 0 ? list : nil
        while let entry = next {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let isText = getnameinfo(
                entry.pointee.ai_addr,
                entry.pointee.ai_addrlen,
                &text,
                socklen_t(text.count),
                nil,
                0,
                NI_NUMERICHOST
            )
            let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            let address = String(decoding: bytes, as: UTF8.self)
            if isText == 0, !addresses.contains(address) { addresses.append(address) }
            next = entry.pointee.ai_next
        }
        guard !addresses.isEmpty else {
            throw VolumeTrouble(
                .agentUnreachable,
                "No agent is found by the name \(host).",
                remedy: "check the name; for a DaemonSet it is that of its headless Service",
                isPassing: true
            )
        }
        return addresses
    }
}
