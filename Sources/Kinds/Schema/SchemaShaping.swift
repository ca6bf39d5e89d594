// SPDX-License-Identifier: Apache-2.0

import BlockTypes
public import ObjectModel

extension Schema {
    /// The value with the defaults of what is absent.
    ///
    /// A null field that may not be null counts as absent: it gets its default or is removed.
    public func defaulted(_ value: JSON) -> JSON {
        switch value {
        case .array(let elements):
            guard let items = self.items else { return value }
            return .array(elements.map { items.defaulted($0) })
        case .object(var fields):
            for (name, schema) in self.properties {
                let present = fields[name].flatMap { $0.isNull && !schema.isNullable ? nil : $0 }
                fields[name] = (present ?? schema.defaultValue).map { schema.defaulted($0) }
            }
            if case .of(let schema) = self.additional {
                for (name, value) in fields where self.properties[name] == nil {
                    let isAbsent = value.isNull && !schema.isNullable
                    fields[name] = isAbsent ? schema.defaultValue : schema.defaulted(value)
                }
            }
            return .object(fields)
        case .null, .bool, .number, .string: return value
        }
    }

    /// The value without the fields that the schema does not know.
    public func pruned(_ value: JSON) -> JSON {
        var unknown: [FieldError] = []
        return self.pruned(value, .root, &unknown)
    }

    /// The fields that ``pruned(_:)`` would remove, each with what was probably meant.
    public func unknownFields(in value: JSON) -> [FieldError] {
        var unknown: [FieldError] = []
        _ = self.pruned(value, .root, &unknown)
        return unknown
    }

    private func pruned(_ value: JSON, _ path: FieldPath, _ unknown: inout [FieldError]) -> JSON {
        switch value {
        case .array(let elements):
            guard let items = self.items else { return value }
            return .array(
                elements.enumerated()
                    .map { items.pruned($0.element, path.element($0.offset), &unknown) }
            )
        case .object(let fields):
            var kept: JSONFields = [:]
            for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
                let field = path.field(name)
                if let schema = self.properties[name] {
                    kept[name] = schema.pruned(value, field, &unknown)
                } else if case .of(let schema) = self.additional {
                    kept[name] = schema.pruned(value, field, &unknown)
                } else if self.keeps(name) {
                    kept[name] = value
                } else {
                    unknown.append(self.unknownField(name, field))
                }
            }
            return .object(kept)
        case .null, .bool, .number, .string: return value
        }
    }

    /// Whether a field stays that no property describes.
    private func keeps(_ name: String) -> Bool {
        if case .any = self.additional { return true }
        return self.preservesUnknownFields
            || self.isEmbeddedResource && ["apiVersion", "kind", "metadata"].contains(name)
    }

    private func unknownField(_ name: String, _ path: FieldPath) -> FieldError {
        FieldError(
            path.text,
            .unknown,
            suggestion: Suggestion.nearest(to: name, in: self.properties.keys.sorted())
        )
    }
}
