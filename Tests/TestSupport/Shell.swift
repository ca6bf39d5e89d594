// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Runs commands of the system.
package enum Shell {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    @discardableResult
    package static func run(_ command: String...) throws -> String { try Self.run(command) }

    /// What the command wrote to its standard output, without the last line end.
    @discardableResult
    package static func run(_ command: [String]) throws -> String {
        let process = ChildProgram()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        var environment = ProcessInfo.processInfo.environment
        environment["PATH"] = "/usr/sbin:/sbin:" + (environment["PATH"] ?? "/usr/bin:/bin")
        process.environment = environment
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // The messages of these tools fit into a pipe: read one after the other.
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(
                description: "\(command.joined(separator: " ")): "
                    + String(decoding: complaint, as: UTF8.self)
            )
        }
        return String(decoding: text, as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
