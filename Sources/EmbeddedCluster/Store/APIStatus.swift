// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// Why a request failed, as an API server says it: the object `Status` of version v1.
public struct APIStatus: Error, Hashable, Sendable {
    /// What a program decides by.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        case badRequest = "BadRequest"
        case unauthorized = "Unauthorized"
        case forbidden = "Forbidden"
        case notFound = "NotFound"
        case methodNotAllowed = "MethodNotAllowed"
        case notAcceptable = "NotAcceptable"
        case alreadyExists = "AlreadyExists"
        case conflict = "Conflict"
        case gone = "Gone"
        case expired = "Expired"
        case requestEntityTooLarge = "RequestEntityTooLarge"
        case unsupportedMediaType = "UnsupportedMediaType"
        case invalid = "Invalid"
        case tooManyRequests = "TooManyRequests"
        case internalError = "InternalError"
        case serviceUnavailable = "ServiceUnavailable"
        case timeout = "Timeout"

        /// The code of HTTP.
        public var code: Int {
            switch self {
            case .badRequest: 400
            case .unauthorized: 401
            case .forbidden: 403
            case .notFound: 404
            case .methodNotAllowed: 405
            case .notAcceptable: 406
            case .alreadyExists, .conflict: 409
            case .gone, .expired: 410
            case .requestEntityTooLarge: 413
            case .unsupportedMediaType: 415
            case .invalid: 422
            case .tooManyRequests: 429
            case .internalError: 500
            case .serviceUnavailable: 503
            case .timeout: 504
            }
        }
    }

    /// One of several reasons, each about one field.
    public struct Cause: Hashable, Sendable {
        /// Such as `FieldValueRequired`.
        public var reason: String
        /// What is wrong, without the field.
        public var message: String
        /// The path, such as `spec.ports[0].nodePort`.
        public var field: String

        /// A cause with its three parts.
        public init(reason: String, message: String, field: String) {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }

    /// What a program decides by.
    public var reason: Reason
    /// What a person reads.
    public var message: String
    /// The object that the request named; empty where it named none.
    public var name = ""
    /// Of the object's kind.
    public var group = ""
    /// The plural of the resource, or the kind where a body was invalid.
    public var kind = ""
    /// Of the object that was deleted or that stands in the way.
    public var uid = ""
    /// Each field that is wrong, or each manager in conflict.
    public var causes: [Cause] = []
    /// Seconds after which the same request may succeed; nil where waiting is no cure.
    public var retryAfterSeconds: Int?

    /// A status that is about no particular object.
    public init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    /// A status about one object of a kind, or about the whole kind where `name` is empty.
    public init(_ reason: Reason, _ message: String, _ resource: APIResource, _ name: String) {
        self.init(reason, message)
        self.name = name
        self.group = resource.groupVersion.group
        self.kind = resource.plural
    }

    /// The code of HTTP.
    public var code: Int { self.reason.code }

    /// The object that travels.
    public var json: JSON {
        var json: JSON = [
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure",
            "message": .string(self.message), "reason": .string(self.reason.rawValue),
            "code": JSON(self.code),
        ]
        var details: JSONFields = [:]
        for (key, value) in [
            ("name", self.name), ("group", self.group), ("kind", self.kind), ("uid", self.uid),
        ] where !value.isEmpty {
            details[key] = .string(value)
        }
        if !self.causes.isEmpty { details["causes"] = .array(self.causes.map(\.json)) }
        details["retryAfterSeconds"] = self.retryAfterSeconds.map { JSON($0) }
        if !details.isEmpty { json.set(.object(details), at: "details") }
        return json
    }

    /// The answer to a deletion that is done.
    public static func success(_ resource: APIResource, name: String, uid: String) -> JSON {
        var details: JSONFields = [
            "name": .string(name), "kind": .string(resource.plural), "uid": .string(uid),
        ]
        if !resource.groupVersion.group.isEmpty {
            details["group"] = .string(resource.groupVersion.group)
        }
        return [
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success",
            "details": .object(details),
        ]
    }
}

extension APIStatus.Cause {
    /// As it stands in the details of a status.
    public var json: JSON {
        var fields: JSONFields = ["message": .string(self.message)]
        if !self.reason.isEmpty { fields["reason"] = .string(self.reason) }
        if !self.field.isEmpty { fields["field"] = .string(self.field) }
        return .object(fields)
    }
}

extension APIStatus: CustomStringConvertible {
    /// The text that people read.
    public var description: String { self.message }
}

// MARK: What an API server says, in its words

extension APIStatus {
    static func notFound(_ resource: APIResource, _ name: String) -> Self {
        Self(.notFound, "\(resource.qualifiedPlural) \"\(name)\" not found", resource, name)
    }

    static func alreadyExists(_ resource: APIResource, _ name: String) -> Self {
        let message = "\(resource.qualifiedPlural) \"\(name)\" already exists"
        return Self(.alreadyExists, message, resource, name)
    }

    static func conflict(_ resource: APIResource, _ name: String, _ why: String) -> Self {
        let message =
            "Operation cannot be fulfilled on \(resource.qualifiedPlural) \"\(name)\": \(why)"
        return Self(.conflict, message, resource, name)
    }

    static func forbidden(_ resource: APIResource, _ name: String, _ why: String) -> Self {
        let message = "\(resource.qualifiedPlural) \"\(name)\" is forbidden: \(why)"
        return Self(.forbidden, message, resource, name)
    }

    /// A body that breaks rules; the kind stands in the details, as in the real server.
    static func invalid(_ resource: APIResource, _ name: String, _ causes: [Cause]) -> Self {
        let group = resource.groupVersion.group
        let kind = group.isEmpty ? resource.kind : "\(resource.kind).\(group)"
        let texts = causes.map { $0.field.isEmpty ? $0.message : "\($0.field): \($0.message)" }
        let text = texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
        var status = Self(.invalid, "\(kind) \"\(name)\" is invalid: \(text)")
        status.name = name
        status.group = group
        status.kind = resource.kind
        status.causes = causes
        return status
    }

    static let modified =
        "the object has been modified; please apply your changes to the latest version and try again"

    static func expired(_ message: String) -> Self { Self(.expired, message) }
}

extension APIStatus.Cause {
    static func required(_ field: String, _ detail: String = "") -> Self {
        let message = detail.isEmpty ? "Required value" : "Required value: \(detail)"
        return Self(reason: "FieldValueRequired", message: message, field: field)
    }

    static func invalid(_ field: String, _ value: JSON?, _ detail: String) -> Self {
        let shown = value.map { $0.string.map { "\"\($0)\"" } ?? $0.compact } ?? "null"
        return Self(
            reason: "FieldValueInvalid",
            message: "Invalid value: \(shown): \(detail)",
            field: field
        )
    }

    static func unsupported(_ field: String, _ value: String, _ supported: [String]) -> Self {
        let list = supported.map { "\"\($0)\"" }.joined(separator: ", ")
        return Self(
            reason: "FieldValueNotSupported",
            message: "Unsupported value: \"\(value)\": supported values: \(list)",
            field: field
        )
    }

    static func forbidden(_ field: String, _ detail: String) -> Self {
        Self(reason: "FieldValueForbidden", message: "Forbidden: \(detail)", field: field)
    }
}
