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

    var method: Method
    /// Begins with a slash; names in it are escaped.
    var path: String
    var query: [(name: String, value: String)] = []
    var body: [UInt8]?
    var contentType = "application/json"
    var accept = "application/json"
    /// Of one attempt; nil for that of the client.
    var timeout: Duration?

    var isRead: Bool { self.method == .get }

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
