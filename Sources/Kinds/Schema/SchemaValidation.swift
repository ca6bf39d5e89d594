// SPDX-License-Identifier: Apache-2.0

import BlockTypes
public import ObjectModel

extension Schema {
    /// What is wrong with a value; nothing when it is as the schema says.
    ///
    /// Unknown fields are no error here: ``unknownFields(in:)`` finds them.
    ///
    /// - Parameters:
    ///   - value: what is to be stored, with its defaults.
    ///   - old: what is stored; nil for a new object.
    /// - Returns: at most ``errorLimit`` errors, in the order of the paths.
    public func validate(_ value: JSON, old: JSON? = nil) -> [FieldError] {
        var check = SchemaCheck()
        check.check(value, old, self, .root)
        return check.errors
    }

    /// How many errors are worth telling at once.
    public static var errorLimit: Int { 50 }
}

/// One validation: collects what is wrong.
private struct SchemaCheck {
    var errors: [FieldError] = []

    private mutating func add(
        _ path: FieldPath,
        _ reason: FieldError.Reason,
        _ value: JSON?,
        _ detail: String,
        _ suggestion: String? = nil
    ) {
        guard self.errors.count < Schema.errorLimit else { return }
        self.errors.append(FieldError(path.text, reason, value, detail, suggestion: suggestion))
    }

    mutating func check(_ value: JSON, _ old: JSON?, _ schema: Schema, _ path: FieldPath) {
        if value.isNull, schema.isNullable { return }
        guard self.hasRightType(value, schema, path) else { return }
        self.checkAllowed(value, schema, path)
        switch value {
        case .null, .bool: break
        case .number(let number): self.check(number, schema, path)
        case .string(let text): self.check(text, schema, path)
        case .array(let elements): self.check(elements, old?.array, schema, path)
        case .object(let fields): self.check(fields, old?.object, schema, path)
        }
        for rule in schema.rules where !rule.isTransition || old != nil {
            if !rule.holds(value, old) { self.add(path, .invalid, value, rule.message) }
        }
        self.checkCombined(value, schema, path)
    }

    // MARK: Types

    private mutating func hasRightType(_ value: JSON, _ schema: Schema, _ path: FieldPath) -> Bool {
        let isRight =
            switch (value, schema.type) {
            case (_, nil) where schema.isIntOrString: value.isInteger || value.string != nil
            case (_, nil): true
            case (.object, .object), (.array, .array), (.string, .string), (.bool, .boolean),
                (.number, .number):
                true
            case (.number, .integer): value.isInteger
            case (.null, _), (.bool, _), (.number, _), (.string, _), (.array, _), (.object, _):
                false
            }
        guard !isRight else { return true }
        let wanted = schema.type?.rawValue ?? "integer or string"
        let place = path.text.isEmpty ? "the value" : path.text
        // Texts are what people forget to quote: 9001, true.
        let isQuotable = schema.type == .string && !value.isNull
        let advice =
            isQuotable && value.array == nil && value.object == nil ? ": put it in quotes" : ""
        self.add(
            path,
            .wrongType,
            value,
            "\(place) must be of type \(wanted), not \(value.kind)\(advice)"
        )
        return false
    }

    private mutating func checkAllowed(_ value: JSON, _ schema: Schema, _ path: FieldPath) {
        guard let allowed = schema.allowed, !allowed.contains(value) else { return }
        let texts = allowed.compactMap(\.string).filter { !$0.isEmpty }
        let meant = value.string.flatMap { Suggestion.nearest(to: $0, in: texts) }
        let words = allowed.map(\.compact).joined(separator: ", ")
        self.add(path, .unsupported, value, "supported values: \(words)", meant)
    }

    // MARK: Numbers and texts

    private mutating func check(_ number: JSONNumber, _ schema: Schema, _ path: FieldPath) {
        let bounds = schema.bounds
        let value = JSON.number(number)
        if let minimum = bounds.minimum,
            number.isLess(than: minimum) || bounds.excludesMinimum && !minimum.isLess(than: number)
        {
            let words = bounds.excludesMinimum ? "greater than" : "greater than or equal to"
            self.add(path, .invalid, value, "should be \(words) \(minimum.text)")
        }
        if let maximum = bounds.maximum,
            maximum.isLess(than: number) || bounds.excludesMaximum && !number.isLess(than: maximum)
        {
            let words = bounds.excludesMaximum ? "less than" : "less than or equal to"
            self.add(path, .invalid, value, "should be \(words) \(maximum.text)")
        }
        if let factor = bounds.multipleOf?.double, factor > 0, let double = number.double,
            double.truncatingRemainder(dividingBy: factor) != 0
        {
            self.add(path, .invalid, value, "should be a multiple of \(factor)")
        }
        let fits =
            switch schema.format {
            case "int32"?: Int32(number.text) != nil
            case "int64"?: Int64(number.text) != nil
            default: true
            }
        if !fits { self.add(path, .invalid, value, "should fit \(schema.format ?? "")") }
    }

    private mutating func check(_ text: String, _ schema: Schema, _ path: FieldPath) {
        let length = text.unicodeScalars.count
        let value = JSON.string(text)
        if let least = schema.bounds.minLength, length < least {
            let words =
                least == 1 ? "must not be empty" : "should have at least \(least) characters"
            self.add(path, .invalid, value, words)
        }
        if let most = schema.bounds.maxLength, length > most {
            self.add(path, .tooLong, nil, "may not have more than \(most) characters")
            return
        }
        if schema.format == "date-time", Timestamp(text) == nil {
            self.add(path, .invalid, value, "should be a time such as 2018-10-26T20:04:19Z")
        }
        // A pattern that cannot be read refuses nothing: whoever wrote it is not who would be told.
        if let pattern = schema.pattern, let expression = try? Regex(pattern),
            text.firstMatch(of: expression) == nil
        {
            self.add(path, .invalid, value, schema.patternAdvice ?? "should match '\(pattern)'")
        }
    }

    // MARK: Lists and objects

    private mutating func check(
        _ elements: [JSON],
        _ old: [JSON]?,
        _ schema: Schema,
        _ path: FieldPath
    ) {
        if let least = schema.bounds.minItems, elements.count < least {
            let words = "should have at least \(least) element\(least == 1 ? "" : "s")"
            self.add(path, .invalid, .array(elements), words)
        }
        if let most = schema.bounds.maxItems, elements.count > most {
            self.add(path, .tooMany, nil, "\(elements.count): must have at most \(most) items")
        }
        let isSet = schema.listType == "set" || schema.bounds.hasUniqueItems
        let olds = schema.keyed(old ?? [])
        var seen: Set<JSON> = []
        for (index, element) in elements.enumerated() {
            let place = path.element(index)
            let key = schema.key(of: element)
            if let identity = key ?? (isSet ? element : nil), !seen.insert(identity).inserted {
                self.add(place, .duplicate, identity, "")
            }
            guard let items = schema.items else { continue }
            self.check(element, key.flatMap { olds[$0] }, items, place)
        }
    }

    private mutating func check(
        _ fields: JSONFields,
        _ old: JSONFields?,
        _ schema: Schema,
        _ path: FieldPath
    ) {
        for name in schema.required where fields[name] == nil {
            self.add(path.field(name), .required, nil, "")
        }
        if let least = schema.bounds.minProperties, fields.count < least {
            let words = "should have at least \(least) propert\(least == 1 ? "y" : "ies")"
            self.add(path, .invalid, .object(fields), words)
        }
        if let most = schema.bounds.maxProperties, fields.count > most {
            self.add(path, .tooMany, nil, "\(fields.count): must have at most \(most) properties")
        }
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            if let property = schema.properties[name] {
                self.check(value, old?[name], property, path.field(name))
            } else if case .of(let values) = schema.additional {
                self.check(value, old?[name], values, path.field(name))
            }
        }
    }

    // MARK: Combinations

    private mutating func checkCombined(_ value: JSON, _ schema: Schema, _ path: FieldPath) {
        for part in schema.combined.all { self.check(value, nil, part, path) }
        func holding(_ parts: [Schema]) -> Int { parts.count { $0.validate(value).isEmpty } }
        if !schema.combined.any.isEmpty, holding(schema.combined.any) == 0 {
            self.add(path, .invalid, value, "must validate at least one schema (anyOf)")
        }
        if !schema.combined.one.isEmpty, holding(schema.combined.one) != 1 {
            self.add(path, .invalid, value, "must validate one and only one schema (oneOf)")
        }
        if holding(schema.combined.not) > 0 {
            self.add(path, .invalid, value, "must not validate the schema (not)")
        }
    }
}

extension Schema {
    /// What tells an element of a list of type `map` from the others; nil for other lists.
    func key(of element: JSON) -> JSON? {
        guard self.listType == "map", element.object != nil else { return nil }
        var key: JSONFields = [:]
        for name in self.listMapKeys {
            key[name] = element[name] ?? self.items?.properties[name]?.defaultValue
        }
        return .object(key)
    }

    fileprivate func keyed(_ elements: [JSON]) -> [JSON: JSON] {
        var keyed: [JSON: JSON] = [:]
        for element in elements {
            if let key = self.key(of: element) { keyed[key] = element }
        }
        return keyed
    }
}

extension JSON {
    /// Whether it is a number without a fraction, of any size.
    fileprivate var isInteger: Bool {
        guard case .number(let number) = self else { return false }
        return number.text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
    }
}

extension JSONNumber {
    fileprivate func isLess(than other: JSONNumber) -> Bool {
        if let left = self.int, let right = other.int { return left < right }
        guard let left = self.double, let right = other.double else { return false }
        return left < right
    }
}
