// SPDX-License-Identifier: Apache-2.0

import Yams

/// Why a text is no YAML that can be used, where, and what to do about it.
public struct YAMLError: Error, Hashable, CustomStringConvertible {
    /// What is wrong.
    public let reason: String
    /// Where, counted from 1.
    public let line: Int
    /// Characters from the line's begin, counted from 1.
    public let column: Int
    /// What to do.
    public let advice: String

    /// Place, reason and advice.
    public var description: String {
        "line \(self.line), column \(self.column): \(self.reason); \(self.advice)"
    }
}

/// One of the documents of a YAML text.
public struct YAMLDocument: Hashable, Sendable {
    /// What it holds.
    public let json: JSON
    /// Where its content begins in the text, counted from 1.
    public let line: Int
}

/// What one YAML text may hold: a few lines with aliases can stand for more than any memory holds.
public enum YAMLLimits {
    /// Bytes of a text; more than any API server takes as one request.
    public static let textBytes = 16 << 20
    /// Levels of a text with aliases, times its anchors and one: how deep a chain of aliases may reach.
    public static let aliasedLevels = 4000
    /// Values and keys after the aliases are replaced.
    public static let values = 1_000_000
    /// Bytes of texts, numbers and keys after the aliases are replaced.
    public static let contentBytes = 64 << 20
}

extension JSON {
    /// Reads a YAML text with exactly one document.
    ///
    /// Values that are not quoted are what the core schema of YAML 1.2 says: `no`, `on`, `22:13` and
    /// dates are texts, numbers keep their text. A number with a leading zero is octal, as `kubectl`
    /// reads it, because manifests write file modes so.
    ///
    /// - Throws: ``YAMLError`` with line and column for what is no YAML, what JSON cannot hold, keys
    ///   that come twice, and what is beyond ``YAMLLimits``.
    public init(yaml text: String) throws(YAMLError) {
        let documents = try JSON.documents(yaml: text)
        guard let first = documents.first else {
            throw YAMLError(
                reason: "the text holds nothing",
                line: 1,
                column: 1,
                advice: "write the object's fields"
            )
        }
        if documents.count > 1 {
            throw YAMLError(
                reason: "a second document begins",
                line: documents[1].line,
                column: 1,
                advice: "only one is taken here"
            )
        }
        self = first.json
    }

    /// Reads the documents of a YAML text; empty ones are left out.
    ///
    /// - Throws: as `init(yaml:)` does; then no document is returned, so that a file with an error
    ///   is not applied in part.
    public static func documents(yaml text: String) throws(YAMLError) -> [YAMLDocument] {
        guard text.utf8.count <= YAMLLimits.textBytes else {
            throw YAMLError(
                reason: "the text has more than \(YAMLLimits.textBytes >> 20) MiB",
                line: 1,
                column: 1,
                advice: "split it"
            )
        }
        // JSON is YAML but for escapes of surrogates, which the library does not know. It is faster, too.
        if text.first(where: { !$0.isWhitespace }) == "{", let json = try? JSON(parsing: text) {
            return [YAMLDocument(json: json, line: 1)]
        }
        try YAMLAliases.check(text)
        try YAMLMarks.refuse(in: text)
        var documents: [YAMLDocument] = []
        var reader = YAMLReader(YAMLMarks(text))
        for root in try YAMLReader.roots(of: text) {
            if case .scalar(let scalar) = root, scalar.string.isEmpty, scalar.style == .plain {
                continue
            }
            let json = try reader.json(of: root, depth: 0)
            documents.append(YAMLDocument(json: json, line: root.mark?.line ?? 1))
        }
        return documents
    }
}

/// Makes JSON of the nodes that the YAML library composes.
///
/// The library's own resolver is that of YAML 1.1 and is never asked.
struct YAMLReader {
    private let marks: YAMLMarks
    private var values = 0
    private var bytes = 0

    init(_ marks: YAMLMarks) { self.marks = marks }

    static func roots(of text: String) throws(YAMLError) -> [Node] {
        do {
            // The encoding is given: else the library asks the environment.
            let parser = try Yams.Parser(yaml: text, resolver: .basic, encoding: .utf8)
            var roots: [Node] = []
            while let root = try parser.nextRoot() { roots.append(root) }
            return roots
        } catch {
            throw YAMLError(error, text)
        }
    }

    mutating func json(of node: Node, depth: Int) throws(YAMLError) -> JSON {
        guard depth < JSON.depthLimit else {
            throw Self.error("more than \(JSON.depthLimit) levels", node, "nest less deeply")
        }
        try self.count(node, bytes: node.scalar?.string.utf8.count ?? 0)
        switch node {
        case .scalar(let scalar):
            return try self.value(of: scalar, node)
        case .sequence(let sequence):
            try Self.check(sequence.tag, is: .seq, node)
            var elements: [JSON] = []
            for element in sequence {
                elements.append(try self.json(of: element, depth: depth + 1))
            }
            return .array(elements)
        case .mapping(let mapping):
            try Self.check(mapping.tag, is: .map, node)
            return .object(try self.fields(of: mapping, depth: depth))
        case .alias:
            // The composer replaces them; an alias in itself is one that has no anchor yet.
            throw Self.error("an alias stands for nothing", node, "define its anchor before it")
        }
    }

    private mutating func count(_ node: Node, bytes: Int) throws(YAMLError) {
        self.values += 1
        self.bytes += bytes
        guard self.values <= YAMLLimits.values, self.bytes <= YAMLLimits.contentBytes else {
            throw Self.error(
                "the text stands for more than \(YAMLLimits.values) values or "
                    + "\(YAMLLimits.contentBytes >> 20) MiB",
                node,
                "split it, and use fewer aliases"
            )
        }
    }

    private mutating func fields(
        of mapping: Node.Mapping,
        depth: Int
    ) throws(YAMLError) -> JSONFields {
        var fields: JSONFields = [:]
        var merged: JSONFields = [:]
        for (key, value) in mapping {
            guard let scalar = key.scalar else {
                throw Self.error("a key is no text", key, "write a text before the ':'")
            }
            try self.count(key, bytes: scalar.string.utf8.count)
            if scalar.style == .plain, scalar.string == "<<" {
                try self.merge(value, into: &merged, depth: depth)
                continue
            }
            let name = self.marks.text(of: scalar)
            let json = try self.json(of: value, depth: depth + 1)
            guard fields.updateValue(json, forKey: name) == nil else {
                throw Self.twice(name, key.mark)
            }
        }
        return fields.merging(merged) { own, _ in own }
    }

    /// What a key `<<` brings: the fields of a mapping, or of several, the first of which wins.
    private mutating func merge(
        _ value: Node,
        into fields: inout JSONFields,
        depth: Int
    ) throws(YAMLError) {
        let json = try self.json(of: value, depth: depth + 1)
        for source in json.array ?? [json] {
            guard let object = source.object else {
                throw Self.error("'<<' merges a \(source.kind)", value, "it merges mappings only")
            }
            fields.merge(object) { own, _ in own }
        }
    }

    private static func check(_ tag: Tag, is name: Tag.Name, _ node: Node) throws(YAMLError) {
        guard ["", "!", name.rawValue].contains(tag.description) else {
            throw Self.unsupported(tag, node)
        }
    }

    private func value(of scalar: Node.Scalar, _ node: Node) throws(YAMLError) -> JSON {
        let tag = scalar.tag.description
        if tag.isEmpty, scalar.style == .plain {
            guard let value = YAMLCore.value(ofPlain: scalar.string) else {
                throw Self.error(
                    "\(scalar.string) is no number that an object can hold",
                    node,
                    "put it in quotes if a text is meant"
                )
            }
            return value
        }
        let string = JSON.string(self.marks.text(of: scalar))
        switch tag {
        case "", "!", Tag.Name.str.rawValue: return string
        case Tag.Name.null.rawValue, Tag.Name.bool.rawValue, Tag.Name.int.rawValue,
            Tag.Name.float.rawValue:
            guard let value = YAMLCore.value(ofPlain: scalar.string), value != string else {
                throw Self.error("\(scalar.string) is not what its tag says", node, "leave it out")
            }
            return value
        default: throw Self.unsupported(scalar.tag, node)
        }
    }

    private static func unsupported(_ tag: Tag, _ node: Node) -> YAMLError {
        Self.error("the tag \(tag.description) is not supported", node, "leave it out")
    }

    fileprivate static func twice(_ key: String, _ mark: Mark?) -> YAMLError {
        YAMLError(
            reason: "the key \"\(key)\" comes twice",
            line: mark?.line ?? 1,
            column: mark?.column ?? 1,
            advice: "keep one of them"
        )
    }

    private static func error(_ reason: String, _ node: Node, _ advice: String) -> YAMLError {
        YAMLError(
            reason: reason,
            line: node.mark?.line ?? 1,
            column: node.mark?.column ?? 1,
            advice: advice
        )
    }
}

// MARK: What the library says

extension YAMLError {
    fileprivate init(_ error: any Error, _ text: String) {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _)?, .parser(_, let problem, let mark, _)?,
            .composer(_, let problem, let mark, _)?:
            self.init(problem: problem, mark.line, mark.column, text)
        case .reader(let problem, let offset, _, _)?:
            let lines = YAMLMarks.lines(of: String(text.prefix(offset ?? 0)))
            self.init(problem: problem, lines.count, (lines.last?.count ?? 0) + 1, text)
        case .duplicatedKeysInMapping(let keys, let context)?:
            self = YAMLReader.twice(keys.first ?? "", context.mark)
        case .no?, .memory?, .writer?, .emitter?, .representer?, .dataCouldNotBeDecoded?, nil:
            self.init(problem: "the text cannot be read", 1, 1, text)
        }
    }

    private init(problem: String, _ line: Int, _ column: Int, _ text: String) {
        let lines = YAMLMarks.lines(of: text)
        let content = lines.indices.contains(line - 1) ? lines[line - 1] : ""
        self.init(
            reason: problem,
            line: line,
            column: column,
            advice: Self.advice(for: problem, content)
        )
    }

    private static func advice(for problem: String, _ line: Substring) -> String {
        if line.drop(while: { $0 == " " }).first == "\t" { return "indent with spaces, not tabs" }
        if problem.contains("mapping values are not allowed") {
            return "put a value that holds ': ' in quotes, and check the indentation"
        }
        if problem.contains("cannot start any token") {
            return "put the value in quotes"
        }
        if problem.contains("alias") {
            return "define the anchor before it, or put a text that begins with '*' in quotes"
        }
        if problem.contains("unexpected end of stream") { return "close the quotes" }
        if problem.contains("control characters") || problem.contains("UTF-8") {
            return "write the text as UTF-8, and such characters as escapes in double quotes"
        }
        return "check the indentation: what belongs together begins in the same column"
    }
}
