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
        let tunnel = try RsyncTunnel(self.name, serving: self.module, self.certificates)
        var sample = try tunnel.meter.measure {
            let client = try tunnel.start(self.client(full: scenario == .full, tunnel))
            guard try client.wait() == 0 else {
                throw HarnessError("rsync failed: \(tunnel.log("client"))")
            }
            try RawFile("\(self.module)/volume", writable: true).sync()
        }
        // Its bytes cross loopback three times; stunnel counts the ones inside TLS.
        sample.wireBytes = try tunnel.tunnelledBytes(connections: 1)
        try tunnel.stop()
        return sample
    }

    func interrupt(afterLoopbackBytes count: Int) throws {
        let tunnel = try RsyncTunnel(self.name, serving: self.module, self.certificates)
        let limit = Machine.loopbackBytes() + count
        let client = try tunnel.start(self.client(full: true, tunnel))
        try Machine.waitForLoopback(limit, or: client)
        client.signal(SIGKILL)
        try client.wait()
        try tunnel.stop()
    }

    func isIdentical() throws -> Bool {
        guard let source = self.source else { return false }
        let same = try RawFile.same(source.path, "\(self.module)/volume")
        try RawFile.syncAndEvict("\(self.module)/volume")
        return same
    }

    func close() throws { try? FileManager.default.removeItem(atPath: self.module) }

    private func client(full: Bool, _ tunnel: RsyncTunnel) -> [String] {
        var arguments = ["rsync", "--inplace", "--times"]
        arguments += full ? ["--whole-file", "--sparse"] : ["--no-whole-file"]
        if self.compresses { arguments += ["--compress", "--compress-choice=lz4"] }
        let path = self.source?.path ?? ""
        return arguments + [path, "rsync://127.0.0.1:\(tunnel.port)/volumes/volume"]
    }
}
