// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// An rsync daemon behind stunnel, as rsync's and VolSync's users run it.
final class Rsync: Peer {
    let name: String
    let scenarios: Set<Scenario> = [.full, .incremental, .unchanged, .resume]
    private let compresses: Bool
    private let certificates: Certificates
    private var source: Source?
    private var module = ""

    init(compresses: Bool, _ certificates: Certificates) {
        self.name = compresses ? "rsync-lz4" : "rsync"
        self.compresses = compresses
        self.certificates = certificates
    }

    var summary: String {
        "rsync daemon through stunnel, --inplace, --whole-file --sparse when full, else "
            + "--no-whole-file" + (self.compresses ? ", --compress-choice=lz4" : "")
    }

    var obstacle: String? { self.missing("rsync", "stunnel4") }

    func open(_ source: Source) throws {
        self.source = source
        self.module = try Scratch.makeFolder(self.name)
    }

    func clear() throws { unlink("\(self.module)/volume") }

    func transfer(_ scenario: Scenario) throws -> Sample {
        let sender = Side("send")
        let receiver = Side("receive")
        let port = try self.startTunnel(sender, receiver)
        var sample = try Meter(sender: sender, receiver: receiver)
            .measure {
                let client = try self.startClient(
                    sender,
                    full: scenario == .full,
                    port: port
                )
                guard try client.wait() == 0 else {
                    throw HarnessError("rsync failed: \(self.log("client"))")
                }
                try RawFile("\(self.module)/volume", writable: true).sync()
            }
        // Its bytes cross loopback three times; stunnel counts the ones inside TLS.
        sample.wireBytes = try self.tunnelledBytes()
        try sender.stop()
        try receiver.stop()
        return sample
    }

    func interrupt(afterLoopbackBytes count: Int) throws {
        let sender = Side("send")
        let receiver = Side("receive")
        let port = try self.startTunnel(sender, receiver)
        let limit = Machine.loopbackBytes() + count
        let client = try self.startClient(sender, full: true, port: port)
        try Machine.waitForLoopback(limit, or: client)
        client.signal(SIGKILL)
        try client.wait()
        try sender.stop()
        try receiver.stop()
    }

    func isIdentical() throws -> Bool {
        guard let source = self.source else { return false }
        let same = try RawFile.same(source.path, "\(self.module)/volume")
        try RawFile.syncAndEvict("\(self.module)/volume")
        return same
    }

    func close() throws { try? FileManager.default.removeItem(atPath: self.module) }

    private func log(_ name: String) -> String {
        (try? String(contentsOfFile: Scratch.path("\(self.name)-\(name).log"), encoding: .utf8))
            .map { String($0.suffix(500)) } ?? ""
    }

    private func startClient(_ side: Side, full: Bool, port: Int) throws -> ChildProcess {
        var arguments = ["rsync", "--inplace", "--times"]
        arguments += full ? ["--whole-file", "--sparse"] : ["--no-whole-file"]
        if self.compresses { arguments += ["--compress", "--compress-choice=lz4"] }
        arguments += [self.source?.path ?? "", "rsync://127.0.0.1:\(port)/volumes/volume"]
        return try side.start(
            Launch(arguments, errors: Scratch.path("\(self.name)-client.log"))
        )
    }

    private func startTunnel(_ sender: Side, _ receiver: Side) throws -> Int {
        let daemon = try Scratch.freePort()
        let server = try Scratch.freePort()
        let client = try Scratch.freePort()
        for name in ["send", "receive", "client"] {
            unlink(Scratch.path("\(self.name)-\(name).log"))
        }
        let configuration = try self.write(
            "rsyncd",
            """
            use chroot = no
            log file = /dev/null
            [volumes]
            path = \(self.module)
            read only = no
            \(getuid() == 0 ? "uid = 0\ngid = 0" : "")

            """
        )
        try receiver.start(
            Launch([
                "rsync", "--daemon", "--no-detach", "--address=127.0.0.1", "--port=\(daemon)",
                "--config=\(configuration)",
            ])
        )
        try receiver.start(
            Launch(
                ["stunnel4", try self.tunnel("receive", "server", accept: server, to: daemon)],
                errors: Scratch.path("\(self.name)-receive.log")
            )
        )
        try sender.start(
            Launch(
                ["stunnel4", try self.tunnel("send", "client", accept: client, to: server)],
                errors: Scratch.path("\(self.name)-send.log")
            )
        )
        for port in [daemon, server, client] { try Scratch.waitForPort(port) }
        return client
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

    private func write(_ name: String, _ text: String) throws -> String {
        let path = Scratch.path("\(self.name)-\(name).conf")
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        return path
    }

    /// The bytes of both directions, which each stunnel logs soon after the connection ends.
    private func tunnelledBytes() throws -> Int {
        for _ in 0..<1000 {
            let sent = ["send", "receive"].compactMap { self.sentBytes(side: $0) }
            if sent.count == 2 { return sent[0] + sent[1] }
            usleep(5000)
        }
        throw HarnessError("stunnel logged no byte count: \(self.log("send"))")
    }

    private func sentBytes(side: String) -> Int? {
        let path = Scratch.path("\(self.name)-\(side).log")
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        for line in text.split(separator: "\n") {
            guard let end = line.firstRange(of: " byte(s) sent to TLS") else { continue }
            return line[..<end.lowerBound].split(separator: " ").last.flatMap { Int($0) }
        }
        return nil
    }
}
