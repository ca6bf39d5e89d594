// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation

/// What `check` found out about one thing.
struct Finding: Listed {
    enum Result: String, Encodable {
        case ok
        case warning
        case failed
        /// It could not be looked at; the message says why.
        case skipped
    }

    static var kind: String { "check" }

    /// Stable, such as `cluster-reachable`.
    let id: String
    /// Which side: the cluster, the agent, or a peer by its address.
    let area: String
    let result: Result
    let message: String
    var cause: String?
    var `try`: String?

    var listedName: String { self.id }

    static var columns: [Column<Self>] {
        [
            Column("AREA") { $0.area },
            Column("CHECK") { $0.id },
            Column("RESULT") { $0.result.rawValue },
            Column("MESSAGE") { $0.message },
            Column("CAUSE", wide: true) { $0.cause ?? "" },
            Column("TRY", wide: true) { $0.try ?? "" },
        ]
    }

    /// A check that passed.
    static func ok(_ id: String, _ area: String, _ message: String) -> Self {
        Self(id: id, area: area, result: .ok, message: message)
    }

    /// One that failed, in the words of the error.
    static func failed(_ id: String, _ area: String, _ error: APIError) -> Self {
        Self(
            id: id,
            area: area,
            result: .failed,
            message: "\(error.message)   [\(error.id.rawValue)]",
            cause: error.cause,
            try: error.try
        )
    }

    /// The findings in the words that people read, side by side below each other.
    static func text(of findings: [Self]) -> String {
        var text = ""
        var area: String?
        for finding in findings {
            if finding.area != area { text += "\(PlainText.line(finding.area))\n" }
            area = finding.area
            let word = finding.result.rawValue
            let padding = String(repeating: " ", count: 10 - word.count)
            text += "  \(word)\(padding)\(PlainText.line(finding.message))\n"
            if let cause = finding.cause {
                text += "              cause  \(PlainText.line(cause))\n"
            }
            if let remedy = finding.try {
                text += "              try    \(PlainText.line(remedy))\n"
            }
        }
        let counts = [
            (Result.ok, "ok"), (.warning, "warnings"), (.failed, "failed"), (.skipped, "skipped"),
        ]
        .map { result, word in "\(findings.count { $0.result == result }) \(word)" }
        return text + counts.joined(separator: ", ") + "\n"
    }

    /// Two clocks, one of which says whole seconds: what it said between two times of ours.
    static func clocks(
        _ id: String,
        _ area: String,
        theirs: Date,
        before: Date,
        after: Date
    ) -> Self {
        // It may have been anything from the whole second on, at any time in between.
        let early = before.timeIntervalSince(theirs) - 1
        let late = theirs.timeIntervalSince(after)
        let apart = max(0, early, late)
        let shown = shownDuration(apart)
        if apart <= Self.tolerance {
            return .ok(id, area, apart == 0 ? "the clocks agree" : "the clocks are \(shown) apart")
        }
        return Self(
            id: id,
            area: area,
            result: apart > Self.limit ? .failed : .warning,
            message: "its clock is \(shown) \(early > late ? "behind" : "ahead of") ours",
            cause: "certificates and schedules go by the time of day",
            try: "synchronise both machines, such as with chrony"
        )
    }

    /// Seconds that are nobody's trouble.
    private static let tolerance = 5.0
    /// Seconds after which a fresh certificate may not be valid yet: agents date theirs back by 5 minutes.
    private static let limit = 240.0
}

/// Versions of two programs that are to work together.
enum VersionSkew {
    /// Why they may not; nil where they do: the same major number, and one minor number apart at most.
    static func problem(_ ours: String, _ theirs: String) -> String? {
        let (left, right) = (Self.numbers(ours), Self.numbers(theirs))
        guard let left, let right else { return "'\(theirs)' is no version" }
        guard left.major == right.major, abs(left.minor - right.minor) <= 1 else {
            return "\(ours) and \(theirs) are more than one minor version apart"
        }
        return nil
    }

    private static func numbers(_ version: String) -> (major: Int, minor: Int)? {
        let parts = version.split(separator: ".").map { Int($0) }
        guard parts.count >= 2, let major = parts[0], let minor = parts[1] else { return nil }
        return (major, minor)
    }
}
