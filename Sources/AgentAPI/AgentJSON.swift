// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// How values of the API become JSON: sorted keys, RFC 3339 times in UTC.
public enum AgentJSON {
    /// The JSON of a value, in one line or indented for people.
    public static func data(of value: some Encodable, indented: Bool = false) throws -> Data {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        if indented { encoder.outputFormatting.insert(.prettyPrinted) }
        return try encoder.encode(value)
    }

    /// The value that JSON holds.
    public static func value<Value: Decodable>(
        _ type: Value.Type = Value.self,
        from data: Data
    ) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try decoder.decode(type, from: data)
    }
}

/// A list of things, as every list route answers.
public struct ItemList<Item: Codable & Sendable>: Codable, Sendable {
    /// The things, in the order of the route.
    public let items: [Item]

    /// The list that holds `items` in this order.
    public init(items: [Item]) { self.items = items }
}
