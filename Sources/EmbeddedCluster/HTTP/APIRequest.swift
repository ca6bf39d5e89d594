// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// One request, read to its end, of somebody who is known.
struct APIRequest: Sendable {
    /// In upper case: `GET`.
    let method: String
    let target: RequestTarget
    let options: QueryOptions
    let accepted: [MediaType]
    let contentType: MediaType?
    let body: [UInt8]
    let user: ClusterUser
    /// `HOST:PORT` where the client reached the server.
    let address: String
}

/// What the server answers.
enum APIAnswer: Sendable {
    /// A document.
    case document(code: Int, JSON, contentType: String, warnings: [String])
    /// A document of OpenAPI v2 without any kind, in its protobuf form.
    case emptySchemas
    /// Events, one JSON on each line, until the watch or its time ends.
    case watch(ObjectWatch, Presentation, seconds: Int)

    /// The name in answers; the one that clients ask for has an `@`, which they do not take back.
    static let schemasType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    static let schemasNames: Set<String> = [
        Self.schemasType, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
    ]

    static func document(_ json: JSON, code: Int = 200, warnings: [String] = []) -> Self {
        .document(code: code, json, contentType: "application/json", warnings: warnings)
    }
}

extension APIStatus {
    /// There is nothing at a path, in the words of kubectl.
    static let noResource = APIStatus(
        .notFound,
        "the server could not find the requested resource"
    )

    static let unauthorized = APIStatus(.unauthorized, "Unauthorized")

    static func methodNotAllowed(_ method: String) -> Self {
        Self(.methodNotAllowed, "the server does not allow \(method) on the requested resource")
    }

    static func notAcceptable(_ supported: String) -> Self {
        Self(
            .notAcceptable,
            "only the following media types are accepted: \(supported)"
        )
    }

    static func unsupported(_ type: MediaType?, _ supported: [String]) -> Self {
        Self(
            .unsupportedMediaType,
            "the body of the request was in an unknown format (\(type?.name ?? "none")) - "
                + "accepted media types include: \(supported.joined(separator: ", "))"
        )
    }
}

extension APIRequest {
    /// The body, in JSON or YAML, without looking at what it says.
    func document() throws(APIStatus) -> JSON {
        switch self.contentType?.name {
        case nil, "application/json", "text/json", "application/yaml", "text/yaml": break
        case ProtobufBody.type: return try ProtobufBody.value(of: self.body)
        default:
            throw .unsupported(self.contentType, ["application/json", "application/yaml"])
        }
        return try Self.value(of: self.body)
    }

    /// A JSON text, or one document of YAML; clients that send YAML send JSON most times.
    static func value(of body: [UInt8]) throws(APIStatus) -> JSON {
        let start = body.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
        do {
            if start == UInt8(ascii: "{") || start == UInt8(ascii: "[") {
                return try JSON(parsing: body)
            }
            return try JSON(yaml: String(decoding: body, as: UTF8.self))
        } catch {
            throw APIStatus(.badRequest, "the body of the request cannot be read: \(error)")
        }
    }

    /// The body of a request that may do without one.
    func optionalDocument() throws(APIStatus) -> JSON? {
        self.body.isEmpty ? nil : try self.document()
    }
}
