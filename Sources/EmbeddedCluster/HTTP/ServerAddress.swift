// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore

/// Where a server listens, and how that fails in words for a person.
struct ServerAddress: Sendable {
    static let portFile = "port"

    /// 0 for any free one.
    let port: Int
    private let host: String
    private let otherHosts: [String]
    private let directory: String
    /// Whether the port is that of the last start, which kubeconfigs name.
    private let isKept: Bool

    init(
        _ options: EmbeddedServerOptions,
        _ directory: ClusterDirectory
    ) throws(EmbeddedServerError) {
        self.host = options.host
        self.otherHosts = options.otherHosts
        self.directory = options.directory
        let kept = try directory.read(Self.portFile).flatMap { Int($0.trimming(\.isWhitespace)) }
        self.isKept = options.port == nil && kept != nil
        self.port = options.port ?? kept ?? 0
        guard (0...65_535).contains(self.port) else {
            throw EmbeddedServerError(
                .addressInvalid,
                "\(self.port) is no port.",
                try: "Ports are 0 for any free one, and 1 to 65535."
            )
        }
    }

    /// What the certificate has to name; the address of every interface is no name.
    var certifiedHosts: [String] {
        var hosts = ["localhost", "127.0.0.1", "::1"]
        for host in [self.host] + self.otherHosts where !hosts.contains(host) && !self.isAny(host) {
            hosts.append(host)
        }
        return hosts
    }

    private func isAny(_ host: String) -> Bool { host == "0.0.0.0" || host == "::" }

    /// What clients are told.
    func url(port: Int) -> String {
        let host = self.isAny(self.host) ? self.otherHosts.first ?? "127.0.0.1" : self.host
        return host.contains(":") ? "https://[\(host)]:\(port)" : "https://\(host):\(port)"
    }

    func failure(_ error: IOError) -> EmbeddedServerError {
        guard error.errnoCode == EADDRINUSE else {
            return EmbeddedServerError(
                .addressInvalid,
                "Cannot listen on \(self.host):\(self.port): \(error).",
                try: "Choose an address of this machine, and a port above 1023 without root."
            )
        }
        let kept =
            self.isKept
            ? " The port is that of the last start, which the kubeconfigs in \(self.directory) name."
            : ""
        return EmbeddedServerError(
            .addressInUse,
            "\(self.host):\(self.port) is in use by another process.\(kept)",
            try: "Stop that one (ss -ltnp shows it), or choose another port."
        )
    }

    func unknownHost(_ error: SocketAddressError.UnknownHost) -> EmbeddedServerError {
        EmbeddedServerError(
            .addressInvalid,
            "\(self.host) has no address: \(error).",
            try: "Choose an address of this machine."
        )
    }
}
