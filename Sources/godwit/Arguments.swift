// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import BlockTypes

/// What has to be known about the arguments before the parser sees them.
enum Arguments {
    private static let globalsWithValue: Set = [
        "--agent", "-o", "--output", "-n", "--namespace", "--kubeconfig", "--context",
    ]

    /// The arguments as the parser takes them, from how people and storkctl write them.
    static func prepared(_ arguments: [String]) -> [String] {
        Self.globalsLast(Self.kebab(arguments))
    }

    /// Moves options that stand before the command, or between its first two words, behind it, where each
    /// command takes them.
    static func globalsLast(_ arguments: [String]) -> [String] {
        var globals: [String] = []
        var words: [String] = []
        var rest = arguments[...]
        while let first = rest.first, words.count < 2 {
            if Self.globalsWithValue.contains(first), rest.count > 1 {
                globals += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else if Self.isGlobalWithItsValue(first) {
                globals.append(first)
                rest = rest.dropFirst()
            } else if first.hasPrefix("-") {
                break
            } else {
                words.append(first)
                rest = rest.dropFirst()
            }
        }
        guard !words.isEmpty else { return Array(rest) }
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        return words + Array(rest[..<end]) + globals + Array(rest[end...])
    }

    private static func isGlobalWithItsValue(_ argument: String) -> Bool {
        if argument == "-A" { return true }
        guard argument.hasPrefix("--"), let equals = argument.firstIndex(of: "=") else {
            return argument == "--all-namespaces"
        }
        return Self.globalsWithValue.contains(String(argument[..<equals]))
    }

    /// Writes option names in one way: `--clusterPair` as `--cluster-pair`, and `--includeResources=false`,
    /// as Go's programs take it, as `--no-include-resources`.
    ///
    /// Options whose name is in kebab-case already, and whatever stands behind `--`, stay.
    static func kebab(_ arguments: [String]) -> [String] {
        let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
        return arguments[..<end].compactMap { Self.kebab($0) } + arguments[end...]
    }

    /// What can be switched off with `=false`.
    private static let switches: Set = [
        "--include-resources", "--include-volumes", "--start-applications",
    ]
    /// What is off unless it is there.
    private static let flags: Set = [
        "--exclude-resources", "--exclude-volumes", "--suspend", "--disable-auto-suspend",
        "--ignore-owner-references-check", "--purge-deleted-resources", "--skip-service-update",
        "--include-network-policy-with-cidr", "--disable-skip-deleted-namespaces",
        "--include-jobs", "--skip-source-operations", "--unidirectional",
    ]

    /// Nil for a flag that is switched off.
    private static func kebab(_ argument: String) -> String? {
        guard argument.hasPrefix("--") else { return argument }
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = Self.kebab(name: parts[0])
        guard parts.count > 1 else { return name }
        guard Self.switches.contains(name) || Self.flags.contains(name) else {
            return "\(name)=\(parts[1])"
        }
        switch parts[1].lowercased() {
        case "true", "t", "1": return name
        case "false", "f", "0":
            return Self.flags.contains(name) ? nil : "--no-\(name.dropFirst(2))"
        default: return "\(name)=\(parts[1])"
        }
    }

    /// Capital letters one after the other are one word: `--includeNetworkPolicyWithCIDR`.
    private static func kebab(name: Substring) -> String {
        var result = ""
        var former: Character = "-"
        for letter in name {
            if letter.isUppercase, !former.isUppercase { result += "-" }
            result += letter.lowercased()
            former = letter
        }
        return result
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
            if let next = subcommands.first(where: { Self.words(of: $0).contains(word) }) {
                current = next
                path += " \(word)"
                continue
            }
            let names = subcommands.compactMap { $0.configuration.commandName }
            let meant = Suggestion.nearest(to: word, in: subcommands.flatMap { Self.words(of: $0) })
            return APIError(
                .invalidRequest,
                "'\(path)' has no subcommand '\(word)'.",
                cause: "it has: \(names.joined(separator: ", "))",
                try: meant.map { "did you mean '\(path) \($0)'?" } ?? "\(path) --help"
            )
        }
        return nil
    }

    /// The words that call a command: its name and its aliases.
    private static func words(of command: any ParsableCommand.Type) -> [String] {
        let configuration = command.configuration
        return [configuration.commandName].compactMap(\.self) + configuration.aliases
    }
}
