// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Glibc

/// Where the storage of a destination is, as a ClusterPair's options say it.
enum StorageOptions {
    /// Of the agent at a place; nil where none runs there, which is no failure.
    ///
    /// - Throws: what an agent says that runs and does not tell its token.
    static func ofAgent(at location: String) async throws(APIError) -> [String: String]? {
        do throws(APIError) {
            return try await AgentClient(at: location)
                .once { agent throws(APIError) in
                    let version: VersionInfo = try await agent.get(AgentRoute.version)
                    let token: TokenInfo = try await agent.get(AgentRoute.token)
                    return Self.options(version, token, ownAddress: Self.ownAddress())
                }
        } catch {
            guard error.id == .agentUnreachable else { throw error }
            return nil
        }
    }

    /// Those of an agent on a machine that others reach at an address, where it has one but loopback.
    static func options(
        _ version: VersionInfo,
        _ token: TokenInfo,
        ownAddress: String?
    ) -> [String: String] {
        let place = Self.hostAndPort(version.api ?? "")
        let isEverywhere = ["", "0.0.0.0", "::"].contains(place.host)
        return [
            "ip": isEverywhere ? ownAddress ?? "127.0.0.1" : place.host, "port": place.port,
            "token": token.token,
        ]
    }

    /// The parts of `HOST:PORT`; the port of agents where there is none.
    static func hostAndPort(_ text: String) -> (host: String, port: String) {
        // An address of IPv6 without a port has colons too.
        guard let colon = text.lastIndex(of: ":"),
            text.hasPrefix("[") ? text[..<colon].hasSuffix("]") : !text[..<colon].contains(":")
        else { return (text.filter { $0 != "[" && $0 != "]" }, "9001") }
        let host = text[..<colon].filter { $0 != "[" && $0 != "]" }
        return (String(host), String(text[text.index(after: colon)...]))
    }

    /// The first address of this machine that is not only its own; IPv4 before IPv6.
    private static func ownAddress() -> String? {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return nil }
        defer { freeifaddrs(list) }
        var found: [(family: Int32, text: String)] = []
        var entry = list
        while let current = entry?.pointee {
            entry = current.ifa_next
            let flags = Int32(current.ifa_flags)
            guard let address = current.ifa_addr, flags & Int32(IFF_UP) != 0,
                flags & Int32(IFF_LOOPBACK) == 0
            else { continue }
            let family = Int32(address.pointee.sa_family)
            guard family == AF_INET || family == AF_INET6 else { continue }
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let size = socklen_t(
                family == AF_INET
                    ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
            )
            guard
                getnameinfo(
                    address,
                    size,
                    &text,
                    socklen_t(text.count),
                    nil,
                    0,
                    NI_NUMERICHOST
                ) == 0
            else { continue }
            let host = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
            // Link-local addresses only work with the name of our own interface.
            if !host.hasPrefix("fe80") { found.append((family, host)) }
        }
        return (found.first { $0.family == AF_INET } ?? found.first)?.text
    }
}
