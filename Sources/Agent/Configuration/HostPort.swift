// SPDX-License-Identifier: Apache-2.0

public import AgentAPI

/// Where a server listens.
public struct HostPort: Hashable, Sendable, CustomStringConvertible {
    /// A name or an address.
    public let host: String
    /// 0 lets the system choose.
    public let port: Int

    /// An address of its parts.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// The address that `text` says, such as `0.0.0.0:9010` or `[::1]:9010`.
    ///
    /// - Throws: `GW5001` with what is wrong.
    public init(_ text: String) throws(APIError) {
        guard let colon = text.lastIndex(of: ":") else {
            throw Self.wrong(text, "it has no port")
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty, !host.contains(where: \.isWhitespace) else {
            throw Self.wrong(text, "it has no host")
        }
        guard let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port) else {
            throw Self.wrong(text, "the port must be a number from 0 to 65535")
        }
        self.init(host: host, port: port)
    }

    /// The text that people read.
    public var description: String {
        self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }

    private static func wrong(_ text: String, _ reason: String) -> APIError {
        APIError(
            .invalidConfiguration,
            "'\(text)' is not an address: \(reason).",
            try: "write it as HOST:PORT, such as 0.0.0.0:9010"
        )
    }
}
