// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// The keys with which a strategic merge patch says what a merge cannot.
private enum Directive {
    /// `replace`, `delete` or `merge`: what happens to the object that holds it.
    static let patch = "$patch"
    /// The only keys that may stay in the object that holds it.
    static let retainKeys = "$retainKeys"
    /// In front of a list's key: the order of its elements.
    static let order = "$setElementOrder/"
    /// In front of a list's key: values that go.
    static let deleteValues = "$deleteFromPrimitiveList/"

    static func isOne(_ key: String) -> Bool {
        key == Self.patch || key == Self.retainKeys || key.hasPrefix(Self.order)
            || key.hasPrefix(Self.deleteValues)
    }
}

extension JSON {
    /// This value after a strategic merge patch: lists whose shape has a key merge by it.
    ///
    /// - Throws: `.badRequest` for an element without its key and for a directive that is none.
    func strategicallyMerged(with patch: JSON, _ shape: MergeShape) throws -> JSON {
        guard case .object(let changes) = patch else { return patch }
        var fields = self.object ?? [:]
        switch changes[Directive.patch]?.string {
        case nil, "merge": break
        case "replace": fields = [:]
        case "delete": return .object([:])
        case let name?: throw APIStatus(.badRequest, "Unknown patch type \"\(name)\" found")
        }
        if let kept = changes[Directive.retainKeys]?.array?.compactMap(\.string) {
            fields = fields.filter { kept.contains($0.key) }
        }
        for (key, change) in changes where !Directive.isOne(key) {
            if change.isNull {
                fields[key] = nil
            } else {
                let list = ListPatch(changes, key)
                fields[key] = try (fields[key] ?? .null)
                    .merged(strategically: change, shape.field(key), list)
            }
        }
        // A list may be told an order, or values that go, and nothing else.
        for key in ListPatch.keys(of: changes) where changes[key] == nil {
            guard let list = fields[key] else { continue }
            fields[key] = try list.merged(
                strategically: .array([]),
                shape.field(key),
                ListPatch(changes, key)
            )
        }
        return .object(fields)
    }

    private func merged(
        strategically change: JSON,
        _ shape: MergeShape,
        _ list: ListPatch
    ) throws -> JSON {
        switch change {
        case .object: return try self.strategicallyMerged(with: change, shape)
        case .array(let elements):
            if let key = shape.patchKey {
                return .array(try list.merge(self.array ?? [], elements, by: key, shape.element))
            }
            if shape.list == .set { return .array(list.merge(self.array ?? [], elements)) }
            return change
        case .null, .bool, .number, .string: return change
        }
    }
}

/// What a patch says about one list beside its elements.
private struct ListPatch {
    private let order: [JSON]
    private let deleted: [JSON]

    init(_ changes: JSONFields, _ key: String) {
        self.order = changes[Directive.order + key]?.array ?? []
        self.deleted = changes[Directive.deleteValues + key]?.array ?? []
    }

    /// The lists that directives of an object are about.
    static func keys(of changes: JSONFields) -> [String] {
        changes.keys.flatMap { key in
            [Directive.order, Directive.deleteValues].filter(key.hasPrefix)
                .map { String(key.dropFirst($0.count)) }
        }
    }

    /// A list of plain values: a value is in it once.
    func merge(_ live: [JSON], _ patch: [JSON]) -> [JSON] {
        var merged = live.filter { !self.deleted.contains($0) }
        for value in patch where !merged.contains(value) { merged.append(value) }
        return self.ordered(merged, live) { value, wanted in value == wanted }
    }

    /// A list of objects that a key tells apart.
    func merge(
        _ live: [JSON],
        _ patch: [JSON],
        by key: String,
        _ shape: MergeShape
    ) throws -> [JSON] {
        let isReplaced = patch.contains {
            $0[Directive.patch]?.string == "replace" && $0[key] == nil
        }
        var merged = isReplaced ? [] : live
        for element in patch {
            guard let value = element[key] else {
                if element[Directive.patch]?.string == "replace" { continue }
                throw APIStatus(
                    .badRequest,
                    "map: \(element.compact) does not contain declared merge key: \(key)"
                )
            }
            let index = merged.firstIndex { $0[key] == value }
            if element[Directive.patch]?.string == "delete" {
                if let index { merged.remove(at: index) }
            } else if let index {
                var result = try merged[index].strategicallyMerged(with: element, shape)
                result.set(value, at: key)
                merged[index] = result
            } else {
                merged.append(try JSON.object([:]).strategicallyMerged(with: element, shape))
            }
        }
        return self.ordered(merged, live) { element, wanted in element[key] == wanted[key] }
    }

    /// The wanted order; what only the server has stays behind the element it was behind.
    private func ordered(
        _ elements: [JSON],
        _ live: [JSON],
        _ isSame: (JSON, JSON) -> Bool
    ) -> [JSON] {
        guard !self.order.isEmpty else { return elements }
        var result = self.order.compactMap { wanted in elements.first { isSame($0, wanted) } }
        for element in elements where !self.order.contains(where: { isSame(element, $0) }) {
            let place = live.firstIndex { isSame($0, element) } ?? live.count
            let before = live[..<place].last { former in result.contains { isSame($0, former) } }
            let index = before.flatMap { former in result.firstIndex { isSame($0, former) } }
            result.insert(element, at: index.map { $0 + 1 } ?? 0)
        }
        return result
    }
}
