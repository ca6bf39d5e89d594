// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser

/// Under which name this program was called: a symbolic link may give it another.
///
/// The grammar is the same under each. Whoever moves over from storkctl and pxctl keeps the scripts.
enum Program: String {
    case godwit
    case storkctl
    case pxctl
    /// Which `kubectl godwit` runs.
    case plugin = "kubectl-godwit"

    /// What this process was called.
    static let current = Program(path: CommandLine.arguments.first ?? "")

    init(path: String) {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        self = Self(rawValue: name) ?? .godwit
    }

    /// How a person types it.
    var typed: String {
        switch self {
        case .godwit, .storkctl, .pxctl: self.rawValue
        case .plugin: "kubectl godwit"
        }
    }

    /// A text in which commands are named as this program is.
    ///
    /// Only the word with something to run behind it: `godwit-agent` and paths stay.
    func named(in text: String) -> String {
        guard self != .godwit else { return text }
        var result = ""
        var rest = text[...]
        while let found = rest.firstRange(of: "godwit ") {
            let before = rest[..<found.lowerBound].last ?? result.last ?? " "
            let isWord = !(before.isLetter || before.isNumber || "-_./:".contains(before))
            result += rest[..<found.lowerBound] + (isWord ? "\(self.typed) " : rest[found])
            rest = rest[found.upperBound...]
        }
        return result + rest
    }

    /// Refuses what the program of this name never had.
    ///
    /// pxctl does many things with other words: only its tokens are ours.
    func check(_ arguments: [String]) throws(APIError) {
        guard self == .pxctl else { return }
        let words = arguments.filter { !$0.hasPrefix("-") }
        let isHelp = arguments.contains { $0 == "--help" || $0 == "-h" }
        guard words.starts(with: ["cluster", "token"]) || isHelp else {
            throw APIError(
                .invalidRequest,
                "As pxctl, this program only has 'cluster token show' and 'cluster token reset'.",
                try: "godwit --help"
            )
        }
    }
}
