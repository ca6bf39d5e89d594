// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The files of this checkout, as the rules see them: without what is built or measured.
struct Repository {
    static let shared = Repository()

    let root: URL
    let files: [SourceFile]

    private static let skipped: Set<String> = [
        ".build", ".git", ".swiftpm", "perf/results", "demo", "Package.resolved", "LICENSE",
    ]

    init() {
        let here = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        let root = here.deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        self.root = root
        var files: [SourceFile] = []
        var folders = [""]
        while let folder = folders.popLast() {
            let here = root.appendingPathComponent(folder).path
            for name in (try? FileManager.default.contentsOfDirectory(atPath: here)) ?? [] {
                let path = folder.isEmpty ? name : "\(folder)/\(name)"
                if Self.skipped.contains(path) { continue }
                var isFolder: ObjCBool = false
                let exists = FileManager.default.fileExists(
                    atPath: root.appendingPathComponent(path).path,
                    isDirectory: &isFolder
                )
                if exists, isFolder.boolValue {
                    folders.append(path)
                } else {
                    files.append(SourceFile(path: path, root: root))
                }
            }
        }
        self.files = files.sorted { $0.path < $1.path }
    }

    /// The Swift files under a folder.
    func swift(under folder: String) -> [SourceFile] {
        self.files.filter { $0.path.hasPrefix("\(folder)/") && $0.path.hasSuffix(".swift") }
    }

    /// Every Swift file that we write: sources, tests, the harness, the manifest.
    var allSwift: [SourceFile] {
        self.files.filter { $0.path.hasSuffix(".swift") }
    }

    var documents: [SourceFile] { self.files.filter { $0.path.hasSuffix(".md") } }

    /// Whether a path, relative to the root, names a file or folder.
    func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: self.root.appendingPathComponent(path).path)
    }
}

/// One file of the checkout, read once: the tests run side by side on the same copy.
struct SourceFile: CustomStringConvertible, Sendable {
    let path: String
    let size: Int

    /// The text; empty where it is not UTF-8 or too large to be ours.
    let text: String
    let lines: [Substring]

    /// For Swift: the lines without comments and the contents of strings.
    let code: [Substring]

    init(path: String, root: URL) {
        self.path = path
        let location = root.appendingPathComponent(path)
        let attributes = try? FileManager.default.attributesOfItem(atPath: location.path)
        self.size = attributes?[.size] as? Int ?? 0
        let text = self.size > 1 << 20 ? nil : try? String(contentsOf: location, encoding: .utf8)
        self.text = text ?? ""
        self.lines = self.text.split(separator: "\n", omittingEmptySubsequences: false)
        self.code =
            path.hasSuffix(".swift")
            ? SwiftText.code(of: self.text)
                .split(
                    separator: "\n",
                    omittingEmptySubsequences: false
                ) : []
    }

    var description: String { self.path }

    /// Whether the text holds `part` at all: a quick look before the rules read line by line.
    func mentions(_ part: String) -> Bool {
        self.text.withCString { strstr($0, part) != nil }
    }

    /// The first folder below `Sources`, which is the module; nil elsewhere.
    var module: String? {
        let parts = self.path.split(separator: "/", maxSplits: 2)
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }
}

/// A place where a rule is broken, and what to do instead.
struct Finding: CustomStringConvertible, Hashable {
    let path: String
    let line: Int
    let rule: String
    let advice: String

    var description: String { "\(self.path):\(self.line): \(self.rule): \(self.advice)" }
}

/// The findings that no exemption covers, one a line.
func report(_ findings: [Finding]) -> String {
    let open = findings.filter { finding in
        !Exemption.all.contains { $0.path == finding.path && $0.rule == finding.rule }
    }
    return open.map(\.description).joined(separator: "\n")
}
