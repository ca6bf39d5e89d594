// SPDX-License-Identifier: Apache-2.0

/// What a caller does about a failure: one value for each exit code and HTTP status.
///
/// The exit codes are those of the table in docs/cli.md; each is produced by a test.
public enum ErrorCategory: String, Codable, Hashable, Sendable, CaseIterable {
    /// The work was tried and failed.
    case failed
    /// Some of several things failed, the others are done.
    case partial
    /// The named object does not exist.
    case notFound
    /// It exists already, is in use, or is in a state that does not allow this.
    case conflict
    /// Waiting came to its limit; the work goes on.
    case timedOut
    /// Two sides that should be equal are not.
    case different
    /// The agent or its peer cannot be reached.
    case unreachable
    /// The caller is not known or not allowed.
    case notAllowed
    /// The request itself is wrong.
    case usage
    /// A configuration file or a start option is wrong.
    case configuration
    /// The person stopped waiting.
    case interrupted

    /// The exit code of a command that ends with this.
    public var exitCode: Int32 {
        switch self {
        case .failed: 1
        case .partial: 3
        case .notFound: 4
        case .conflict: 5
        case .timedOut: 7
        case .different: 8
        case .unreachable: 10
        case .notAllowed: 11
        case .usage: 64
        case .configuration: 78
        case .interrupted: 130
        }
    }

    /// The HTTP status of an answer that carries this.
    public var httpStatus: Int {
        switch self {
        case .failed, .partial, .configuration: 500
        case .notFound: 404
        case .conflict, .different, .interrupted: 409
        case .timedOut: 504
        case .unreachable: 502
        case .notAllowed: 403
        case .usage: 400
        }
    }
}

/// A failure as a person and a program read it: what, where, why, and what to do.
public struct APIError: Error, Codable, Hashable, Sendable {
    /// A stable name to search for, such as `GW1001`.
    public let id: ErrorID

    /// What the caller does about it.
    public let code: ErrorCategory

    /// What happened to which object, with the values: one sentence.
    public let message: String

    /// What made it happen, where that is known.
    public let cause: String?

    /// What to do next, where something can be done.
    public let `try`: String?

    /// Seconds after which trying again can help; nil where it cannot.
    public let retryAfter: Int?

    /// A failure of the kind `id`, in the words of `message`.
    public init(
        _ id: ErrorID,
        _ message: String,
        cause: String? = nil,
        try remedy: String? = nil,
        retryAfter: Int? = nil
    ) {
        self.id = id
        self.code = id.category
        self.message = message
        self.cause = cause
        self.try = remedy
        self.retryAfter = retryAfter
    }

    /// The process exit code that stands for this failure.
    public var exitCode: Int32 { self.code.exitCode }
}

extension APIError: CustomStringConvertible {
    /// The text that people read.
    public var description: String {
        var text = "\(self.message) [\(self.id.rawValue)]"
        if let cause = self.cause { text += " cause: \(cause)" }
        if let remedy = self.try { text += " try: \(remedy)" }
        return text
    }
}

/// The body of every answer that is not a success.
public struct ErrorBody: Codable, Hashable, Sendable {
    /// What went wrong; nil where nothing did.
    public let error: APIError

    /// The body that carries `error`.
    public init(error: APIError) { self.error = error }
}
