// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

extension Schema {
    /// Reads a schema, such as `openAPIV3Schema` of a CustomResourceDefinition.
    ///
    /// Nothing is refused: keys that mean nothing here are kept in ``others``, and the CEL rules of
    /// others are among them, because they are not run here.
    public init(_ json: JSON) {
        var fields = json.object ?? [:]
        func take(_ key: String) -> JSON? { fields.removeValue(forKey: key) }
        self.init(take("type")?.string.flatMap(ValueType.init(rawValue:)))
        self.description = take("description")?.string ?? ""
        self.format = take("format")?.string
        self.isNullable = take("nullable")?.bool ?? false
        self.defaultValue = take("default")
        self.allowed = take("enum")?.array
        self.properties = (take("properties")?.object ?? [:]).mapValues { Schema($0) }.dictionary
        self.required = take("required")?.array?.compactMap(\.string) ?? []
        self.items = take("items").map { Schema($0) }
        self.pattern = take("pattern")?.string
        self.listType = take("x-kubernetes-list-type")?.string
        self.listMapKeys = take("x-kubernetes-list-map-keys")?.array?.compactMap(\.string) ?? []
        self.preservesUnknownFields =
            take("x-kubernetes-preserve-unknown-fields")?.bool ?? false
        self.isIntOrString = take("x-kubernetes-int-or-string")?.bool ?? false
        self.isEmbeddedResource = take("x-kubernetes-embedded-resource")?.bool ?? false
        switch take("additionalProperties") {
        case .bool(let takesAny): self.additional = takesAny ? .any : .none
        case .object(let fields): self.additional = .of(Schema(.object(fields)))
        case .null, .number, .string, .array, nil: self.additional = .none
        }
        self.bounds = Bounds(take)
        self.combined.all = take("allOf")?.array?.map { Schema($0) } ?? []
        self.combined.any = take("anyOf")?.array?.map { Schema($0) } ?? []
        self.combined.one = take("oneOf")?.array?.map { Schema($0) } ?? []
        self.combined.not = take("not").map { [Schema($0)] } ?? []
        self.others = fields
    }

    /// As OpenAPI writes it, with the CEL rules.
    public var json: JSON { self.json(withRules: true) }

    /// As OpenAPI writes it; the CEL rules, which API servers before 1.25 do not know, can be left out.
    ///
    /// Without them empty texts may also be null: a server of that time that was built by a newer
    /// compiler than its own takes an empty text for null and would refuse it.
    public func json(withRules: Bool) -> JSON {
        var fields = self.others
        fields["type"] = self.type.map { .string($0.rawValue) }
        if !self.description.isEmpty { fields["description"] = .string(self.description) }
        fields["format"] = self.format.map(JSON.string)
        fields["default"] = self.defaultValue
        fields["enum"] = self.allowed.map(JSON.array)
        fields["pattern"] = self.pattern.map(JSON.string)
        if !self.properties.isEmpty {
            fields["properties"] = .object(
                JSONFields(self.properties.mapValues { $0.json(withRules: withRules) })
            )
        }
        if !self.required.isEmpty { fields["required"] = JSON(self.required) }
        fields["items"] = self.items?.json(withRules: withRules)
        switch self.additional {
        case .none: break
        case .any: fields["additionalProperties"] = true
        case .of(let schema): fields["additionalProperties"] = schema.json(withRules: withRules)
        }
        self.bounds.write(to: &fields)
        for (key, schemas) in [
            ("allOf", self.combined.all), ("anyOf", self.combined.any),
            ("oneOf", self.combined.one),
        ] where !schemas.isEmpty {
            fields[key] = .array(schemas.map { $0.json(withRules: withRules) })
        }
        fields["not"] = self.combined.not.first?.json(withRules: withRules)
        self.writeExtensions(to: &fields, withRules: withRules)
        return .object(fields)
    }

    private func writeExtensions(to fields: inout JSONFields, withRules: Bool) {
        fields["x-kubernetes-list-type"] = self.listType.map(JSON.string)
        if !self.listMapKeys.isEmpty {
            fields["x-kubernetes-list-map-keys"] = JSON(self.listMapKeys)
        }
        let takesEmptyText =
            self.isIntOrString
            || self.type == .string && self.bounds.minLength == nil && self.pattern == nil
        for (key, isSet) in [
            ("nullable", self.isNullable || !withRules && takesEmptyText),
            ("x-kubernetes-preserve-unknown-fields", self.preservesUnknownFields),
            ("x-kubernetes-int-or-string", self.isIntOrString),
            ("x-kubernetes-embedded-resource", self.isEmbeddedResource),
        ] where isSet {
            fields[key] = true
        }
        if withRules, !self.rules.isEmpty {
            fields["x-kubernetes-validations"] = .array(
                self.rules.map {
                    ["rule": .string($0.expression), "message": .string($0.message)]
                }
            )
        }
    }
}

extension Schema.Bounds {
    fileprivate init(_ take: (String) -> JSON?) {
        func number(_ key: String) -> JSONNumber? {
            if case .number(let number)? = take(key) { number } else { nil }
        }
        self.minimum = number("minimum")
        self.maximum = number("maximum")
        self.excludesMinimum = take("exclusiveMinimum")?.bool ?? false
        self.excludesMaximum = take("exclusiveMaximum")?.bool ?? false
        self.multipleOf = number("multipleOf")
        self.minLength = take("minLength")?.int
        self.maxLength = take("maxLength")?.int
        self.minItems = take("minItems")?.int
        self.maxItems = take("maxItems")?.int
        self.minProperties = take("minProperties")?.int
        self.maxProperties = take("maxProperties")?.int
        self.hasUniqueItems = take("uniqueItems")?.bool ?? false
    }

    fileprivate func write(to fields: inout JSONFields) {
        fields["minimum"] = self.minimum.map(JSON.number)
        fields["maximum"] = self.maximum.map(JSON.number)
        fields["multipleOf"] = self.multipleOf.map(JSON.number)
        if self.excludesMinimum { fields["exclusiveMinimum"] = true }
        if self.excludesMaximum { fields["exclusiveMaximum"] = true }
        if self.hasUniqueItems { fields["uniqueItems"] = true }
        for (key, value) in [
            ("minLength", self.minLength), ("maxLength", self.maxLength),
            ("minItems", self.minItems), ("maxItems", self.maxItems),
            ("minProperties", self.minProperties), ("maxProperties", self.maxProperties),
        ] {
            if let value { fields[key] = JSON(value) }
        }
    }
}
