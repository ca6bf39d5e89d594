// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel

/// Reads the bodies that kubectl 1.32 and later send for `create` and `auth`: protobuf.
///
/// Only those need it, and there is no other form to be had from them. A field that is not in
/// ``ProtobufFields`` refuses the whole body: nothing of an object is ever lost in silence.
///
/// Source: the protobuf encoding (wire types 0 and 2), and the envelope of Kubernetes: four bytes,
/// then a message with the type (1: apiVersion 1, kind 2) and the object's bytes (2).
struct ProtobufBody {
    static let type = "application/vnd.kubernetes.protobuf"
    private static let magic: [UInt8] = [0x6b, 0x38, 0x73, 0x00]
    /// Deeper than any object that is known here.
    private static let depthLimit = 32

    private var rest: ArraySlice<UInt8>
    private let depth: Int

    /// The object of a body.
    ///
    /// - Throws: `badRequest` for what is no protobuf, `unsupportedMediaType` for a kind or a field
    ///   that is not known here.
    static func value(of body: [UInt8]) throws(APIStatus) -> JSON {
        guard body.starts(with: Self.magic) else { throw Self.malformed }
        var envelope = Self(rest: body.dropFirst(Self.magic.count), depth: 0)
        var (apiVersion, kind): (String, String) = ("", "")
        var raw: ArraySlice<UInt8> = []
        while let (number, value) = try envelope.field() {
            switch (number, value) {
            case (1, .bytes(let bytes)):
                var type = Self(rest: bytes, depth: 0)
                while let (number, value) = try type.field() {
                    if number == 1 { apiVersion = try value.text() }
                    if number == 2 { kind = try value.text() }
                }
            case (2, .bytes(let bytes)): raw = bytes
            case (_, .bytes), (_, .number): continue
            }
        }
        guard ProtobufFields.kinds.contains(kind) else {
            throw Self.unknown("\(apiVersion), Kind=\(kind)")
        }
        var object = try Self(rest: raw, depth: 0).message(kind)
        object.set(.string(apiVersion), at: "apiVersion")
        object.set(.string(kind), at: "kind")
        return object
    }

    private static let malformed = APIStatus(
        .badRequest,
        "the body of the request cannot be read: it is not the protobuf of Kubernetes"
    )

    private static func unknown(_ what: String) -> APIStatus {
        APIStatus(
            .unsupportedMediaType,
            "\(what) cannot be read from protobuf here; send it as JSON or YAML: kubectl apply -f FILE"
        )
    }

    // MARK: The encoding

    /// What a field holds.
    private enum Value {
        case number(UInt64)
        case bytes(ArraySlice<UInt8>)

        func text() throws(APIStatus) -> String {
            guard case .bytes(let bytes) = self,
                let text = String(validating: bytes, as: UTF8.self)
            else { throw ProtobufBody.malformed }
            return text
        }

        func bytes() throws(APIStatus) -> ArraySlice<UInt8> {
            guard case .bytes(let bytes) = self else { throw ProtobufBody.malformed }
            return bytes
        }

        func number() throws(APIStatus) -> UInt64 {
            guard case .number(let number) = self else { throw ProtobufBody.malformed }
            return number
        }
    }

    /// The next field; nil at the end.
    private mutating func field() throws(APIStatus) -> (number: Int, value: Value)? {
        guard !self.rest.isEmpty else { return nil }
        let key = try self.varint()
        let number = Int(truncatingIfNeeded: key >> 3)
        switch key & 7 {
        case 0: return (number, .number(try self.varint()))
        case 2:
            let count = try self.varint()
            guard count <= UInt64(self.rest.count) else { throw Self.malformed }
            let bytes = self.rest.prefix(Int(count))
            self.rest = self.rest.dropFirst(Int(count))
            return (number, .bytes(bytes))
        default: throw Self.malformed
        }
    }

    /// Seven bits a byte, the lowest first, at most ten bytes.
    private mutating func varint() throws(APIStatus) -> UInt64 {
        var value: UInt64 = 0
        for place in 0..<10 {
            guard let byte = self.rest.popFirst() else { throw Self.malformed }
            value |= UInt64(byte & 0x7f) << UInt64(place * 7)
            if byte & 0x80 == 0 { return value }
        }
        throw Self.malformed
    }

    // MARK: Messages

    /// A message as JSON, without the zero values that stand for absent fields.
    private consuming func message(_ name: String) throws(APIStatus) -> JSON {
        guard self.depth < Self.depthLimit else { throw Self.malformed }
        var reader = self
        var fields: JSONFields = [:]
        while let (number, value) = try reader.field() {
            guard let field = ProtobufFields.messages[name]?[number] else {
                throw Self.unknown("field \(number) of \(name)")
            }
            let json = try reader.json(value, field.type)
            if field.isRepeated {
                fields[field.name] = .array((fields[field.name]?.array ?? []) + [json])
            } else if case .map = field.type {
                let former = fields[field.name]?.object ?? [:]
                let merged = former.merging(json.object ?? [:]) { _, new in new }
                fields[field.name] = .object(merged)
            } else if field.keepsZero || !Self.isZero(json) {
                fields[field.name] = json
            }
        }
        return .object(fields)
    }

    private static func isZero(_ json: JSON) -> Bool {
        json.isNull || json == "" || json == 0 || json == false || json.object?.isEmpty == true
    }

    private func json(_ value: Value, _ type: ProtobufFields.Kind) throws(APIStatus) -> JSON {
        switch type {
        case .text: return .string(try value.text())
        case .truth: return .bool(try value.number() != 0)
        case .integer: return JSON(Int(truncatingIfNeeded: try value.number()))
        case .bytes: return .string(Data(try value.bytes()).base64EncodedString())
        case .message(let name):
            let json = try Self(rest: try value.bytes(), depth: self.depth + 1).message(name)
            return Self.unwrapped(json, name)
        case .map(let element):
            var entry = Self(rest: try value.bytes(), depth: self.depth + 1)
            var (key, content): (String, JSON) = ("", "")
            while let (number, value) = try entry.field() {
                if number == 1 { key = try value.text() }
                if number == 2 { content = try entry.json(value, element) }
            }
            return .object([key: content])
        }
    }

    /// What JSON has as a plain value.
    private static func unwrapped(_ json: JSON, _ name: String) -> JSON {
        switch name {
        case "Quantity": return json["string"] ?? "0"
        case "IntOrString":
            return json["type"] == 1 ? json["strVal"] ?? "" : json["intVal"] ?? 0
        case "Time":
            guard let seconds = json["seconds"]?.int else { return .null }
            let date = Date(timeIntervalSince1970: TimeInterval(seconds))
            return .string(StoreEnvironment.timestamp(date))
        default: return json
        }
    }
}
