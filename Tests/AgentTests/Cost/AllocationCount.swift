// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// The allocations of a program so far, by the names of its threads.
///
/// The program runs with a library before glibc's that counts each call of malloc and its like
/// (Tests/AllocationCounter): our own executable, nothing in it is built otherwise.
struct AllocationCount {
    /// A table that a program writes and the test reads.
    final class Table: Sendable {
        // 256 records of 24 bytes, as allocation_counter.h says.
        private static let bytes = 256 * 24
        private let path: String
        private let counter: String

        /// - Parameters:
        ///   - path: of the table, which is made.
        ///   - counter: what ``AllocationCount/counter(in:)`` made.
        /// - Throws: where the file cannot be written.
        init(_ path: String, writtenBy counter: String) throws {
            self.path = path
            self.counter = counter
            try Data(count: Self.bytes).write(to: URL(fileURLWithPath: path))
        }

        /// What the program needs in its environment.
        var environment: [String: String] {
            [
                "LD_PRELOAD": self.counter,
                "GODWIT_ALLOCATION_COUNTS": self.path,
            ]
        }

        func reading() throws -> AllocationCount {
            AllocationCount(table: try Data(contentsOf: URL(fileURLWithPath: self.path)))
        }
    }

    let calls: [String: Int]

    /// Compiles the library that counts; no product of the package is one that only tests need.
    ///
    /// - Returns: its path.
    /// - Throws: what clang said, where it refused.
    static func counter(in directory: String) async throws -> String {
        // Tests/AllocationCounter stands beside Tests/AgentTests/Cost/….
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let path = "\(directory)/liballocationcounter.so"
        try await Tool.run([
            "clang", "-shared", "-fPIC", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
            "-o", path, tests.appendingPathComponent("AllocationCounter/counter.c").path,
        ])
        return path
    }

    init(table: Data) {
        var calls: [String: Int] = [:]
        for place in stride(from: 0, to: table.count, by: 24) {
            let record = table[place..<place + 24]
            let name = record.prefix(16).prefix { $0 != 0 }
            guard !name.isEmpty else { break }
            let number = record.suffix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            calls[String(decoding: name, as: UTF8.self)] = number
        }
        self.calls = calls
    }

    private init(calls: [String: Int]) { self.calls = calls }

    func subtracting(_ earlier: Self) -> Self {
        Self(calls: self.calls.merging(earlier.calls) { $0 - $1 })
    }

    /// Those of all threads whose names begin so; libssl's stand under a name of their own.
    func number(in threads: String) -> Int {
        self.calls.filter { $0.key.hasPrefix(threads) }.values.reduce(0, +)
    }
}
