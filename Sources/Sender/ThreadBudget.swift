// SPDX-License-Identifier: Apache-2.0

/// How many data threads all transfers of an agent may have at once.
///
/// Transfers beyond it wait in line, first come first served, and say so. Threads and their
/// buffers, not volumes, are what an agent's memory is bounded by (P6).
public final class ThreadBudget: Sendable {
    private let line: Monitor<Line>

    private struct Line {
        var threads: Int
        /// More than `threads` for a while after the budget has shrunk.
        var held = 0
        var nextTicket: UInt64 = 0
        var waiting: [UInt64] = []

        var free: Int { max(0, self.threads - self.held) }

        /// Takes the wanted number, at most the whole budget; nil where so many are not free.
        mutating func take(_ wanted: Int) -> Int? {
            let count = min(max(wanted, 1), self.threads)
            guard self.free >= count else { return nil }
            self.held += count
            return count
        }
    }

    /// A budget of `threads` data threads, at least 1.
    public init(threads: Int) {
        precondition(threads >= 1, "a budget needs a thread, not \(threads)")
        self.line = Monitor(Line(threads: threads))
    }

    /// The number of threads that may run at once.
    public var threads: Int { self.line.read { $0.threads } }

    /// Changes the budget; who holds threads keeps them to its end.
    public func resize(to threads: Int) {
        precondition(threads >= 1, "a budget needs a thread, not \(threads)")
        self.line.update { $0.threads = threads }
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
        let (now, ticket) = self.line.update { line -> (Int?, UInt64) in
            if line.waiting.isEmpty, let taken = line.take(count) { return (taken, 0) }
            line.nextTicket += 1
            line.waiting.append(line.nextTicket)
            return (nil, line.nextTicket)
        }
        if let now { return now }
        queued()
        // Nil inside: cancelled. Nil outside: not yet.
        let taken = self.line.wait { line -> Int?? in
            if isCancelled() { return .some(nil) }
            guard line.waiting.first == ticket, let taken = line.take(count) else { return nil }
            return .some(taken)
        }
        // Updating wakes the next in line, whose turn may have come.
        self.line.update { line in line.waiting.removeAll { $0 == ticket } }
        return taken
    }

    /// Gives threads back.
    func release(_ count: Int) {
        self.line.update { line in
            line.held -= count
            precondition(line.held >= 0, "released \(-line.held) more than were taken")
        }
    }

    /// Makes everyone in line look again whether they were cancelled.
    func wake() { self.line.update { _ in } }
}
