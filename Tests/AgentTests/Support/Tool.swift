// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Programs of the system; a failure is an error with what they said.
enum Tool {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// What the program wrote to its standard output.
    @discardableResult
    static func run(
        _ line: [String],
        input: String = "",
        in directory: String? = nil
    ) async throws -> String {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let result = try await Command.run(
            "/usr/bin/env",
            line,
            input: input,
            environment: ["PATH": "/usr/sbin:/sbin:\(path)"],
            in: directory
        )
        guard result.status == 0 else {
            throw Failure(description: "\(line.joined(separator: " ")): \(result.errors)")
        }
        return result.output
    }

    @discardableResult
    static func run(_ line: String..., in directory: String? = nil) async throws -> String {
        try await Self.run(line, in: directory)
    }

    /// Whether every program is installed; true where CI is set: there a missing one is a failure.
    static func areThere(_ programs: String...) -> Bool {
        if Self.isCI { return true }
        return programs.allSatisfy { program in
            ["/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"]
                .contains { FileManager.default.isExecutableFile(atPath: $0 + program) }
        }
    }

    static let isCI = ProcessInfo.processInfo.environment["CI"] == "true"
}

/// Asks again and again until it is so; the limit is for a product that hangs.
func eventually(_ what: String, _ isSo: () async throws -> Bool) async throws {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(180)
    while try await !isSo() {
        try #require(clock.now < end, "never: \(what)")
        try await clock.sleep(for: .milliseconds(20))
    }
}
