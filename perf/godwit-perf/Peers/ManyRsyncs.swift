// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// One rsync client for each of many volumes, each with a connection through stunnel of its own.
final class ManyRsyncs: Peer {
    let name: String
    let scenarios: Set<Scenario> = [.full, .incremental, .unchanged]
    private let atOnce: Int
    private let certificates: Certificates
    private var source: Source?
    private var module = ""

    /// `atOnce` clients run together.
    init(atOnce: Int, _ certificates: Certificates) {
        self.name = atOnce == 1 ? "rsync" : "rsync-x\(atOnce)"
        self.atOnce = atOnce
        self.certificates = certificates
    }

    var summary: String {
        "xargs -P \(self.atOnce) rsync, one run for each volume, daemon through stunnel, --inplace "
            + "--no-whole-file; sync --file-system"
    }

    var obstacle: String? { self.missing("rsync", "stunnel4", "xargs") }

    func open(_ source: Source) throws {
        self.source = source
        self.module = try Scratch.makeFolder("small-\(self.name)")
    }

    func clear() throws { self.module = try Scratch.makeFolder("small-\(self.name)") }

    func transfer(_ scenario: Scenario) throws -> Sample {
        guard let source = self.source else { throw HarnessError("\(self.name) has no source") }
        let tunnel = try RsyncTunnel(self.name, serving: self.module, self.certificates)
        let list = Scratch.path("\(self.name).list")
        try source.names.joined(separator: "\n")
            .write(toFile: list, atomically: true, encoding: .utf8)
        var sample = try tunnel.meter.measure {
            let clients = try tunnel.start(
                self.clients(full: scenario == .full, from: source.path, tunnel),
                input: list
            )
            guard try clients.wait() == 0 else {
                throw HarnessError("rsync failed: \(tunnel.log("client"))")
            }
            try run(["sync", "--file-system", self.module])
        }
        sample.wireBytes = try tunnel.tunnelledBytes(connections: source.names.count)
        try tunnel.stop()
        return sample
    }

    func isIdentical() throws -> Bool {
        guard let source = self.source else { return false }
        for (file, name) in zip(source.files(at: source.path), source.names) {
            guard try RawFile.same(file, "\(self.module)/\(name)") else { return false }
            try RawFile.syncAndEvict("\(self.module)/\(name)")
        }
        return true
    }

    func close() throws { try? FileManager.default.removeItem(atPath: self.module) }

    private func clients(full: Bool, from folder: String, _ tunnel: RsyncTunnel) -> [String] {
        ["xargs", "-P", String(self.atOnce), "-I", "{}", "rsync", "--inplace", "--times"]
            + (full ? ["--whole-file", "--sparse"] : ["--no-whole-file"])
            + ["\(folder)/{}", "rsync://127.0.0.1:\(tunnel.port)/volumes/{}"]
    }
}
