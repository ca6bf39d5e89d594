// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// A set of fields of an object, as `fieldsV1` of `metadata.managedFields` writes it.
///
/// A step of a path is written as there: `f:` and a field's name, `k:` and the keys of a list's
/// element as JSON, `v:` and the value of an element as JSON.
struct FieldTree: Hashable, Sendable {
    /// Whether the path that ends here is in the set.
    var isMember = false
    /// The paths that go on.
    var children: TextMap<FieldTree> = [:]

    static let leaf = FieldTree(isMember: true)

    init(isMember: Bool = false, children: TextMap<FieldTree> = [:]) {
        self.isMember = isMember
        self.children = children
    }

    var isEmpty: Bool { !self.isMember && self.children.isEmpty }

    // MARK: JSON

    /// Reads `fieldsV1`.
    init(json: JSON) {
        let fields = json.object ?? [:]
        self.isMember = fields.isEmpty || fields["."] != nil
        for (step, child) in fields where step != "." {
            self.children[step] = FieldTree(json: child)
        }
    }

    /// As it is written.
    var json: JSON {
        var fields = self.children.mapValues(\.json)
        if self.isMember, !fields.isEmpty { fields["."] = [:] }
        return .object(fields)
    }

    // MARK: Sets

    func union(_ other: FieldTree) -> FieldTree {
        FieldTree(
            isMember: self.isMember || other.isMember,
            children: self.children.merging(other.children) { $0.union($1) }
        )
    }

    func subtracting(_ other: FieldTree) -> FieldTree {
        var result = FieldTree(isMember: self.isMember && !other.isMember)
        for (step, child) in self.children {
            let rest = other.children[step].map(child.subtracting) ?? child
            if !rest.isEmpty { result.children[step] = rest }
        }
        return result
    }

    func intersection(_ other: FieldTree) -> FieldTree {
        var result = FieldTree(isMember: self.isMember && other.isMember)
        for (step, child) in self.children {
            guard let both = other.children[step].map(child.intersection), !both.isEmpty else {
                continue
            }
            result.children[step] = both
        }
        return result
    }

    /// Without the paths through these fields of the object itself.
    func dropping(_ paths: [[String]]) -> FieldTree {
        var result = self
        for path in paths { result.drop(path[...]) }
        return result
    }

    private mutating func drop(_ path: ArraySlice<String>) {
        guard let first = path.first, var child = self.children["f:\(first)"] else { return }
        if path.count == 1 {
            self.children["f:\(first)"] = nil
            return
        }
        child.drop(path.dropFirst())
        // What held nothing but the dropped field is not a field of its own.
        self.children["f:\(first)"] = child.isEmpty ? nil : child
    }

    /// Only the paths through one field of the object itself.
    func only(_ field: String) -> FieldTree {
        FieldTree(children: self.children.filter { $0.key == "f:\(field)" })
    }

    /// Every path, as messages name it: `.spec.containers[name="a"].image`.
    var paths: [String] {
        let own = self.isMember ? [""] : []
        return own
            + self.children.sortedByKey
            .flatMap { step, child in child.paths.map { Self.shown(step) + $0 } }
    }

    private static func shown(_ step: String) -> String {
        let text = String(step.dropFirst(2))
        guard step.hasPrefix("k:") else { return step.hasPrefix("v:") ? "[=\(text)]" : ".\(text)" }
        let keys = (try? JSON(parsing: text))?.object ?? [:]
        let parts = keys.sortedByKey.map { "\($0.key)=\($0.value.compact)" }
        return "[\(parts.joined(separator: ","))]"
    }
}

// MARK: Of values

extension FieldTree {
    /// Every field that a value sets.
    init(of value: JSON, _ shape: MergeShape) {
        self.init()
        switch value {
        case .object(let fields) where !fields.isEmpty && !shape.isAtomic:
            for (key, field) in fields {
                self.children["f:\(key)"] = FieldTree(of: field, shape.field(key))
            }
        case .array(let elements) where !elements.isEmpty && shape.list != .atomic:
            for element in elements {
                let step = shape.step(of: element)
                guard shape.list != .set else {
                    self.children[step] = .leaf
                    continue
                }
                var child = FieldTree(of: element, shape.element)
                child.isMember = true
                self.children[step] = child
            }
        case .null, .bool, .number, .string, .array, .object: self.isMember = true
        }
    }

    /// What differs between two states of a value.
    struct Difference {
        /// Fields that are new or have another value.
        var changed = FieldTree()
        /// Fields that are there no more.
        var removed = FieldTree()
    }

    static func difference(from old: JSON, to new: JSON, _ shape: MergeShape) -> Difference {
        guard old != new else { return Difference() }
        var result = Difference()
        let before = shape.parts(of: old)
        let after = shape.parts(of: new)
        guard let before, let after else {
            result.changed = FieldTree(of: new, shape)
            if before != nil { result.removed = FieldTree(of: old, shape) }
            return result
        }
        for (step, value) in after {
            guard let former = before[step] else {
                var added = FieldTree(of: value, shape.shape(at: step))
                if step.hasPrefix("k:") { added.isMember = true }
                result.changed.children[step] = added
                continue
            }
            let inner = Self.difference(from: former, to: value, shape.shape(at: step))
            if !inner.changed.isEmpty { result.changed.children[step] = inner.changed }
            if !inner.removed.isEmpty { result.removed.children[step] = inner.removed }
        }
        for (step, value) in before where after[step] == nil {
            var gone = FieldTree(of: value, shape.shape(at: step))
            if step.hasPrefix("k:") { gone.isMember = true }
            result.removed.children[step] = gone
        }
        return result
    }
}

extension MergeShape {
    /// How a path goes into an element of a list.
    func step(of element: JSON) -> String {
        switch self.list {
        case .atomic, .set: return "v:\(element.compact)"
        case .map(let keys):
            var fields: JSONFields = [:]
            for key in keys { fields[key] = element[key] ?? self.keyDefaults[key].map(JSON.string) }
            return "k:\(JSON.object(fields).compact)"
        }
    }

    /// The parts that are owned one by one; nil where the value is owned whole.
    func parts(of value: JSON) -> JSONFields? {
        switch value {
        case .object(let fields) where !self.isAtomic:
            return JSONFields(fields.map { ("f:\($0.key)", $0.value) }) { _, last in last }
        case .array(let elements) where self.list != .atomic:
            return JSONFields(elements.map { (self.step(of: $0), $0) }) { _, last in last }
        case .null, .bool, .number, .string, .array, .object: return nil
        }
    }

    /// The shape behind a step.
    func shape(at step: String) -> MergeShape {
        step.hasPrefix("f:") ? self.field(String(step.dropFirst(2))) : self.element
    }
}
