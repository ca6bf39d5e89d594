// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// `lz4 | openssl s_client` into `openssl s_server | lz4 -d`: what one types without a tool.
final class CompressedPipe: FilePeer {
    let name = "lz4-pipe"
    let summary = "lz4 -1 | openssl s_client into openssl s_server | lz4 -d --sparse"
    let scenarios: Set<Scenario> = [.full]
    private let certificates: Certificates
    var source: Source?
    let destination = Scratch.path("pipe.img")

    init(_ certificates: Certificates) { self.certificates = certificates }

    var obstacle: String? { self.missing("lz4", "openssl") }

    func transfer(_ scenario: Scenario) throws -> Sample {
        let source = try self.opened()
        return try self.certificates.pipe(
            from: "lz4 -1 -q -c \(source.path)",
            into: "lz4 -d -f -q --sparse - \(self.destination)"
        ) {
            try RawFile(self.destination, writable: true).sync()
        }
    }
}

extension Certificates {
    /// Sends what one shell command prints to another one's standard input, over TLS.
    func pipe(
        from producer: String,
        into consumer: String,
        before: () throws -> Void = {},
        thenSync sync: () throws -> Void
    ) throws -> Sample {
        let sender = Side("send")
        let receiver = Side("receive")
        let port = try Scratch.freePort()
        let errors = Scratch.path("pipe.log")
        unlink(errors)
        let server = try receiver.start(
            shell: "\(self.server(port: port)) | \(consumer)",
            errors: errors,
            keepsInputOpen: true
        )
        try Scratch.waitForPort(port)
        let sample = try Meter(sender: sender, receiver: receiver)
            .measure {
                try before()
                let client = try sender.start(
                    shell: "\(producer) | \(self.client(port: port))",
                    errors: errors
                )
                let codes = (try client.wait(), try server.wait())
                guard codes == (0, 0) else {
                    let text = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
                    throw HarnessError("the pipe ended with \(codes): \(text.suffix(500))")
                }
                try sync()
            }
        try sender.stop()
        try receiver.stop()
        return sample
    }
}
