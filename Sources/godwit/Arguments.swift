// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import BlockTypes

/// What has to be known about the arguments before the parser sees them.
enum Arguments {
    private static let globalsWithValue: Set = ["--agent", "-o", "--output"]

    /// Moves options that stand before the command behind it, where each command takes them.
    static func globalsLast(_ arguments: [String]) -> [String] {
        var globals: [String] = []
        var rest = arguments[...]
        while let first = rest.first {
            if Self.globalsWithValue.contains(first), rest.count > 1 {
                globals += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else if first.hasPrefix("--agent=") || first.hasPrefix("--output=") {
                globals.append(first)
                rest = rest.dropFirst()
            } else {
                break
            }
        }
        guard let command = rest.first, !command.hasPrefix("-") else { return Array(rest) }
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        return Array(rest[..<end]) + globals + Array(rest[end...])
    }

    /// Whether the last line of standard error is to be JSON too.
    static func wantsJSON(_ arguments: [String]) -> Bool {
        for (index, argument) in arguments.enumerated() {
            if argument == "-ojson" || argument == "--output=json" { return true }
            guard argument == "-o" || argument == "--output" else { continue }
            return arguments.dropFirst(index + 1).first == "json"
        }
        return false
    }

    /// The error for a word that should be a subcommand and is none; nil where all are.
    static func unknownSubcommand(
        _ arguments: [String],
        of root: any ParsableCommand.Type
    ) -> APIError? {
        if let first = arguments.first, arguments.count == 1, Self.globalsWithValue.contains(first)
        {
            return APIError(
                .invalidRequest,
                "'\(first)' needs a value, and a command behind it.",
                try: "godwit --help"
            )
        }
        var current = root
        var path = "godwit"
        // 'help' takes the words of a command, as if it were not there.
        let words = arguments.first == "help" ? arguments.dropFirst() : arguments[...]
        for word in words {
            let subcommands = current.configuration.subcommands
            guard !subcommands.isEmpty, !word.hasPrefix("-") else { return nil }
            let names = subcommands.compactMap { $0.configuration.commandName }
            if let next = subcommands.first(where: { $0.configuration.commandName == word }) {
                current = next
                path += " \(word)"
                continue
            }
            let meant = Suggestion.nearest(to: word, in: names)
            return APIError(
                .invalidRequest,
                "'\(path)' has no subcommand '\(word)'.",
                cause: "it has: \(names.joined(separator: ", "))",
                try: meant.map { "did you mean '\(path) \($0)'?" } ?? "\(path) --help"
            )
        }
        return nil
    }
}
