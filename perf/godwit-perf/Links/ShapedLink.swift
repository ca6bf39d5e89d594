// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// How fast a link is and how long its wire.
struct LinkShape: Codable, Hashable {
    /// Nil for what the machine can do.
    var bitsPerSecond: Int?
    /// One way.
    var delayMilliseconds = 0

    var name: String {
        let speed = self.bitsPerSecond.map { bits in
            bits >= 1_000_000_000
                ? "\(bits / 1_000_000_000) Gbit/s" : "\(bits / 1_000_000) Mbit/s"
        }
        let delay = self.delayMilliseconds
        return (speed ?? "veth") + (delay > 0 ? ", \(delay) ms each way" : "")
    }

    /// What `tc` gets for one end, in the order of the calls; none for a plain link.
    func disciplines(of device: String) -> [[String]] {
        var calls: [[String]] = []
        let add = ["tc", "qdisc", "add", "dev", device]
        var parent = ["root"]
        if let bits = self.bitsPerSecond {
            // A token bucket must hold what comes in between two looks of a timer, and the largest
            // packet that the stack hands over whole; 20 ms of queue is what a router has.
            let bytes = bits / 8
            let burst = max(128 << 10, bytes / 250)
            let queue = max(256 << 10, bytes / 50)
            calls.append(
                add + ["root", "handle", "1:", "tbf", "rate", "\(bits)bit"]
                    + ["burst", "\(burst)", "limit", "\(queue)"]
            )
            parent = ["parent", "1:1"]
        }
        if self.delayMilliseconds > 0 {
            // Its own queue drops beyond so many packets: more than 10 Gbit/s have on the way.
            calls.append(
                add + parent + ["netem", "delay", "\(self.delayMilliseconds)ms", "limit", "400000"]
            )
        }
        return calls
    }
}

/// Two network namespaces, ours and one more, joined by a pair of virtual devices.
///
/// The other one lives as long as a process that does nothing; with it go both devices.
final class ShapedLink {
    static let near = "10.99.0.1"
    static let far = "10.99.0.2"
    private static let device = "gwperf0"
    private static let farDevice = "gwperf1"

    private let holder: ChildProcess
    /// What runs a command in the other namespace.
    let entrance: [String]

    /// Why there can be none here; nil when there can.
    static var obstacle: String? {
        if !Namespace.isOwn { return "needs root and unshare, for a network namespace of its own" }
        for name in ["ip", "tc", "nsenter", "unshare"] where program(name) == nil {
            return "\(name) is not installed"
        }
        return nil
    }

    init() throws {
        self.holder = try ChildProcess(Launch(["unshare", "--net", "sleep", "infinity"]))
        self.entrance = ["nsenter", "--net=/proc/\(self.holder.pid)/ns/net", "--"]
        try self.waitForNamespace()
        try run([
            "ip", "link", "add", Self.device, "type", "veth", "peer", "name", Self.farDevice,
            "netns", "\(self.holder.pid)",
        ])
        let ends = [
            ([String](), Self.device, Self.near), (self.entrance, Self.farDevice, Self.far),
        ]
        for (entrance, device, address) in ends {
            try run(entrance + ["ip", "link", "set", "lo", "up"])
            try run(entrance + ["ip", "address", "add", "\(address)/24", "dev", device])
            try run(entrance + ["ip", "link", "set", device, "up"])
        }
    }

    /// `unshare` is another program until it has become the one that waits.
    private func waitForNamespace() throws {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
        for _ in 0..<2000 {
            let path = "/proc/\(self.holder.pid)/ns/net"
            let other = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
            if let other, other != own { return }
            usleep(5000)
        }
        throw HarnessError("there is no second network namespace after 10 s")
    }

    /// Gives both ends another shape.
    func shape(_ shape: LinkShape) throws {
        for (entrance, device) in [([], Self.device), (self.entrance, Self.farDevice)] {
            // There is none at first, and none to delete after a plain link.
            _ = try? run(entrance + ["tc", "qdisc", "delete", "dev", device, "root"])
            for call in shape.disciplines(of: device) {
                do { try run(entrance + call) } catch {
                    throw HarnessError(
                        "\(error.description)\nA link needs the kernel's sch_tbf, --delay sch_netem."
                    )
                }
            }
        }
    }

    /// Bytes that our end has sent and received, with the headers of all layers.
    static func bytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/net/dev", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.contains("\(self.device):") }
        let fields = line?.split(separator: ":").last?.split(separator: " ").map { Int($0) ?? 0 }
        guard let fields, fields.count > 8 else { return 0 }
        return fields[0] + fields[8]
    }

    func close() throws { try self.holder.stop() }
}
