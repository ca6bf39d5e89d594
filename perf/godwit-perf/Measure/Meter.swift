// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// What one run cost.
struct Sample: Codable {
    /// From the start of the transfer until fsync of the destination has returned.
    var wallSeconds: Double
    var sendSeconds: Double
    var receiveSeconds: Double
    var wireBytes: Int
    /// What crossed the loopback interface; more than `wireBytes` where a peer has helpers.
    var loopbackBytes: Int
    /// Peak resident bytes of each process, by side and name.
    var residentBytes: [String: Int]
    /// Busy processor seconds of the machine that belong to neither side.
    var otherSeconds: Double
    var identical: Bool
    /// Resident bytes of the processes that were there before the start; nil in earlier results.
    var idleBytes: [String: Int]?
    /// What the program itself reported, where it reports.
    var reported: [String: String] = [:]

    var processorSeconds: Double { self.sendSeconds + self.receiveSeconds }
}

/// Times a transfer and reads every counter around it.
struct Meter {
    let sender: Side
    let receiver: Side

    /// Runs `transfer`, which returns when the destination is durable.
    func measure(_ transfer: () throws -> Void) throws -> Sample {
        let memory = MemorySampler(sides: [self.sender, self.receiver])
        memory.start()
        let busy = Machine.busySeconds()
        let sent = self.sender.processorSeconds
        let received = self.receiver.processorSeconds
        let wire = Machine.loopbackBytes()
        let start = ContinuousClock.now
        do { try transfer() } catch {
            memory.stop()
            throw error
        }
        let wall = (ContinuousClock.now - start) / .seconds(1)
        let bytes = Machine.loopbackBytes() - wire
        let sendSeconds = self.sender.processorSeconds - sent
        let receiveSeconds = self.receiver.processorSeconds - received
        let other = Machine.busySeconds() - busy - sendSeconds - receiveSeconds
        return Sample(
            wallSeconds: wall,
            sendSeconds: sendSeconds,
            receiveSeconds: receiveSeconds,
            wireBytes: bytes,
            loopbackBytes: bytes,
            residentBytes: memory.stop(),
            otherSeconds: max(0, other),
            identical: false,
            idleBytes: memory.idle
        )
    }
}

/// Reads the high-water mark of each process while a transfer runs.
///
/// The mark belongs to the address space, so unlike `ru_maxrss` it does not remember the harness
/// that the process was forked from. It is reset first: an agent lives through many runs.
final class MemorySampler: @unchecked Sendable {
    // Unchecked: `peaks` is touched by the thread alone until `stop` has joined it.
    private let sides: [Side]
    private let lock = NSCondition()
    private var running = true
    private var finished = false
    private var peaks: [String: Int] = [:]
    /// What each process had when ``start()`` was called.
    private(set) var idle: [String: Int] = [:]

    init(sides: [Side]) { self.sides = sides }

    func start() {
        self.look { key, _, resident in self.idle[key, default: 0] += resident }
        for process in self.sides.flatMap(\.processes) {
            try? "5"
                .write(
                    toFile: "/proc/\(process)/clear_refs",
                    atomically: false,
                    encoding: .utf8
                )
        }
        Thread.detachNewThread { self.loop() }
    }

    @discardableResult
    func stop() -> [String: Int] {
        self.lock.lock()
        self.running = false
        self.lock.broadcast()
        while !self.finished { self.lock.wait() }
        self.lock.unlock()
        return self.peaks
    }

    private func loop() {
        self.lock.lock()
        while self.running {
            self.lock.unlock()
            self.note()
            self.lock.lock()
            // 20 ms: one run of a small incremental has a few looks, a look costs some 0.1 ms.
            _ = self.lock.wait(until: Date(timeIntervalSinceNow: 0.02))
        }
        self.lock.unlock()
        self.note()
        self.lock.lock()
        self.finished = true
        self.lock.broadcast()
        self.lock.unlock()
    }

    private func note() {
        self.look { key, peak, _ in self.peaks[key] = max(self.peaks[key] ?? 0, peak) }
    }

    /// Tells of each process its side and name, its high-water mark and what it has now, in bytes.
    private func look(_ tell: (String, Int, Int) -> Void) {
        for side in self.sides {
            for process in side.processes {
                let path = "/proc/\(process)/status"
                guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                    continue
                }
                var fields: [Substring: Substring] = [:]
                for line in text.split(separator: "\n") {
                    let words = line.split(whereSeparator: \.isWhitespace)
                    if words.count > 1 { fields[words[0]] = words[1] }
                    if words.first == "VmRSS:" { break }
                }
                let bytes = { (key: Substring) in fields[key].flatMap { Int($0) }.map { $0 << 10 } }
                guard let name = fields["Name:"], name != "sh", let peak = bytes("VmHWM:"),
                    let resident = bytes("VmRSS:")
                else { continue }
                tell("\(side.name) \(name)", peak, resident)
            }
        }
    }
}
