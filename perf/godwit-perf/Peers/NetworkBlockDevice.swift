// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Glibc

/// A full copy to `nbdkit file` over TLS, by nbdcopy or by qemu-img.
final class NetworkBlockDevice: FilePeer {
    /// Which program reads the source.
    enum Client: String {
        case nbdcopy
        case qemu = "qemu-img"
    }

    let scenarios: Set<Scenario> = [.full]
    private let client: Client
    private let certificates: Certificates
    var source: Source?
    let destination: String

    init(_ client: Client, _ certificates: Certificates) {
        self.client = client
        self.certificates = certificates
        self.destination = Scratch.path("\(client.rawValue).img")
    }

    var name: String { self.client.rawValue }

    var summary: String {
        switch self.client {
        case .nbdcopy: "nbdcopy --flush --destination-is-zero to nbdkit file, over TLS"
        case .qemu: "qemu-img convert -n -W -m 16 --target-is-zero to nbdkit file, over TLS"
        }
    }

    var obstacle: String? { self.missing(self.client.rawValue, "nbdkit") }

    func transfer(_ scenario: Scenario) throws -> Sample {
        let source = try self.opened()
        let sender = Side("send")
        let receiver = Side("receive")
        let port = try Scratch.freePort()
        let file = try RawFile(self.destination, writable: true, create: true)
        try file.resize(to: source.size)
        let server = [
            "nbdkit", "--foreground", "--ipaddr", "127.0.0.1", "--port", String(port),
            "--tls=require", "--tls-verify-peer", "--tls-certificates=\(self.certificates.folder)",
            "file", self.destination,
        ]
        try receiver.start(Launch(server, errors: Scratch.path("nbdkit.log")))
        try Scratch.waitForPort(port)
        let sample = try Meter(sender: sender, receiver: receiver)
            .measure {
                let errors = Scratch.path("\(self.name).log")
                let client = try sender.start(
                    Launch(self.arguments(from: source.path, port: port), errors: errors)
                )
                guard try client.wait() == 0 else {
                    let text = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
                    throw HarnessError("\(self.name) failed: \(text.suffix(500))")
                }
                try file.sync()
            }
        try receiver.stop()
        return sample
    }

    private func arguments(from path: String, port: Int) -> [String] {
        let folder = self.certificates.folder
        switch self.client {
        case .nbdcopy:
            return [
                "nbdcopy", "--flush", "--destination-is-zero", path,
                "nbds://127.0.0.1:\(port)/?tls-certificates=\(folder)",
            ]
        case .qemu:
            return [
                "qemu-img", "convert", "-n", "-m", "16", "-W", "--target-is-zero", "--object",
                "tls-creds-x509,id=tls0,dir=\(folder),endpoint=client", "-f", "raw", path,
                "--target-image-opts",
                "driver=nbd,server.type=inet,server.host=127.0.0.1,server.port=\(port)"
                    + ",tls-creds=tls0",
            ]
        }
    }
}
