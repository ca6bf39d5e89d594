// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// A place in an object, written with dots: `spec.template.spec.containers.0.image`.
///
/// A key that holds a dot is written with a backslash before it: `metadata.labels.example\.org/a`.
/// A number counts elements where the value is an array, and is a key elsewhere.
public struct FieldPath: Hashable, Sendable, CustomStringConvertible {
    /// From the outside to the inside; never empty.
    public let keys: [String]

    /// The path with this text; nil where a key is empty.
    public init?(_ text: String) {
        var keys = [""]
        var isEscaped = false
        for character in text {
            if isEscaped {
                keys[keys.count - 1].append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "." {
                keys.append("")
            } else {
                keys[keys.count - 1].append(character)
            }
        }
        guard !isEscaped, keys.allSatisfy({ !$0.isEmpty }) else { return nil }
        self.keys = keys
    }

    init(keys: [String]) {
        precondition(!keys.isEmpty, "a path has a key")
        self.keys = keys
    }

    /// As it is written.
    public var description: String {
        self.keys.map { $0.replacing("\\", with: "\\\\").replacing(".", with: "\\.") }
            .joined(separator: ".")
    }

    /// What is at this place; nil where there is nothing.
    public func value(in json: JSON) -> JSON? {
        var value = json
        for key in self.keys {
            switch value {
            case .object(let fields):
                guard let next = fields[key] else { return nil }
                value = next
            case .array(let elements):
                guard let index = Int(key), elements.indices.contains(index) else { return nil }
                value = elements[index]
            case .null, .bool, .number, .string: return nil
            }
        }
        return value
    }

    /// Puts a value at this place, or removes what is there.
    ///
    /// Objects on the way are made where there is nothing; what else is on the way is not replaced.
    ///
    /// - Parameters:
    ///   - value: nil removes.
    ///   - json: what is changed; untouched where the place cannot be.
    /// - Returns: whether there is such a place: false where an element is counted that is not there
    ///   (the one after the last may be set), or where a text or a number is on the way.
    @discardableResult
    public func set(_ value: JSON?, in json: inout JSON) -> Bool {
        guard let changed = Self.setting(value, at: self.keys[...], in: json) else { return false }
        json = changed
        return true
    }

    private static func setting(
        _ value: JSON?,
        at keys: ArraySlice<String>,
        in json: JSON
    ) -> JSON? {
        guard let key = keys.first else { return value }
        let rest = keys.dropFirst()
        switch json {
        case .array(var elements):
            guard let index = Int(key), (0...elements.count).contains(index) else { return nil }
            if rest.isEmpty {
                elements.replaceSubrange(
                    index..<min(index + 1, elements.count),
                    with: value.map { [$0] } ?? []
                )
                return .array(elements)
            }
            guard index < elements.count,
                let child = Self.setting(value, at: rest, in: elements[index])
            else { return nil }
            elements[index] = child
            return .array(elements)
        case .object(var fields):
            if rest.isEmpty {
                fields[key] = value
                return .object(fields)
            }
            if fields[key] == nil, value == nil { return json }
            let child = Self.setting(value, at: rest, in: fields[key] ?? .object([:]))
            guard let child else { return nil }
            fields[key] = child
            return .object(fields)
        case .null: return value == nil ? json : Self.setting(value, at: keys, in: .object([:]))
        case .bool, .number, .string: return nil
        }
    }
}
