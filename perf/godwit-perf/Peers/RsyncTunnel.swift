// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// An rsync daemon behind a stunnel, and the stunnel that a client connects to.
final class RsyncTunnel {
    let sender = Side("send")
    let receiver = Side("receive")
    /// What a client is told to connect to.
    let port: Int
    private let name: String
    private let certificates: Certificates

    /// Serves a folder as the module `volumes`; `name` tells its files from another one's.
    init(_ name: String, serving folder: String, _ certificates: Certificates) throws {
        self.name = name
        self.certificates = certificates
        let daemon = try Scratch.freePort()
        let server = try Scratch.freePort()
        self.port = try Scratch.freePort()
        for side in ["send", "receive", "client"] { unlink(self.logPath(side)) }
        let configuration = try self.write("rsyncd", Self.daemonSettings(folder))
        try self.receiver.start(
            Launch([
                "rsync", "--daemon", "--no-detach", "--address=127.0.0.1", "--port=\(daemon)",
                "--config=\(configuration)",
            ])
        )
        try self.receiver.start(
            Launch(
                ["stunnel4", try self.tunnel("receive", "server", accept: server, to: daemon)],
                errors: self.logPath("receive")
            )
        )
        try self.sender.start(
            Launch(
                ["stunnel4", try self.tunnel("send", "client", accept: self.port, to: server)],
                errors: self.logPath("send")
            )
        )
        for port in [daemon, server, self.port] { try Scratch.waitForPort(port) }
    }

    var meter: Meter { Meter(sender: self.sender, receiver: self.receiver) }

    /// Starts a client, or what starts clients.
    func start(_ arguments: [String], input: String? = nil) throws -> ChildProcess {
        var launch = Launch(arguments, errors: self.logPath("client"))
        launch.input = input
        return try self.sender.start(launch)
    }

    func stop() throws {
        try self.sender.stop()
        try self.receiver.stop()
    }

    /// The last words of `send`, `receive` or `client`.
    func log(_ side: String) -> String {
        (try? String(contentsOfFile: self.logPath(side), encoding: .utf8))
            .map { String($0.suffix(500)) } ?? ""
    }

    /// The bytes inside TLS of both directions, which each stunnel logs soon after a connection ends.
    func tunnelledBytes(connections: Int) throws -> Int {
        for _ in 0..<1000 {
            let sent = ["send", "receive"].map { self.sentBytes($0) }
            if sent.allSatisfy({ $0.count == connections }) { return sent.joined().reduce(0, +) }
            usleep(5000)
        }
        throw HarnessError("stunnel did not count \(connections) connections: \(self.log("send"))")
    }

    private func sentBytes(_ side: String) -> [Int] {
        let text = (try? String(contentsOfFile: self.logPath(side), encoding: .utf8)) ?? ""
        return text.split(separator: "\n")
            .compactMap { line in
                guard let end = line.firstRange(of: " byte(s) sent to TLS") else { return nil }
                return line[..<end.lowerBound].split(separator: " ").last.flatMap { Int($0) }
            }
    }

    private static func daemonSettings(_ folder: String) -> String {
        """
        use chroot = no
        log file = /dev/null
        [volumes]
        path = \(folder)
        read only = no
        \(getuid() == 0 ? "uid = 0\ngid = 0" : "")

        """
    }

    private func tunnel(
        _ name: String,
        _ side: String,
        accept: Int,
        to port: Int
    ) throws -> String {
        try self.write(
            name,
            """
            foreground = yes
            pid =
            debug = 5
            [rsync]
            client = \(side == "client" ? "yes" : "no")
            accept = 127.0.0.1:\(accept)
            connect = 127.0.0.1:\(port)
            cert = \(self.certificates.path("\(side)-cert.pem"))
            key = \(self.certificates.path("\(side)-key.pem"))
            CAfile = \(self.certificates.path("ca-cert.pem"))
            verifyChain = yes
            sslVersionMin = TLSv1.3

            """
        )
    }

    private func logPath(_ side: String) -> String { Scratch.path("\(self.name)-\(side).log") }

    private func write(_ name: String, _ text: String) throws -> String {
        let path = Scratch.path("\(self.name)-\(name).conf")
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        return path
    }
}
