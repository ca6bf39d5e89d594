// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation

/// Tells failures: in words, and with `-o json` once more as the last line.
enum Failure {
    private struct ExitError: Encodable {
        let type = "exit_error"
        let id: String
        let code: Int32
        let message: String
        let cause: String?
        let `try`: String?
    }

    static func tell(_ error: APIError, structured: Bool) {
        Console.write(Self.text(of: error), to: .standardError)
        if structured { Self.tellStructured(error) }
    }

    static func tellStructured(_ error: APIError) {
        let error = Self.named(error)
        let line = ExitError(
            id: error.id.rawValue,
            code: error.exitCode,
            message: error.message,
            cause: error.cause,
            try: error.try
        )
        guard let data = try? AgentJSON.data(of: line) else { return }
        Console.write(String(decoding: data, as: UTF8.self) + "\n", to: .standardError)
    }

    /// The block that people read.
    static func text(of error: APIError) -> String {
        let error = Self.named(error)
        // An API server's own words are those that people know from kubectl.
        let opening = Self.ownWords.contains { error.message.hasPrefix($0) } ? "" : "error: "
        var lines = ["\(opening)\(PlainText.line(error.message))   [\(error.id.rawValue)]"]
        if let cause = error.cause { lines.append("  cause  \(PlainText.line(cause))") }
        if let remedy = error.try { lines.append("  try    \(PlainText.line(remedy))") }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let ownWords = ["Error from server", "Unable to connect to the server"]

    /// The same with commands named as this program was called.
    private static func named(_ error: APIError) -> APIError {
        APIError(
            error.id,
            Program.current.named(in: error.message),
            cause: error.cause,
            try: error.try.map(Program.current.named),
            retryAfter: error.retryAfter
        )
    }
}
