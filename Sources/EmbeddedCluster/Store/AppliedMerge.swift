// SPDX-License-Identifier: Apache-2.0

import ObjectModel

// What server-side apply does to values: it adds what is wanted and takes away what is no longer.

extension JSON {
    /// This value with what a configuration wants in it.
    func applied(_ wanted: JSON, _ shape: MergeShape) -> JSON {
        switch (self, wanted) {
        case (.object(var fields), .object(let changes)) where !shape.isAtomic:
            for (key, change) in changes {
                fields[key] = (fields[key] ?? .null).applied(change, shape.field(key))
            }
            return .object(fields)
        case (.array(let elements), .array(let changes)) where shape.list != .atomic:
            return .array(Self.applied(elements, changes, shape))
        case (_, _): return wanted
        }
    }

    private static func applied(
        _ elements: [JSON],
        _ changes: [JSON],
        _ shape: MergeShape
    ) -> [JSON] {
        var result = elements
        for change in changes {
            let step = shape.step(of: change)
            if let index = result.firstIndex(where: { shape.step(of: $0) == step }) {
                result[index] = result[index].applied(change, shape.element)
            } else {
                result.append(change)
            }
        }
        return result
    }

    /// This value without fields that their only manager no longer wants; nil where nothing stays.
    ///
    /// `others` is what everybody else owns: an element that somebody has a field of stays.
    func without(_ gone: FieldTree, others: FieldTree, _ shape: MergeShape) -> JSON? {
        if gone.isMember, others.isEmpty { return nil }
        switch self {
        case .object(var fields) where !shape.isAtomic:
            for (step, child) in gone.children where step.hasPrefix("f:") {
                let key = String(step.dropFirst(2))
                fields[key] = fields[key]?
                    .without(child, others: others.children[step] ?? FieldTree(), shape.field(key))
            }
            return fields.isEmpty && others.isEmpty ? nil : .object(fields)
        case .array(let elements) where shape.list != .atomic:
            let kept = elements.compactMap { element -> JSON? in
                let step = shape.step(of: element)
                guard let child = gone.children[step] else { return element }
                return element.without(
                    child,
                    others: others.children[step] ?? FieldTree(),
                    shape.element
                )
            }
            return kept.isEmpty && others.isEmpty ? nil : .array(kept)
        case .null, .bool, .number, .string, .array, .object: return self
        }
    }

    /// Without the fields that are null: they say the same as absent ones.
    var withoutNulls: JSON {
        switch self {
        case .object(let fields):
            .object(fields.filter { !$0.value.isNull }.mapValues(\.withoutNulls))
        case .array(let elements): .array(elements.map(\.withoutNulls))
        case .null, .bool, .number, .string: self
        }
    }
}
