// SPDX-License-Identifier: Apache-2.0

import AgentAPI

/// One line about running transfers, with the numbers that the agent counts.
struct ProgressView {
    /// Between two lines when nobody watches: at most this often.
    static let quietInterval: Duration = .seconds(10)

    private let console: Console
    private var lastLine: ContinuousClock.Instant?
    private var isLineOpen = false
    private var highest = 0.0

    init(console: Console) { self.console = console }

    /// Shows where the transfers are, if it is time to.
    mutating func show(_ transfers: [TransferInfo], now: ContinuousClock.Instant) {
        if self.console.isTerminal {
            self.console.overwrite(self.line(transfers, now), width: Console.width)
            self.isLineOpen = true
        } else if self.lastLine.map({ now - $0 >= Self.quietInterval }) ?? true {
            self.console.note(self.line(transfers, now))
            self.lastLine = now
        }
    }

    /// Ends the line that is written over, before anything else is said.
    mutating func finish() {
        guard self.isLineOpen else { return }
        self.console.overwrite("", width: Console.width)
        self.isLineOpen = false
    }

    private mutating func line(
        _ transfers: [TransferInfo],
        _ now: ContinuousClock.Instant
    ) -> String {
        let name = transfers.count == 1 ? transfers[0].volume : "\(transfers.count) volumes"
        let text = Self.text(name: name, transfers)
        // Never backwards within one run of this command (a retry starts its count anew).
        self.highest = max(self.highest, text.percent ?? 0)
        let percent = text.percent == nil ? "estimating" : "\(Int(self.highest))%"
        return "\(name)  \(percent)  \(text.rest)"
    }

    /// The facts of one line; pure, for tests.
    static func text(
        name: String,
        _ transfers: [TransferInfo]
    ) -> (percent: Double?, rest: String) {
        let known = transfers.compactMap(\.progress)
        let done = transfers.filter(\.state.isFinal).count
        var parts: [String] = []
        var sum = TransferProgress(phase: "", totalBytes: 0)
        for progress in known {
            sum.totalBytes = sum.totalBytes.flatMap { sum in progress.totalBytes.map { sum + $0 } }
            sum.doneBytes += progress.doneBytes
            sum.changedBytes += progress.changedBytes
            sum.zeroBytes += progress.zeroBytes
            sum.sameBytes += progress.sameBytes
            sum.wireBytes += progress.wireBytes
            sum.seconds = max(sum.seconds, progress.seconds)
        }
        if let state = Self.states(transfers) { parts.append(state) }
        guard !known.isEmpty else { return (nil, parts.joined(separator: "  ")) }
        if transfers.count > 1 { parts.append("\(done)/\(transfers.count) done") }
        if let total = sum.totalBytes {
            parts.append("\(ByteSize.text(of: sum.doneBytes))/\(ByteSize.text(of: total))")
        }
        if sum.seconds > 0.2 {
            let rate = Double(sum.doneBytes) / sum.seconds
            parts.append(ByteSize.rateText(of: rate))
            if let total = sum.totalBytes, total > sum.doneBytes, rate > 0 {
                parts.append("\(shownDuration(Double(total - sum.doneBytes) / rate)) left")
            }
        }
        parts.append("saved: \(Self.saved(sum))")
        let percent = done == transfers.count ? 100 : sum.percent
        return (
            percent.flatMap { known.count < transfers.count ? min($0, 99) : $0 },
            parts.joined(separator: "  ")
        )
    }

    private static func states(_ transfers: [TransferInfo]) -> String? {
        let words = transfers.compactMap { transfer -> String? in
            switch transfer.state {
            case .queued: return "queued"
            case .waiting: return "waiting to try again (\(transfer.attempt))"
            case .running: return transfer.progress?.phase
            case .succeeded, .failed, .cancelled: return nil
            }
        }
        return words.first
    }

    private static func saved(_ sum: TransferProgress) -> String {
        var parts = [
            "zero \(ByteSize.text(of: sum.zeroBytes))", "same \(ByteSize.text(of: sum.sameBytes))",
        ]
        if sum.wireBytes > 0, sum.changedBytes > sum.wireBytes {
            let ratio = Double(sum.changedBytes) / Double(sum.wireBytes)
            parts.append("compressed \((ratio * 10).rounded() / 10)x")
        }
        return parts.joined(separator: ", ")
    }
}
