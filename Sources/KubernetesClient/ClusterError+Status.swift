// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

extension ClusterError {
    /// What an answer that is no success says: a Status object, or whatever a proxy wrote.
    ///
    /// - Parameters:
    ///   - statusCode: the HTTP status.
    ///   - body: the bytes of the answer.
    ///   - retryAfter: of the header of that name.
    public init(statusCode: Int, body: [UInt8], retryAfter: Duration? = nil) {
        if let status = try? JSON(parsing: body), status["kind"]?.string == "Status" {
            self.init(status: status, statusCode: statusCode, retryAfter: retryAfter)
            return
        }
        let text = String(decoding: body.prefix(Self.snippet), as: UTF8.self)
        self.init(
            Self.reason(ofCode: statusCode),
            text.isEmpty ? "the server answered \(statusCode) without saying why" : text,
            statusCode: statusCode,
            retryAfter: retryAfter
        )
    }

    /// What a Status object says, from an answer or from an ERROR event of a watch.
    public init(status: JSON, statusCode: Int? = nil, retryAfter: Duration? = nil) {
        let code = status["code"]?.int ?? statusCode
        let text = status["reason"]?.string ?? ""
        let seconds = status["details", "retryAfterSeconds"]?.int
        let causes = (status["details", "causes"]?.array ?? [])
            .map { cause in
                Cause(
                    reason: cause["reason"]?.string ?? "",
                    field: cause["field"]?.string ?? "",
                    message: cause["message"]?.string ?? ""
                )
            }
        let reason = Self.reason(ofText: text) ?? Self.reason(ofCode: code ?? 500)
        self.init(
            reason,
            status["message"]?.string ?? "",
            statusCode: code,
            reasonText: text.isEmpty ? nil : text,
            causes: causes,
            kind: status["details", "kind"]?.string ?? "",
            name: status["details", "name"]?.string ?? "",
            retryAfter: retryAfter ?? seconds.flatMap { $0 > 0 ? .seconds($0) : nil }
        )
    }

    /// Whether the server does not know the resource version that was asked for, because it is newer
    /// than all of its data: the data was put back from a copy.
    var isFutureVersion: Bool { self.causes.contains { $0.reason == "ResourceVersionTooLarge" } }

    /// How much of a text that is no Status is shown.
    private static let snippet = 300

    /// The reason that the server's word means; nil for words that we do not know.
    private static func reason(ofText text: String) -> Reason? {
        switch text {
        case "": nil
        case "Gone": .gone
        // A word of its own for "ask again"; for a caller it is the same.
        case "ServerTimeout": .timeout
        default: Reason(rawValue: text) ?? .unknown
        }
    }

    private static func reason(ofCode code: Int) -> Reason {
        switch code {
        case 400: .badRequest
        case 401: .unauthorized
        case 403: .forbidden
        case 404: .notFound
        case 405: .methodNotAllowed
        case 406: .notAcceptable
        case 408, 504: .timeout
        case 409: .conflict
        case 410: .gone
        case 413: .tooLarge
        case 415: .unsupportedMediaType
        case 422: .invalid
        case 429: .tooManyRequests
        case 502, 503: .serviceUnavailable
        case 500...: .internalError
        default: .unknown
        }
    }
}
