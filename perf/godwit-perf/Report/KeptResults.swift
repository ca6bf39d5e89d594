// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What a measurement found out: it is printed, and kept as a JSON file.
protocol KeptResults: Codable {
    /// Part of the file's name; nil for the comparison with the peers.
    static var name: String? { get }
    /// As in ``Origin``.
    var date: String { get }
    var machine: Machine.Description { get }
    /// What is printed; perf/README.md says what each figure means.
    var text: String { get }
    /// A plot as SVG, where there is one.
    var svg: String? { get }
    /// Whether each destination that was compared has the bytes of its source.
    var isIdentical: Bool { get }
}

/// When and where a result was got.
struct Origin {
    /// ISO 8601, in UTC.
    let date: String
    let machine: Machine.Description

    /// Now, and here.
    init(workFolder: String) {
        self.date = ISO8601DateFormatter().string(from: Date())
        self.machine = Machine.describe(workFolder: workFolder)
    }
}

extension KeptResults {
    var svg: String? { nil }
    var isIdentical: Bool { true }

    /// Writes the results and their plot into a folder, and prints them with where they are.
    ///
    /// - Throws: also where a destination differs; what was found out is written then too.
    func keep(in folder: String) throws {
        var paths = [try self.write(to: folder)]
        if let svg = self.svg {
            let plot = String(paths[0].dropLast(5)) + ".svg"
            try svg.write(toFile: plot, atomically: true, encoding: .utf8)
            paths.append(plot)
        }
        print("\n\(self.text)\n\n\(paths.joined(separator: "\n"))")
        guard self.isIdentical else {
            throw HarnessError("a destination differs from its source: see the table")
        }
    }

    /// Writes the JSON file beside earlier ones of the day, and returns where it is.
    func write(to folder: String) throws -> String {
        let parts = [String(self.date.prefix(10)), Self.name, self.machine.fingerprint]
        let stem = "\(folder)/\(parts.compactMap(\.self).joined(separator: "-"))"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        var path = "\(stem).json"
        var number = 1
        while FileManager.default.fileExists(atPath: path) {
            number += 1
            path = "\(stem)-\(number).json"
        }
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        try encoder.encode(self).write(to: URL(fileURLWithPath: path))
        return path
    }

    static func read(_ path: String) throws(HarnessError) -> Self {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)) else {
            throw .system("read", path)
        }
        do { return try JSONDecoder().decode(Self.self, from: data) } catch {
            throw HarnessError("\(path) is no result of this program: \(error)")
        }
    }
}
