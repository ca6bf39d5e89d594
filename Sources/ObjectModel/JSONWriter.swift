// SPDX-License-Identifier: Apache-2.0

/// Writes JSON (RFC 8259) with sorted keys.
struct JSONWriter {
    private let isPretty: Bool
    private var out: [UInt8] = []

    init(isPretty: Bool) { self.isPretty = isPretty }

    mutating func text(of value: JSON) -> String {
        String(decoding: self.bytes(of: value), as: UTF8.self)
    }

    mutating func bytes(of value: JSON) -> [UInt8] {
        self.write(value, depth: 0)
        return self.out
    }

    private mutating func write(_ value: JSON, depth: Int) {
        switch value {
        case .null: self.put("null")
        case .bool(let value): self.put(value ? "true" : "false")
        case .number(let number): self.put(number.text)
        case .string(let text): self.quote(text)
        case .array(let values):
            self.list(values, "[", "]", depth) { writer, value in
                writer.write(value, depth: depth + 1)
            }
        case .object(let fields):
            self.list(fields.sortedByKey, "{", "}", depth) { writer, field in
                writer.quote(field.key)
                writer.put(writer.isPretty ? ": " : ":")
                writer.write(field.value, depth: depth + 1)
            }
        }
    }

    private mutating func list<Element>(
        _ elements: [Element],
        _ open: String,
        _ close: String,
        _ depth: Int,
        _ write: (inout Self, Element) -> Void
    ) {
        self.put(open)
        for (index, element) in elements.enumerated() {
            if index > 0 { self.put(",") }
            self.line(depth + 1)
            write(&self, element)
        }
        if !elements.isEmpty { self.line(depth) }
        self.put(close)
    }

    private mutating func line(_ depth: Int) {
        guard self.isPretty else { return }
        self.put("\n")
        for _ in 0..<depth { self.put("  ") }
    }

    private mutating func put(_ text: String) { self.out.append(contentsOf: text.utf8) }

    /// Escapes what RFC 8259 §7 says must be, and what YAML 1.2 §5.1 does not call printable: API
    /// servers read server-side apply as YAML, and refuse those raw.
    private mutating func quote(_ text: String) {
        self.out.append(UInt8(ascii: "\""))
        guard text.utf8.allSatisfy({ $0 < 0x7f }) else {
            for scalar in text.unicodeScalars { self.quote(scalar) }
            self.out.append(UInt8(ascii: "\""))
            return
        }
        self.quote(ascii: text.utf8)
        self.out.append(UInt8(ascii: "\""))
    }

    private mutating func quote(_ scalar: Unicode.Scalar) {
        switch scalar.value {
        case 0..<0x7f: self.quote(ascii: CollectionOfOne(UInt8(scalar.value)))
        case 0x7f..<0xa0, 0xfeff, 0xfffe, 0xffff:
            let digits = String(scalar.value, radix: 16)
            self.put("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
        default: self.out.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
        }
    }

    private mutating func quote(ascii bytes: some Sequence<UInt8>) {
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""): self.put("\\\"")
            case UInt8(ascii: "\\"): self.put("\\\\")
            case 0x08: self.put("\\b")
            case 0x09: self.put("\\t")
            case 0x0a: self.put("\\n")
            case 0x0c: self.put("\\f")
            case 0x0d: self.put("\\r")
            case 0..<0x20:
                self.put("\\u00")
                self.put(byte < 0x10 ? "0" : "1")
                self.put(String(byte & 0xf, radix: 16))
            default: self.out.append(byte)
            }
        }
    }
}
