// SPDX-License-Identifier: Apache-2.0

/// How many data threads all transfers of an agent may have at once.
///
/// Transfers beyond it wait in line, first come first served, and say so. Threads and their
/// buffers, not volumes, are what an agent's memory is bounded by (P6).
public final class ThreadBudget: Sendable {
    /// The number of threads that may run at once.
    public let threads: Int

    private let line: Monitor<Line>

    private struct Line {
        var free: Int
        var nextTicket: UInt64 = 0
        var waiting: [UInt64] = []
    }

    /// A budget of `threads` data threads, at least 1.
    public init(threads: Int) {
        precondition(threads >= 1, "a budget needs a thread, not \(threads)")
        self.threads = threads
        self.line = Monitor(Line(free: threads))
    }

    /// How many transfers wait in line.
    public var waiting: Int { self.line.read { $0.waiting.count } }

    /// How many threads nobody holds.
    public var free: Int { self.line.read { $0.free } }

    /// Takes `count` threads, at most the whole budget; waits for its turn.
    ///
    /// - Parameters:
    ///   - count: the threads wanted.
    ///   - isCancelled: asked at each change; true gives the place in line up.
    ///   - queued: called at most once, when there is a wait.
    /// - Returns: the number taken, to be given back with `release`; nil when cancelled.
    func take(_ count: Int, isCancelled: () -> Bool, queued: () -> Void) -> Int? {
        let wanted = min(max(count, 1), self.threads)
        let ticket = self.line.update { line -> UInt64? in
            if line.waiting.isEmpty && line.free >= wanted {
                line.free -= wanted
                return nil
            }
            line.nextTicket += 1
            line.waiting.append(line.nextTicket)
            return line.nextTicket
        }
        guard let ticket else { return wanted }
        queued()
        let taken = self.line.wait { line -> Bool? in
            if isCancelled() { return false }
            guard line.waiting.first == ticket, line.free >= wanted else { return nil }
            line.free -= wanted
            return true
        }
        // Updating wakes the next in line, whose turn may have come.
        self.line.update { line in line.waiting.removeAll { $0 == ticket } }
        return taken ? wanted : nil
    }

    /// Gives threads back.
    func release(_ count: Int) {
        self.line.update { line in
            line.free += count
            precondition(line.free <= self.threads, "released \(line.free) of \(self.threads)")
        }
    }

    /// Makes everyone in line look again whether they were cancelled.
    func wake() { self.line.update { _ in } }
}
