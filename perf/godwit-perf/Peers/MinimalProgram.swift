// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// `c-minimal`: the least program in C that does the steps of a full copy.
final class MinimalProgram: FilePeer {
    let name = "c-minimal"
    let summary =
        "read, zero test, ph128, LZ4 where it helps, TLS, verify, direct I/O, fsync; 3 streams"
    let scenarios: Set<Scenario> = [.full]
    private let certificates: Certificates
    var source: Source?
    let destination = Scratch.path("minimal.img")

    /// As many as Godwit has when nobody says otherwise.
    private static let streams = 3

    init(_ certificates: Certificates) { self.certificates = certificates }

    var obstacle: String? {
        access(Self.program, X_OK) == 0 ? nil : "\(Self.program) is not built"
    }

    private static var log: String { Scratch.path("minimal.log") }

    /// What both ends have said.
    private static var words: String {
        (try? String(contentsOfFile: self.log, encoding: .utf8)) ?? ""
    }

    private static var program: String { "\(GodwitAgent.folder)/c-minimal" }

    func transfer(_ scenario: Scenario) throws -> Sample {
        let source = try self.opened()
        let sender = Side("send")
        let receiver = Side("receive")
        let port = try Scratch.freePort()
        unlink(Self.log)
        let server = try receiver.start(
            self.launch("receive", port, "server", [self.destination])
        )
        try Scratch.waitForPort(port)
        var sample = try Meter(sender: sender, receiver: receiver)
            .measure {
                // The sender ends when the receiver has answered, which is after fsync.
                let client = try sender.start(
                    self.launch("send", port, "client", [source.path, "adaptive"])
                )
                try self.check(client, server)
            }
        try sender.stop()
        try receiver.stop()
        sample.reported["writes"] = try self.kindOfWrites()
        return sample
    }

    private func launch(
        _ mode: String,
        _ port: Int,
        _ end: String,
        _ arguments: [String]
    ) -> Launch {
        let command = Self.command(
            mode,
            port: port,
            streams: Self.streams,
            self.certificates,
            end
        )
        return Launch(command + arguments, errors: Self.log)
    }

    /// How the program is called for one end, but for what a mode wants besides.
    static func command(
        _ mode: String,
        port: Int,
        streams: Int,
        _ certificates: Certificates,
        _ end: String
    ) -> [String] {
        let files = ["\(end)-cert.pem", "\(end)-key.pem", "ca-cert.pem"]
        return [self.program, mode, String(port), String(streams)]
            + files.map { certificates.path($0) }
    }

    private func check(_ client: ChildProcess, _ server: ChildProcess) throws {
        let codes = (try client.wait(), try server.wait())
        guard codes == (0, 0) else {
            throw HarnessError("\(self.name) ended with \(codes): \(Self.words.suffix(500))")
        }
    }

    /// Whether it wrote past the page cache: where the system refuses that, the bar is another one.
    private func kindOfWrites() throws -> String {
        let mark = "c-minimal: writes "
        let lines = Self.words.split(separator: "\n").filter { $0.hasPrefix(mark) }
        guard lines.count == Self.streams else {
            throw HarnessError("\(self.name) did not say how it writes: \(Self.words)")
        }
        return Set(lines.map { String($0.dropFirst(mark.count)) }).sorted()
            .joined(separator: " and ")
    }
}
