// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Foundation
import Glibc

/// The machine that everything runs on: what identifies it, its counters, and how it is prepared.
enum Machine {
    /// What a figure depends on; stored with each result.
    struct Description: Codable {
        var fingerprint: String
        var processor: String
        var cores: Int
        var memoryBytes: Int
        var kernel: String
        var fileSystem: String
        var commit: String
        var command: String
        var ownNamespace: Bool
        var controlGroups: Bool
    }

    static func describe(workFolder: String) -> Description {
        let cpuinfo = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model =
            cpuinfo.split(separator: "\n").first { $0.hasPrefix("model name") }?
            .split(separator: ":", maxSplits: 1).last
            .map { $0.trimmingCharacters(in: .whitespaces) }
        let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        let kernel = (try? run(["uname", "-rm"]))?.trimmingCharacters(in: .newlines) ?? ""
        let kind = (try? run(["stat", "-f", "-c", "%T", workFolder])) ?? ""
        let identity = "\(model ?? "")|\(cores)|\(memory >> 30)|\(kernel)"
        return Description(
            fingerprint: String(
                Hexadecimal.text(of: Checksum.sha256(Array(identity.utf8))).prefix(8)
            ),
            processor: model ?? "unknown",
            cores: cores,
            memoryBytes: memory,
            kernel: kernel,
            fileSystem: kind.trimmingCharacters(in: .newlines),
            commit: (try? run(["git", "describe", "--always", "--dirty"]))?
                .trimmingCharacters(in: .newlines) ?? "unknown",
            command: Self.command(of: CommandLine.arguments.dropFirst()),
            ownNamespace: Namespace.isOwn,
            controlGroups: Side.hierarchy != nil
        )
    }

    /// What was asked for, without the folders of one machine: results are published.
    private static func command(of arguments: some Sequence<String>) -> String {
        var words: [String] = []
        var isFolder = false
        for word in arguments where word != Namespace.flag {
            let isOption = ["--work", "--results"]
                .contains { word == $0 || word.hasPrefix("\($0)=") }
            if !isFolder, !isOption { words.append(word) }
            isFolder = isOption && !word.contains("=")
        }
        return words.joined(separator: " ")
    }

    /// Bytes that the loopback interface has received: each packet once, with its headers.
    static func loopbackBytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/net/dev", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.contains("lo:") }
        let fields = line?.split(separator: ":").last?.split(separator: " ")
        return fields?.first.flatMap { Int($0) } ?? 0
    }

    /// Waits until the loopback interface has received `count` bytes, or the process is gone.
    static func waitForLoopback(_ count: Int, or process: ChildProcess) throws(HarnessError) {
        let deadline = ContinuousClock.now + .seconds(600)
        while self.loopbackBytes() < count, process.isRunning {
            guard ContinuousClock.now < deadline else {
                throw HarnessError("\(count) bytes did not arrive within 600 s")
            }
            usleep(1000)
        }
    }

    /// Seconds that all processors together were not idle, stolen time not counted.
    static func busySeconds() -> Double {
        let text = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
        let fields = text.split(separator: "\n").first?.split(separator: " ").dropFirst() ?? []
        // user nice system idle iowait irq softirq steal guest…
        let ticks = fields.map { Double($0) ?? 0 }
        guard ticks.count > 6 else { return 0 }
        return (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6])
            / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Has a process touch memory and end, so that the pages are there when the transfer needs them.
    ///
    /// The host of a virtual machine takes free memory back; touching it again costs 0.3 to 0.8 s
    /// of system time per GiB, which the first peer would pay and the second would not.
    static func touchMemory(for size: ByteCount) throws(HarnessError) {
        let text = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("MemFree:") }
        let free = (line?.split(separator: " ").dropLast().last).flatMap { Int($0) } ?? 0
        let wanted = min(size.bytes / 4 * 5, free << 10)
        try run([CommandLine.arguments[0], "touch-memory", String(wanted)])
    }
}

/// A network namespace of our own: its loopback counters count nothing but the transfer.
enum Namespace {
    static let flag = "--in-namespace"

    static var isOwn: Bool { CommandLine.arguments.contains(Self.flag) }

    /// Starts this program again inside a new namespace; returns where that is not possible.
    static func enter() {
        guard !self.isOwn, getuid() == 0, let unshare = program("unshare"),
            let ip = program("ip"),
            (try? ChildProcess(Launch([unshare, "--net", "true"])).wait()) == 0
        else { return }
        let script = "\(ip) link set lo up && exec \"$0\" \"$@\""
        let arguments =
            [unshare, "--net", "/bin/sh", "-c", script] + CommandLine.arguments + [self.flag]
        let copies: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        execv(unshare, copies)
    }
}
