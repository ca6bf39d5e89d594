// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// What values look like: the structural schema of Kubernetes, which is a part of OpenAPI v3.
///
/// It is built in Swift for our own kinds and parsed from JSON for those that users bring. What it does
/// with values is the same for both: ``defaulted(_:)``, ``pruned(_:)``, ``unknownFields(in:)`` and
/// ``validate(_:old:)``.
public struct Schema: Sendable {
    /// The types of OpenAPI.
    public enum ValueType: String, Hashable, Sendable {
        case object
        case array
        case string
        case integer
        case number
        case boolean
    }

    /// What an object may hold beside its properties.
    public indirect enum Additional: Sendable {
        case none
        case any
        case of(Schema)
    }

    /// Of the values; nil for any.
    public var type: ValueType?
    /// For people: `kubectl explain` shows it.
    public var description: String
    /// Such as `date-time` or `int64`; only those two and `int32` are checked.
    public var format: String?
    /// Whether null is a value; else a null field counts as absent.
    public var isNullable = false
    /// What an absent field becomes.
    public var defaultValue: JSON?
    /// The only values there are.
    public var allowed: [JSON]?
    /// The known fields.
    public var properties: [String: Schema] = [:]
    /// The fields that must be there.
    public var required: [String] = []
    /// What else an object may hold.
    public var additional = Additional.none
    /// How long texts, lists and objects may be, and how large numbers.
    public var bounds = Bounds()
    /// What texts must match somewhere: a regular expression.
    public var pattern: String?
    /// What an error says beside the pattern, for people; it is not part of the JSON.
    public var patternAdvice: String?
    /// How elements are told apart: `atomic`, `set` or `map`.
    public var listType: String?
    /// The fields by which the elements of a list of type `map` are told apart.
    public var listMapKeys: [String] = []
    /// Whether fields that the schema does not know are kept.
    public var preservesUnknownFields = false
    /// Whether an integer and a text are both right.
    public var isIntOrString = false
    /// Whether values are whole objects with `apiVersion`, `kind` and `metadata`.
    public var isEmbeddedResource = false
    /// Further conditions, each with words of its own.
    public var rules: [ValidationRule] = []
    /// Conditions of which all, any, exactly one, or none must hold.
    public var combined = Combined()
    /// What stands in the JSON and means nothing here; it is kept.
    public var others: JSONFields = [:]

    // An array, because a value cannot hold itself.
    private var itemSchemas: [Schema] = []

    /// A schema that takes every value of a type; nil takes every value.
    public init(_ type: ValueType? = nil, _ description: String = "") {
        self.type = type
        self.description = description
    }

    /// What the elements of a list look like.
    public var items: Schema? {
        get { self.itemSchemas.first }
        set { self.itemSchemas = newValue.map { [$0] } ?? [] }
    }

    /// How long and how large values may be.
    public struct Bounds: Hashable, Sendable {
        /// The least number.
        public var minimum: JSONNumber?
        /// The largest number.
        public var maximum: JSONNumber?
        /// Whether ``minimum`` itself is too small.
        public var excludesMinimum = false
        /// Whether ``maximum`` itself is too large.
        public var excludesMaximum = false
        /// What numbers are multiples of.
        public var multipleOf: JSONNumber?
        /// Characters of a text.
        public var minLength: Int?
        /// Characters of a text.
        public var maxLength: Int?
        /// Elements of a list.
        public var minItems: Int?
        /// Elements of a list.
        public var maxItems: Int?
        /// Fields of an object.
        public var minProperties: Int?
        /// Fields of an object.
        public var maxProperties: Int?
        /// Whether all elements of a list differ.
        public var hasUniqueItems = false
    }

    /// Conditions that are schemas; they refuse values and change none.
    public struct Combined: Sendable {
        /// All must hold.
        public var all: [Schema] = []
        /// At least one must hold.
        public var any: [Schema] = []
        /// Exactly one must hold.
        public var one: [Schema] = []
        /// At most one entry; it must not hold.
        public var not: [Schema] = []
    }
}

/// A condition that no other part of a schema can say.
///
/// It exists twice: in CEL for API servers and as a closure for ourselves. A table in the tests holds
/// what both must accept and refuse.
public struct ValidationRule: Sendable {
    /// In the Common Expression Language: `self` is the value, `oldSelf` the stored one.
    public let expression: String
    /// What is wrong when it does not hold, and what to do.
    public let message: String
    /// The same condition; the stored value is nil for a new object.
    public let holds: @Sendable (_ value: JSON, _ old: JSON?) -> Bool

    /// A condition in both forms.
    public init(
        _ expression: String,
        message: String,
        holds: @escaping @Sendable (_ value: JSON, _ old: JSON?) -> Bool
    ) {
        self.expression = expression
        self.message = message
        self.holds = holds
    }

    /// Whether it compares with the stored value: then it is asked only where there is one.
    public var isTransition: Bool { self.expression.contains("oldSelf") }
}

// MARK: Building

extension Schema {
    /// An object with these fields.
    public static func object(
        _ description: String,
        _ properties: [String: Schema],
        required: [String] = []
    ) -> Schema {
        var schema = Schema(.object, description)
        schema.properties = properties
        schema.required = required
        return schema
    }

    /// A map from texts to values that look alike.
    public static func map(_ description: String, of values: Schema = Schema(.string)) -> Schema {
        var schema = Schema(.object, description)
        schema.additional = .of(values)
        return schema
    }

    /// An object whose fields are nobody's business here.
    public static func anyObject(_ description: String) -> Schema {
        var schema = Schema(.object, description)
        schema.preservesUnknownFields = true
        return schema
    }

    /// A list of values that look alike; with keys, a map of them for server-side apply.
    public static func list(
        _ description: String,
        of items: Schema = Schema(.string),
        keys: [String] = []
    ) -> Schema {
        var schema = Schema(.array, description)
        schema.items = items
        schema.listMapKeys = keys
        if !keys.isEmpty { schema.listType = "map" }
        return schema
    }

    /// A text.
    public static func string(_ description: String, default value: String? = nil) -> Schema {
        var schema = Schema(.string, description)
        schema.defaultValue = value.map(JSON.string)
        return schema
    }

    /// One of a few texts.
    public static func word(_ description: String, _ words: [String]) -> Schema {
        var schema = Schema(.string, description)
        schema.allowed = words.map(JSON.string)
        return schema
    }

    /// A truth value.
    public static func flag(_ description: String, default value: Bool? = nil) -> Schema {
        var schema = Schema(.boolean, description)
        schema.defaultValue = value.map(JSON.bool)
        return schema
    }

    /// An integer, with the limits where they are given.
    public static func integer(
        _ description: String,
        from minimum: Int? = nil,
        to maximum: Int? = nil,
        format: String? = nil
    ) -> Schema {
        var schema = Schema(.integer, description)
        schema.bounds.minimum = minimum.map { JSONNumber($0) }
        schema.bounds.maximum = maximum.map { JSONNumber($0) }
        schema.format = format
        return schema
    }

    /// A time as RFC 3339 writes it; null for none yet.
    public static func time(_ description: String) -> Schema {
        var schema = Schema(.string, description)
        schema.format = "date-time"
        schema.isNullable = true
        return schema
    }

    /// The same schema after a change.
    public func with(_ change: (inout Schema) -> Void) -> Schema {
        var schema = self
        change(&schema)
        return schema
    }
}
