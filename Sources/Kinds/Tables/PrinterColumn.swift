// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// A column of the table that `kubectl get` prints.
public struct PrinterColumn: Sendable {
    /// What a cell holds.
    public enum CellType: String, Hashable, Sendable {
        case string
        case integer
        case number
        case boolean
        case date
    }

    /// Where a cell comes from.
    public enum Source: Sendable {
        case path(JSONPath)
        /// Computed; only kinds that are built in have such columns.
        case computed(@Sendable (KubeObject) -> JSON)
    }

    /// The heading; `kubectl` prints it in capitals.
    public let name: String
    /// What the cells hold; a date is shown as an age.
    public let type: CellType
    /// For people.
    public let description: String
    /// 0 for columns that are always shown, 1 for those of `-o wide`.
    public let priority: Int
    /// Where the cells come from.
    public let source: Source

    /// A column whose cells are found by a path.
    ///
    /// - Throws: ``JSONPathError`` for a path that is not understood.
    public init(
        _ name: String,
        _ type: CellType = .string,
        path: String,
        description: String = "",
        priority: Int = 0
    ) throws(JSONPathError) {
        self.name = name
        self.type = type
        self.description = description
        self.priority = priority
        self.source = .path(try JSONPath(path))
    }

    /// A column whose cells are computed.
    public init(
        _ name: String,
        _ type: CellType = .string,
        description: String = "",
        priority: Int = 0,
        computed: @escaping @Sendable (KubeObject) -> JSON
    ) {
        self.name = name
        self.type = type
        self.description = description
        self.priority = priority
        self.source = .computed(computed)
    }

    /// Reads an entry of `additionalPrinterColumns`.
    public init(_ json: JSON) throws(JSONPathError) {
        try self.init(
            json["name"]?.string ?? "",
            json["type"]?.string.flatMap(CellType.init(rawValue:)) ?? .string,
            path: json["jsonPath"]?.string ?? "",
            description: json["description"]?.string ?? "",
            priority: json["priority"]?.int ?? 0
        )
    }

    /// As an entry of `additionalPrinterColumns`; nil for a computed column.
    public var json: JSON? {
        guard case .path(let path) = self.source else { return nil }
        var json: JSON = [
            "name": .string(self.name), "type": .string(self.type.rawValue),
            "jsonPath": .string(path.description),
        ]
        if !self.description.isEmpty { json.set(.string(self.description), at: "description") }
        if self.priority != 0 { json.set(JSON(self.priority), at: "priority") }
        return json
    }

    /// The cell of an object; ages are counted to `now`.
    public func cell(of object: KubeObject, now: Timestamp) -> JSON {
        let value: JSON? =
            switch self.source {
            case .path(let path): path.first(in: object.json)
            case .computed(let cell): cell(object)
            }
        guard let value, !value.isNull else { return .null }
        switch self.type {
        case .string: return .string(value.string ?? value.compact)
        case .integer: return value.int == nil ? .null : value
        case .number: return if case .number = value { value } else { .null }
        case .boolean: return value.bool == nil ? .null : value
        case .date:
            guard let time = value.string.flatMap({ Timestamp($0) }) else { return "<invalid>" }
            return .string(Age.text(seconds: now.seconds(since: time)))
        }
    }
}

/// How long ago something was, as `kubectl` words it.
public enum Age {
    /// `<invalid>` for the future, else two units at most: `90s`, `5m30s`, `3h`, `2d4h`, `1y20d`.
    public static func text(seconds: Int) -> String {
        if seconds < -1 { return "<invalid>" }
        if seconds < 0 { return "0s" }
        if seconds < 120 { return "\(seconds)s" }
        let minutes = seconds / 60
        if minutes < 10 { return Self.two(minutes, "m", seconds % 60, "s") }
        if minutes < 180 { return "\(minutes)m" }
        let hours = minutes / 60
        if hours < 8 { return Self.two(hours, "h", minutes % 60, "m") }
        if hours < 48 { return "\(hours)h" }
        let days = hours / 24
        if days < 8 { return Self.two(days, "d", hours % 24, "h") }
        if days < 730 { return "\(days)d" }
        if days < 365 * 8 { return Self.two(days / 365, "y", days % 365, "d") }
        return "\(days / 365)y"
    }

    private static func two(_ first: Int, _ unit: String, _ rest: Int, _ smaller: String) -> String
    {
        rest == 0 ? "\(first)\(unit)" : "\(first)\(unit)\(rest)\(smaller)"
    }
}
