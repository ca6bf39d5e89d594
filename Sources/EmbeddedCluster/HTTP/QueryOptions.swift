// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The parameters behind the `?` of a request.
struct QueryOptions: Hashable, Sendable {
    private let values: [String: String]

    /// Reads `a=b&c=d` with percent-encoding and `+` for spaces; of equal names the last counts.
    init(_ query: String?) {
        var values: [String: String] = [:]
        for part in (query ?? "").split(separator: "&") {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let texts = sides.map { side in
                String(side.map { $0 == "+" ? " " : $0 }).removingPercentEncoding
            }
            guard let name = texts.first.flatMap(\.self) else { continue }
            values[name] = texts.count > 1 ? texts[1] ?? "" : ""
        }
        self.values = values
    }

    /// The text of a parameter; nil where it is absent or empty.
    subscript(_ name: String) -> String? {
        guard let value = self.values[name], !value.isEmpty else { return nil }
        return value
    }

    /// Whether a parameter is there and says yes; one without a value does.
    func flag(_ name: String) throws(APIStatus) -> Bool {
        guard let value = self.values[name] else { return false }
        switch value.lowercased() {
        case "", "true", "1", "t": return true
        case "false", "0", "f": return false
        default: throw Self.refused(name, value, "it is neither true nor false")
        }
    }

    /// The whole number of a parameter, not below `least`; nil where it is absent.
    func number(_ name: String, atLeast least: Int = 0) throws(APIStatus) -> Int? {
        guard let value = self[name] else { return nil }
        guard let number = Int(value), number >= least else {
            throw Self.refused(name, value, "it is no whole number of at least \(least)")
        }
        return number
    }

    /// The text of a parameter that may be one of a few; nil where it is absent.
    func word(_ name: String, of words: [String]) throws(APIStatus) -> String? {
        guard let value = self[name] else { return nil }
        guard words.contains(value) else {
            throw Self.refused(name, value, "supported are \(words.joined(separator: ", "))")
        }
        return value
    }

    private static func refused(_ name: String, _ value: String, _ why: String) -> APIStatus {
        APIStatus(.badRequest, "the query parameter \(name)=\(value.prefix(64)) is invalid: \(why)")
    }
}
