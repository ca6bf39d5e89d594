// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation

/// Random bytes from memory to memory, over the transport of Godwit or of `c-minimal`.
final class RawTransport: Peer {
    /// Whose connections.
    enum Program: String, CaseIterable {
        case godwit
        case minimal = "c-minimal"
    }

    let scenarios: Set<Scenario> = [.transport]
    let obstacle: String? = nil
    private let program: Program
    private let streams: Int
    private let certificates: Certificates
    private let folder: String
    private var bytes = 0
    private var received = 0

    init(_ program: Program, streams: Int, _ certificates: Certificates) throws {
        self.program = program
        self.streams = streams
        self.certificates = certificates
        self.folder = try Scratch.makeFolder("transport-pki")
        try TransportCredentials.write(to: self.folder)
    }

    var name: String { self.program.rawValue }

    var summary: String {
        switch self.program {
        case .godwit: "FrameConnection over TLSConnection: data frames of 1 MiB"
        case .minimal: "SSL_write of 1 MiB over the same buffers"
        }
    }

    func open(_ source: Source) throws { self.bytes = source.size.bytes }

    func clear() throws {}

    /// The wall time is the sender's own, from the last handshake to the last answer.
    func transfer(_ scenario: Scenario) throws -> Sample {
        let sender = Side("send")
        let receiver = Side("receive")
        let port = try Scratch.freePort()
        let (sent, taken) = (self.path("send"), self.path("receive"))
        for path in [sent, taken, self.path("log")] { unlink(path) }
        let server = try receiver.start(self.launch(.server, port, output: taken))
        try Scratch.waitForPort(port)
        var sample = try Meter(sender: sender, receiver: receiver)
            .measure {
                let client = try sender.start(self.launch(.client, port, output: sent))
                let codes = (try client.wait(), try server.wait())
                guard codes == (0, 0) else {
                    let text = try? String(contentsOfFile: self.path("log"), encoding: .utf8)
                    throw HarnessError("\(self.name) ended with \(codes): \(text ?? "")")
                }
            }
        try sender.stop()
        try receiver.stop()
        sample.wallSeconds = try self.figure("seconds", in: sent)
        self.received = Int(try self.figure("bytes", in: taken))
        return sample
    }

    private func path(_ name: String) -> String { Scratch.path("transport-\(name)") }

    private func launch(_ end: TransportCredentials.End, _ port: Int, output: String) -> Launch {
        let mode: String
        let last: [String]
        switch end {
        case .server: (mode, last) = ("transport-receive", [])
        case .client: (mode, last) = ("transport-send", [String(self.bytes)])
        }
        let arguments =
            switch self.program {
            case .godwit:
                [CommandLine.arguments[0], mode, String(port), String(self.streams), self.folder]
            case .minimal:
                MinimalProgram.command(
                    mode,
                    port: port,
                    streams: self.streams,
                    self.certificates,
                    end.rawValue
                )
            }
        var launch = Launch(arguments + last, errors: self.path("log"))
        launch.output = output
        return launch
    }

    /// The number behind a word that a program has printed.
    private func figure(_ word: String, in path: String) throws -> Double {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, words[0] == word, let number = Double(words[1]) else {
            throw HarnessError("\(self.name) printed no \(word): \(text)")
        }
        return number
    }

    /// Whether the receiver has counted as many bytes as there were.
    func isIdentical() throws -> Bool { self.received == self.bytes }

    func close() throws {}
}
