// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import WireProtocol

/// The files of `Vectors/v1`: hexadecimal bytes, and beside them what they mean.
enum VectorFiles {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Vectors/v1")

    /// Whether the files are to be written instead of compared.
    static let isWriting = ProcessInfo.processInfo.environment["GODWIT_WRITE_VECTORS"] == "1"

    /// Thirty-two bytes a line.
    static func hexadecimal(_ bytes: [UInt8]) -> String {
        stride(from: 0, to: bytes.count, by: 32)
            .map {
                Hexadecimal.text(of: bytes[$0..<min($0 + 32, bytes.count)]) + "\n"
            }
            .joined()
    }

    static func read(_ name: String) throws -> String {
        try String(contentsOf: self.directory.appending(path: name), encoding: .utf8)
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        let text = try self.read(name).filter { !$0.isWhitespace }
        guard let bytes = Hexadecimal.bytes(of: text) else { throw Sample.Missing() }
        return bytes
    }

    static func write(_ text: String, _ name: String) throws {
        let file = self.directory.appending(path: name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try text.write(to: file, atomically: true, encoding: .utf8)
    }

    /// The names of the files with this ending in a folder of `v1`, without the ending.
    static func names(in folder: String, ending: String) throws -> Set<String> {
        let files = try FileManager.default.contentsOfDirectory(
            atPath: self.directory.appending(path: folder).path
        )
        return Set(
            files.filter { $0.hasSuffix(ending) }.map { String($0.dropLast(ending.count)) }
        )
    }
}

/// What a frame means, as the JSON beside its bytes: field names as in `docs/wire-format.md`.
enum FrameDescription {
    static func json(_ frame: Assembled) -> String {
        let lines = self.list(frame).map { "  \"\($0)\": \"\($1)\"" }
        return "{\n" + lines.joined(separator: ",\n") + "\n}\n"
    }

    /// The same for comparing numbers: the names of enum cases and flags are left out.
    static func fields(_ frame: Assembled) -> [String: String] {
        var values: [String: String] = [:]
        for (name, text) in self.list(frame) {
            let number = text.firstMatch(of: /\(([0-9]+)\)$/).map { String($0.1) }
            values[name] = text == "true" ? "1" : text == "false" ? "0" : number ?? text
        }
        return values
    }

    private static func list(_ frame: Assembled) -> [(String, String)] {
        var fields: [(String, String)] = []
        switch frame {
        case .control(let control):
            fields.append(("type", control.type.name))
            self.flatten(control, "", into: &fields)
        case .data(let header, let payload):
            fields.append(("type", FrameType.data.name))
            self.flatten(header, "", into: &fields)
            fields.append(("payload", Hexadecimal.text(of: payload)))
        case .skipped(let type, let length):
            fields.append(("type", "0x" + String(type, radix: 16)))
            fields.append(("skippedBytes", "\(length)"))
        }
        return fields
    }

    private static func flatten(
        _ value: Any,
        _ path: String,
        into fields: inout [(String, String)]
    ) {
        if let text = self.text(value) {
            fields.append((path.isEmpty ? "value" : path, text))
            return
        }
        let mirror = Mirror(reflecting: value)
        for (index, child) in mirror.children.enumerated() {
            // The case of the enum and its single payload say nothing that the type does not.
            let isFrame = value is ControlFrame || mirror.displayStyle == .optional
            let label = isFrame ? "" : child.label ?? "\(index)"
            let next = path.isEmpty || label.isEmpty ? path + label : path + "." + label
            self.flatten(child.value, next, into: &fields)
        }
    }

    private static func text(_ value: Any) -> String? {
        switch value {
        case let value as any Identifier: value.description
        case let value as RootDigest: value.description
        case let value as LeafDigest: "\(value.low) \(value.high)"
        case let value as [UInt8]: Hexadecimal.text(of: value)
        case let value as ByteCount: "\(value.bytes)"
        case let value as ByteOffset: "\(value.bytes)"
        case let value as Extent: value.description
        case let value as GenerationNumber: "\(value.number)"
        case let value as StreamIndex: "\(value.index)"
        case let value as LeafIndex: "\(value.index)"
        case let value as LineageKey: Hexadecimal.text(of: value.bytes)
        case let value as JoinToken: Hexadecimal.text(of: value.bytes)
        case let value as ResumeTicket: Hexadecimal.text(of: value.bytes)
        case let value as FeatureName: value.text
        case let value as any OptionSet: "\(value.rawValue)"
        case let value as any FixedWidthInteger: "\(value)"
        case let value as Bool: "\(value)"
        case let value as String: value
        case let value as any RawRepresentable: "\(value) (\(value.rawValue))"
        default: nil
        }
    }
}
