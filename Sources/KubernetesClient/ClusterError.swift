// SPDX-License-Identifier: Apache-2.0

/// Why a cluster did not do what was asked, or why we do not know whether it did.
public struct ClusterError: Error, Hashable, CustomStringConvertible {
    /// What a caller may act on.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        /// The server cannot make sense of the request.
        case badRequest = "BadRequest"
        /// The credentials are missing, wrong or expired.
        case unauthorized = "Unauthorized"
        /// The credentials do not allow this.
        case forbidden = "Forbidden"
        /// There is no such object, or no such kind.
        case notFound = "NotFound"
        /// There is already an object of that name.
        case alreadyExists = "AlreadyExists"
        /// The object was changed by someone else: read it again, and decide again.
        case conflict = "Conflict"
        /// The resource version is too old: list again.
        case gone = "Expired"
        /// The object breaks a rule of its kind; ``ClusterError/causes`` name the fields.
        case invalid = "Invalid"
        /// The request or the answer is larger than one of the sides takes.
        case tooLarge = "RequestEntityTooLarge"
        /// The server has no such verb for this kind.
        case methodNotAllowed = "MethodNotAllowed"
        /// The server cannot answer in the form that was asked for.
        case notAcceptable = "NotAcceptable"
        /// The server does not know the form of the body.
        case unsupportedMediaType = "UnsupportedMediaType"
        /// The server asks for patience; ``ClusterError/retryAfter`` says how much.
        case tooManyRequests = "TooManyRequests"
        /// No answer in time, from the server or from what stands behind it; it may have been done.
        case timeout = "Timeout"
        /// The server is not able to serve now.
        case serviceUnavailable = "ServiceUnavailable"
        /// The server failed; it may have been done.
        case internalError = "InternalError"
        /// No connection: nothing was sent.
        case unreachable = "Unreachable"
        /// The connection broke while the request was under way; it may have been done.
        case connectionLost = "ConnectionLost"
        /// The TLS handshake failed: a wrong authority, name or date, or our certificate is refused.
        case untrusted = "Untrusted"
        /// Our own credentials cannot be had: a plug-in failed or a file is not there.
        case credentials = "Credentials"
        /// The server answered with what this client cannot read.
        case badAnswer = "BadAnswer"
        /// The task was cancelled; it may have been done.
        case cancelled = "Cancelled"
        /// The server gave a reason that this client does not know.
        case unknown = "Unknown"
    }

    /// One field that is wrong, as the server lists them.
    public struct Cause: Hashable, Sendable {
        /// Such as `FieldValueRequired`; empty where the server gave none.
        public let reason: String
        /// Such as `spec.replicas`; empty where the server gave none.
        public let field: String
        /// What is wrong.
        public let message: String

        /// A cause with these texts.
        public init(reason: String = "", field: String = "", message: String) {
            self.reason = reason
            self.field = field
            self.message = message
        }
    }

    /// What a caller may act on.
    public let reason: Reason
    /// The server's reason as it wrote it; of ``reason`` where there was none.
    public let reasonText: String
    /// What happened, in the server's words where it gave some.
    public let message: String
    /// The HTTP status; nil where nothing was answered.
    public let statusCode: Int?
    /// The fields that are wrong; empty where the server named none.
    public let causes: [Cause]
    /// The kind or the plural of what it is about; empty where the server did not say.
    public let kind: String
    /// The name of what it is about; empty where the server did not say.
    public let name: String
    /// How long the server asks to wait.
    public let retryAfter: Duration?

    /// An error of these facts.
    public init(
        _ reason: Reason,
        _ message: String,
        statusCode: Int? = nil,
        reasonText: String? = nil,
        causes: [Cause] = [],
        kind: String = "",
        name: String = "",
        retryAfter: Duration? = nil
    ) {
        self.reason = reason
        self.reasonText = reasonText ?? reason.rawValue
        self.message = message
        self.statusCode = statusCode
        self.causes = causes
        self.kind = kind
        self.name = name
        self.retryAfter = retryAfter
    }

    /// Whether the same request may succeed later without anybody changing anything.
    ///
    /// A write may have been done although an error came (``mayBeDone``): who repeats it must be able
    /// to meet the result of the first.
    public var isRetryable: Bool {
        switch self.reason {
        case .tooManyRequests, .timeout, .serviceUnavailable, .internalError, .unreachable,
            .connectionLost, .credentials:
            true
        case .badRequest, .unauthorized, .forbidden, .notFound, .alreadyExists, .conflict, .gone,
            .invalid, .tooLarge, .methodNotAllowed, .notAcceptable, .unsupportedMediaType,
            .untrusted, .badAnswer, .cancelled, .unknown:
            false
        }
    }

    /// Whether the server may have done what was asked nevertheless.
    public var mayBeDone: Bool {
        switch self.reason {
        case .timeout, .internalError, .connectionLost, .badAnswer, .cancelled, .unknown: true
        case .badRequest, .unauthorized, .forbidden, .notFound, .alreadyExists, .conflict, .gone,
            .invalid, .tooLarge, .methodNotAllowed, .notAcceptable, .unsupportedMediaType,
            .tooManyRequests, .serviceUnavailable, .unreachable, .untrusted, .credentials:
            false
        }
    }

    /// The text that people know from kubectl.
    public var description: String {
        switch self.reason {
        case .invalid: self.invalidText
        case .unauthorized:
            "error: You must be logged in to the server (\(self.reasonText))"
        case .unreachable, .connectionLost, .untrusted:
            "Unable to connect to the server: \(self.message)"
        case .credentials, .badAnswer, .cancelled: "error: \(self.message)"
        case .badRequest, .forbidden, .notFound, .alreadyExists, .conflict, .gone, .tooLarge,
            .methodNotAllowed, .notAcceptable, .unsupportedMediaType, .tooManyRequests, .timeout,
            .serviceUnavailable, .internalError, .unknown:
            "Error from server (\(self.reasonText)): \(self.message)"
        }
    }

    /// The fields one by one, each once.
    private var invalidText: String {
        var text = "The request is invalid"
        if !self.kind.isEmpty || !self.name.isEmpty {
            text = "The \(self.kind) \"\(self.name)\" is invalid"
        } else if !self.message.isEmpty, self.causes.isEmpty {
            text += ": \(self.message)"
        }
        var lines: [String] = []
        for cause in self.causes {
            let line = cause.field.isEmpty ? cause.message : "\(cause.field): \(cause.message)"
            if !lines.contains(line) { lines.append(line) }
        }
        switch lines.count {
        case 0: return text
        case 1: return "\(text): \(lines[0])"
        default: return "\(text): \n" + lines.map { "* \($0)" }.joined(separator: "\n")
        }
    }
}
