// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The user's documents that Godwit is built from, which lie beside a checkout: what they show is taken
/// out of their files.
package enum SeedDocuments {
    /// What a fenced block of a document holds.
    package enum Content: Hashable, Sendable {
        /// Lines that a person types, as words.
        case commands([[String]])
        /// An object, which a person saves in a file, or which a command prints.
        case manifest(String)
        /// What a command prints.
        case shown(String)
        /// How storkctl is installed, which is not ours.
        case installation
    }

    /// A fenced block, and where it begins.
    package struct Block: Hashable, Sendable, CustomStringConvertible {
        package let document: String
        package let line: Int
        package let content: Content

        package var description: String { "\(self.document.prefix(3)):\(self.line)" }
    }

    /// A line that looks like one to type and stands in no block, so that nobody would take it.
    package struct Stray: Error, CustomStringConvertible { package let description: String }

    /// The programs whose lines are ours.
    package static let programs: Set = ["storkctl", "pxctl", "kubectl"]

    /// Where they are; nil where they are not.
    package static let folder: String? = {
        let root = #filePath.replacing("Tests/TestSupport/SeedDocuments.swift", with: "")
        let path = URL(fileURLWithPath: root + "../shared/seeds").standardizedFileURL.path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()

    /// The tests run where the documents are, and must where CI is set.
    package static let areThere =
        Self.folder != nil || ProcessInfo.processInfo.environment["CI"] == "true"

    /// Their texts by name, in the order of the names.
    package static func texts() throws -> [(name: String, text: String)] {
        guard let folder = Self.folder else {
            throw Stray(description: "there is no ../shared/seeds beside the checkout")
        }
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            .map { ($0, try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)) }
    }

    /// The blocks of all of them, in the order in which a person reads them.
    ///
    /// - Throws: for a line that begins with one of the programs and stands outside of a block.
    package static func blocks() throws -> [Block] {
        try Self.texts().flatMap { name, text in try Self.blocks(of: text, name) }
    }

    private static func blocks(of text: String, _ name: String) throws -> [Block] {
        var blocks: [Block] = []
        var open: (line: Int, language: String, lines: [String])?
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for (index, line) in lines.enumerated() {
            let trimmed = line.trimmingCharacters(in: .whitespaces)
            if !trimmed.hasPrefix("```") {
                if open == nil, Self.words(trimmed) != nil {
                    throw Stray(description: "\(name):\(index + 1): \(trimmed)")
                }
                open?.lines.append(line)
            } else if let block = open {
                let content = Self.content(block.lines, block.language)
                blocks.append(Block(document: name, line: block.line, content: content))
                open = nil
            } else {
                open = (index + 2, String(trimmed.dropFirst(3)), [])
            }
        }
        return blocks
    }

    private static func content(_ lines: [String], _ language: String) -> Content {
        let text = lines.joined(separator: "\n") + "\n"
        if text.hasPrefix("apiVersion:") { return .manifest(text) }
        let filled = lines.filter { !$0.isEmpty }
        let commands = filled.compactMap(Self.words)
        if commands.count == filled.count { return .commands(commands) }
        let isInstallation = filled.allSatisfy { $0.hasPrefix("curl ") || $0.hasPrefix("sudo ") }
        return language == "bash" && isInstallation ? .installation : .shown(text)
    }

    /// The words of a line to type; nil where it is none.
    private static func words(_ line: String) -> [String]? {
        var words = line.split(separator: " ").map(String.init)
        if words.first == "$" { words.removeFirst() }
        guard let first = words.first, Self.programs.contains(first), words.count > 1 else {
            return nil
        }
        return words
    }
}
