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
            identical: false
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

    init(sides: [Side]) { self.sides = sides }

    func start() {
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
            self.look()
            self.lock.lock()
            // 20 ms: one run of a small incremental has a few looks, a look costs some 0.1 ms.
            _ = self.lock.wait(until: Date(timeIntervalSinceNow: 0.02))
        }
        self.lock.unlock()
        self.look()
        self.lock.lock()
        self.finished = true
        self.lock.broadcast()
        self.lock.unlock()
    }

    private func look() {
        for side in self.sides {
            for process in side.processes {
                guard
                    let text = try? String(
                        contentsOfFile: "/proc/\(process)/status",
                        encoding: .utf8
                    )
                else { continue }
                var name = ""
                var peak = 0
                for line in text.split(separator: "\n") {
                    if line.hasPrefix("Name:") { name = String(line.dropFirst(6)) }
                    if line.hasPrefix("VmHWM:") {
                        peak = Int(line.split(separator: " ").dropLast().last ?? "") ?? 0
                        break
                    }
                }
                guard peak > 0, name != "sh" else { continue }
                let key = "\(side.name) \(name)"
                self.peaks[key] = max(self.peaks[key] ?? 0, peak << 10)
            }
        }
    }
}
