// SPDX-License-Identifier: Apache-2.0

import Locks

/// How often a server was asked, by what was asked of it.
public struct RequestCounts: Hashable, Sendable {
    /// As the server's rules for access name it; `document` is what is no object, such as discovery.
    public enum Verb: String, Hashable, Sendable, CaseIterable {
        case get
        case list
        case watch
        case create
        case update
        case patch
        case delete
        case document

        /// Whether it changes something.
        public var isWrite: Bool {
            switch self {
            case .get, .list, .watch, .document: false
            case .create, .update, .patch, .delete: true
            }
        }
    }

    private var counts: [Verb: Int] = [:]

    /// None.
    public init() {}

    /// Requests of one verb, repetitions included.
    public subscript(verb: Verb) -> Int {
        get { self.counts[verb] ?? 0 }
        set { self.counts[verb] = newValue }
    }

    /// All of them.
    public var total: Int { self.counts.values.reduce(0, +) }

    /// Those that change something.
    public var writes: Int { Verb.allCases.filter(\.isWrite).reduce(0) { $0 + self[$1] } }

    /// What came since an earlier count.
    public static func - (later: Self, earlier: Self) -> Self {
        var difference = Self()
        for verb in Verb.allCases { difference[verb] = later[verb] - earlier[verb] }
        return difference
    }
}

/// Counts the requests of one client, or of several together.
public final class RequestTally: Sendable {
    private let state = Locked(RequestCounts())

    /// Nothing is counted yet.
    public init() {}

    /// What was sent so far.
    public var counts: RequestCounts { self.state.withLock { $0 } }

    func count(_ verb: RequestCounts.Verb) { self.state.withLock { $0[verb] += 1 } }
}
