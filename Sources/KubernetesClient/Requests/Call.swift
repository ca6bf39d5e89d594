// SPDX-License-Identifier: Apache-2.0

import Foundation

/// One request as it goes out, apart from who sends it.
struct Call: Sendable {
    enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    /// What a GET asks for, which its path alone does not say.
    enum Reading: Sendable {
        case document
        case object
        case list
        case watch
    }

    var method: Method
    /// Begins with a slash; names in it are escaped.
    var path: String
    var query: [(name: String, value: String)] = []
    var body: [UInt8]?
    var contentType = "application/json"
    var accept = "application/json"
    /// Of one attempt; nil for that of the client.
    var timeout: Duration?

    var reading = Reading.document

    var isRead: Bool { self.method == .get }

    var verb: RequestCounts.Verb {
        switch self.method {
        case .post: .create
        case .put: .update
        case .patch: .patch
        case .delete: .delete
        case .get:
            switch self.reading {
            case .document: .document
            case .object: .get
            case .list: .list
            case .watch: .watch
            }
        }
    }

    /// Path and query.
    var target: String {
        guard !self.query.isEmpty else { return self.path }
        let query = self.query.map { "\(escaped($0.name))=\(escaped($0.value))" }
        return "\(self.path)?\(query.joined(separator: "&"))"
    }
}

/// What came back, whole.
struct Answer: Sendable {
    let status: Int
    let body: [UInt8]
    let retryAfter: Duration?
    /// Of headers named Warning (RFC 7234), such as for versions that are going away.
    let warnings: [String]
}

/// A text with every character escaped that has a meaning in a URL.
func escaped(_ text: String) -> String {
    var allowed = CharacterSet()
    allowed.insert(charactersIn: "abcdefghijklmnopqrstuvwxyz0123456789-._~")
    allowed.insert(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return text.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
}
