// SPDX-License-Identifier: Apache-2.0

/// Which keys are to be looked at, and when: each key once, never two workers on one key.
///
/// Pure: time comes in as the duration since an origin that the caller chooses and never moves.
///
/// ```
///        add            next              finish(.settled)
///  ∅ ─────────▶ waiting ─────▶ running ─────────────────────▶ ∅
///                  ▲              │  finish(.again, .failed), or added while running
///                  └──────────────┘
/// ```
struct WorkQueue<Key: Hashable & Sendable>: Sendable {
    /// How a worker's look at a key ended.
    enum Outcome: Hashable, Sendable {
        /// Nothing to do until something changes.
        case settled
        /// Look again after this time.
        case again(after: Duration)
        /// Somebody changed the object meanwhile: look again as soon as the change is likely known.
        case overtaken
        /// It did not work: look again after a wait that grows with each failure.
        case failed
    }

    /// The waits after failures in a row.
    struct Backoff: Sendable {
        var first: Duration = .seconds(2)
        /// About what a change takes to come through a watch.
        var overtaken: Duration = .milliseconds(50)
        /// So long that a broken object costs little, so short that a person who mended it waits.
        var longest: Duration = .seconds(120)

        func wait(afterFailures failures: Int) -> Duration {
            // 2 s doubled seven times is beyond every bound in use.
            min(self.first * (1 << min(max(failures - 1, 0), 7)), self.longest)
        }

        /// Two writers that always meet, or a watch that lags, must not make a loop.
        func wait(afterOvertaken failures: Int) -> Duration {
            min(self.overtaken * (1 << min(max(failures - 1, 0), 7)), self.first)
        }
    }

    private struct Entry {
        var due: Duration?
        var isRunning = false
        var failures = 0
    }

    private let workers: Int
    private let backoff: Backoff
    private var entries: [Key: Entry] = [:]
    private var line = DueLine<Key>()
    private(set) var runningCount = 0

    /// A queue for so many workers.
    init(workers: Int = 10, backoff: Backoff = Backoff()) {
        self.workers = workers
        self.backoff = backoff
    }

    /// Keys that wait or are being worked on.
    var count: Int { self.entries.count }

    /// When the next key is due, where a worker is free for it; nil where none waits.
    var nextDue: Duration? { self.runningCount < self.workers ? self.line.first?.due : nil }

    /// Asks for a look at a key; one that waits already is looked at when the earlier is due.
    mutating func add(_ key: Key, now: Duration, after wait: Duration = .zero) {
        var entry = self.entries[key] ?? Entry()
        let due = now + wait
        guard entry.due.map({ due < $0 }) ?? true else { return }
        entry.due = due
        self.entries[key] = entry
        // While it is worked on it is in no line: the end of the work puts it there.
        if !entry.isRunning { self.line.insert(key, due: due) }
    }

    /// A key that a worker has taken.
    struct Taken: Sendable {
        let key: Key
        /// How long it was due.
        let waited: Duration
    }

    /// The key that is due longest, now taken by a worker; nil where none is due or none is free.
    mutating func next(now: Duration) -> Key? { self.take(now: now)?.key }

    /// As ``next(now:)``, with the time that it was due.
    mutating func take(now: Duration) -> Taken? {
        while self.runningCount < self.workers, let first = self.line.first, first.due <= now {
            self.line.removeFirst()
            // A place in the line that an earlier one has made void.
            guard var entry = self.entries[first.key], !entry.isRunning, entry.due == first.due
            else { continue }
            entry.isRunning = true
            entry.due = nil
            self.entries[first.key] = entry
            self.runningCount += 1
            return Taken(key: first.key, waited: now - first.due)
        }
        return nil
    }

    /// Gives a key back; what was asked for while it was worked on counts.
    mutating func finish(_ key: Key, _ outcome: Outcome, now: Duration) {
        guard var entry = self.entries[key], entry.isRunning else { return }
        entry.isRunning = false
        self.runningCount -= 1
        var due = entry.due
        switch outcome {
        case .settled: entry.failures = 0
        case .again(let wait):
            entry.failures = 0
            due = min(due ?? now + wait, now + wait)
        case .overtaken:
            entry.failures += 1
            due = now + self.backoff.wait(afterOvertaken: entry.failures)
        case .failed:
            entry.failures += 1
            let retry = now + self.backoff.wait(afterFailures: entry.failures)
            // A change that came meanwhile may be the cure, but not ten times a second.
            due = due == nil ? retry : min(retry, now + self.backoff.first)
        }
        entry.due = due
        guard let due else {
            self.entries[key] = nil
            return
        }
        self.entries[key] = entry
        self.line.insert(key, due: due)
    }
}

/// Keys by when they are due, the earliest first; equal ones in the order of their coming.
struct DueLine<Key: Sendable>: Sendable {
    struct Place: Sendable {
        let key: Key
        let due: Duration
        let number: UInt64
    }

    private var heap: [Place] = []
    private var count: UInt64 = 0

    var first: Place? { self.heap.first }

    /// - Complexity: O(log n).
    mutating func insert(_ key: Key, due: Duration) {
        self.count += 1
        self.heap.append(Place(key: key, due: due, number: self.count))
        var child = self.heap.count - 1
        while child > 0, Self.isBefore(self.heap[child], self.heap[(child - 1) / 2]) {
            self.heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// - Complexity: O(log n).
    mutating func removeFirst() {
        guard let last = self.heap.popLast(), !self.heap.isEmpty else { return }
        self.heap[0] = last
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < self.heap.count else { return }
            let right = left + 1
            let isRight =
                right < self.heap.count && Self.isBefore(self.heap[right], self.heap[left])
            let child = isRight ? right : left
            guard Self.isBefore(self.heap[child], self.heap[parent]) else { return }
            self.heap.swapAt(child, parent)
            parent = child
        }
    }

    private static func isBefore(_ a: Place, _ b: Place) -> Bool {
        (a.due, a.number) < (b.due, b.number)
    }
}
