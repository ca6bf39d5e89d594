// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// Why a ResourceTransformation cannot be used.
public struct TransformationError: Error, Hashable, CustomStringConvertible {
    /// What is wrong with which path of which kind.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// The changes that a ResourceTransformation makes to objects on their way.
///
/// Unlike Stork's they are made to objects of every kind (docs/decisions/0013-transformations-reach-every-kind.md).
public struct ResourceTransformation: Hashable, Sendable {
    /// What is done at a path.
    enum Operation: String, Hashable, Sendable {
        case add
        case modify
        case delete
    }

    /// How a value's text is read.
    enum ValueType: String, Hashable, Sendable {
        case int
        case string
        case bool
        case slice
        case keypair
    }

    struct Change: Hashable, Sendable {
        let path: FieldPath
        let operation: Operation
        let type: ValueType
        let value: JSON
    }

    struct Rule: Hashable, Sendable {
        let kind: GroupVersionKind
        let selector: LabelSelector
        let changes: [Change]
    }

    /// Of the ResourceTransformation.
    public let name: String
    let rules: [Rule]

    /// The kinds that rules name, each once, in the order of the rules.
    var kinds: [GroupVersionKind] {
        self.rules.reduce(into: []) { kinds, rule in
            if !kinds.contains(rule.kind) { kinds.append(rule.kind) }
        }
    }

    /// Whether there is a rule for this kind; its group and version count.
    public func concerns(_ kind: GroupVersionKind) -> Bool {
        self.rules.contains { $0.kind == kind }
    }

    /// The object with the changes of all rules that fit it; nil where none does.
    ///
    /// - Throws: ``TransformationError`` where a path leads through a text or a number or past the
    ///   end of an array, and where the result would be another object.
    public func applied(
        to object: KubeObject
    ) throws(TransformationError) -> KubeObject? {
        let rules = self.rules.filter {
            $0.kind == object.groupVersionKind && $0.selector.matches(object.labels)
        }
        guard !rules.isEmpty else { return nil }
        var changed = object
        for rule in rules {
            for change in rule.changes { try change.apply(to: &changed) }
        }
        guard changed.key == object.key, changed.groupVersionKind == object.groupVersionKind else {
            throw TransformationError(
                "transformation \(self.name) may not change the name, the namespace or the kind of "
                    + "\(object.kind) \(object.key)"
            )
        }
        return changed
    }
}

// MARK: Changing

extension ResourceTransformation.Change {
    func apply(to object: inout KubeObject) throws(TransformationError) {
        let result: JSON? =
            switch self.operation {
            case .delete: nil
            case .add: self.value
            case .modify: Self.merged(self.path.value(in: object.json), self.value)
            }
        guard self.path.set(result, in: &object.json) else {
            throw TransformationError(
                "\(object.kind) \(object.key) has no place \(self.path)"
            )
        }
    }

    /// Pairs join an object, elements follow those of an array, anything else is replaced.
    private static func merged(_ current: JSON?, _ value: JSON) -> JSON {
        switch (current, value) {
        case (.object(let fields), .object(let added)):
            .object(fields.merging(added) { _, new in new })
        case (.array(let elements), .array(let added)): .array(elements + added)
        case (_, _): value
        }
    }
}

// MARK: Reading

extension ResourceTransformation {
    /// Reads a ResourceTransformation object.
    ///
    /// - Throws: ``TransformationError`` that names the first rule or path that cannot be read.
    public init(_ object: KubeObject) throws(TransformationError) {
        var rules: [Rule] = []
        for rule in object["specs", "transformSpecs"]?.array ?? [] {
            rules.append(try Self.rule(rule))
        }
        self.name = object.name
        self.rules = rules
    }

    private static func rule(_ json: JSON) throws(TransformationError) -> Rule {
        let resource = json["resource"]?.string ?? ""
        let parts = resource.split(separator: "/", omittingEmptySubsequences: false)
            .map(String.init)
        guard parts.count == 3, !parts[1].isEmpty, !parts[2].isEmpty else {
            throw TransformationError("invalid resource kind :\(resource)")
        }
        var changes: [Change] = []
        for path in json["paths"]?.array ?? [] {
            changes.append(try Self.change(path, resource))
        }
        return Rule(
            kind: GroupVersionKind(parts[0], parts[1], parts[2]),
            selector: LabelSelector(labels: json["selectors"]?.strings ?? [:]),
            changes: changes
        )
    }

    private static func change(
        _ json: JSON,
        _ resource: String
    ) throws(TransformationError) -> Change {
        let text = json["path"]?.string ?? ""
        guard let path = FieldPath(text) else {
            throw TransformationError("invalid path \"\(text)\" for resource \(resource)")
        }
        let word = json["operation"]?.string ?? ""
        if word == "jsonpatch" {
            throw TransformationError(
                "json patch for resources is not supported, resource: \(resource), path: \(text)"
            )
        }
        guard let operation = Operation(rawValue: word) else {
            throw TransformationError(
                "unsupported resource patch operation given for kind \(resource), path: \(text), "
                    + "operation: \"\(word)\" (add, modify or delete)"
            )
        }
        // Nothing is written where something is removed: neither type nor value matters.
        if operation == .delete {
            return Change(path: path, operation: operation, type: .string, value: .null)
        }
        let typeWord = json["type"]?.string ?? ""
        guard let type = ValueType(rawValue: typeWord) else {
            throw TransformationError(
                "unsupported type for resource \(resource), path: \(text), type: \"\(typeWord)\" "
                    + "(int, string, bool, slice or keypair)"
            )
        }
        let value = json["value"]?.string ?? ""
        guard let read = type.read(value) else {
            throw TransformationError(
                "invalid value \"\(value)\" for resource \(resource), path: \(text), "
                    + "type: \(typeWord)"
            )
        }
        return Change(path: path, operation: operation, type: type, value: read)
    }
}

extension ResourceTransformation.ValueType {
    /// The value of a text; nil where it is none of this type.
    func read(_ text: String) -> JSON? {
        switch self {
        case .string: return .string(text)
        case .bool: return Bool(text).map(JSON.bool)
        case .int:
            let isInteger = text.allSatisfy { $0.isASCII && ($0.isNumber || $0 == "-") }
            return isInteger ? JSONNumber(text: text).map(JSON.number) : nil
        case .slice: return JSON(text.split(separator: ",").map(String.init))
        case .keypair:
            var pairs: [String: String] = [:]
            for pair in text.split(separator: ",") {
                // Only the first colon parts them: values may be addresses with ports.
                guard let colon = pair.firstIndex(of: ":"), colon > pair.startIndex else {
                    return nil
                }
                pairs[String(pair[..<colon])] = String(pair[pair.index(after: colon)...])
            }
            return pairs.isEmpty ? nil : JSON(pairs)
        }
    }
}
