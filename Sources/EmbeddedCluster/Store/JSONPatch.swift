// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// Why a JSON patch cannot be applied.
struct JSONPatchError: Error, Hashable {
    let reason: String
}

extension JSON {
    /// This value after the operations of a JSON patch (RFC 6902), one after the other.
    func patched(with operations: JSON) throws(JSONPatchError) -> JSON {
        guard let operations = operations.array else {
            throw JSONPatchError(reason: "a JSON patch is a list of operations")
        }
        var value = self
        for operation in operations { try value.apply(operation) }
        return value
    }

    private mutating func apply(_ operation: JSON) throws(JSONPatchError) {
        let path = try Self.pointer(operation["path"]?.string)
        switch operation["op"]?.string {
        case "add": try self.add(try Self.value(operation), at: path[...])
        case "remove": _ = try self.remove(at: path[...])
        case "replace":
            let value = try Self.value(operation)
            if path.isEmpty {
                self = value
            } else {
                _ = try self.remove(at: path[...])
                try self.add(value, at: path[...])
            }
        case "move":
            let value = try self.remove(at: try Self.pointer(operation["from"]?.string)[...])
            try self.add(value, at: path[...])
        case "copy":
            let value = try self.value(at: try Self.pointer(operation["from"]?.string))
            try self.add(value, at: path[...])
        case "test":
            let value = try Self.value(operation)
            guard try self.value(at: path) == value else {
                throw JSONPatchError(
                    reason: "testing value \(operation["path"]?.string ?? "") failed"
                )
            }
        case let name: throw JSONPatchError(reason: "unexpected kind: \(name ?? "none")")
        }
    }

    private static func value(_ operation: JSON) throws(JSONPatchError) -> JSON {
        guard let value = operation["value"] else {
            throw JSONPatchError(reason: "the operation has no value")
        }
        return value
    }

    /// The parts of a JSON pointer (RFC 6901).
    private static func pointer(_ text: String?) throws(JSONPatchError) -> [String] {
        guard let text, text.isEmpty || text.hasPrefix("/") else {
            throw JSONPatchError(reason: "\(text ?? "nothing") is no JSON pointer")
        }
        return text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
            .map { part in
                part.split(separator: "~1", omittingEmptySubsequences: false)
                    .map {
                        $0.split(separator: "~0", omittingEmptySubsequences: false)
                            .joined(separator: "~")
                    }
                    .joined(separator: "/")
            }
    }

    private static func missing(_ path: some Collection<String>) -> JSONPatchError {
        JSONPatchError(reason: "there is no value at /\(path.joined(separator: "/"))")
    }

    /// The place in a list that a part of a pointer names; the end is one more.
    private static func index(_ part: String, through last: Int) throws(JSONPatchError) -> Int {
        guard let index = Int(part), part.allSatisfy(\.isNumber), index <= last else {
            throw JSONPatchError(reason: "invalid index \(part)")
        }
        return index
    }

    private func value(at path: [String]) throws(JSONPatchError) -> JSON {
        var value = self
        for part in path {
            switch value {
            case .object(let fields):
                guard let next = fields[part] else { throw Self.missing(path) }
                value = next
            case .array(let elements):
                value = elements[try Self.index(part, through: elements.count - 1)]
            case .null, .bool, .number, .string: throw Self.missing(path)
            }
        }
        return value
    }

    private mutating func add(
        _ value: JSON,
        at path: ArraySlice<String>
    ) throws(JSONPatchError) {
        guard let part = path.first else {
            self = value
            return
        }
        switch self {
        case .object(var fields):
            if path.count == 1 {
                fields[part] = value
            } else {
                guard var child = fields[part] else { throw Self.missing(path) }
                try child.add(value, at: path.dropFirst())
                fields[part] = child
            }
            self = .object(fields)
        case .array(var elements):
            if path.count == 1 {
                let index =
                    part == "-"
                    ? elements.count : try Self.index(part, through: elements.count)
                elements.insert(value, at: index)
            } else {
                let index = try Self.index(part, through: elements.count - 1)
                try elements[index].add(value, at: path.dropFirst())
            }
            self = .array(elements)
        case .null, .bool, .number, .string: throw Self.missing(path)
        }
    }

    private mutating func remove(at path: ArraySlice<String>) throws(JSONPatchError) -> JSON {
        guard let part = path.first else {
            throw JSONPatchError(reason: "the whole value cannot be removed")
        }
        switch self {
        case .object(var fields):
            guard var child = fields[part] else { throw Self.missing(path) }
            let removed: JSON
            if path.count == 1 {
                removed = child
                fields[part] = nil
            } else {
                removed = try child.remove(at: path.dropFirst())
                fields[part] = child
            }
            self = .object(fields)
            return removed
        case .array(var elements):
            let index = try Self.index(part, through: elements.count - 1)
            let removed: JSON
            if path.count == 1 {
                removed = elements.remove(at: index)
            } else {
                removed = try elements[index].remove(at: path.dropFirst())
            }
            self = .array(elements)
            return removed
        case .null, .bool, .number, .string: throw Self.missing(path)
        }
    }
}
