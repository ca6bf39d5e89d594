// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import TestSupport
import Testing

@testable import EmbeddedCluster

@Suite struct HTTPProtobufTests {
    private static let magic: [UInt8] = [0x6b, 0x38, 0x73, 0x00]

    /// A field of bytes; shorter than 128 of them.
    private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(bytes.count)] + bytes
    }

    private static func text(_ number: UInt8, _ text: String) -> [UInt8] {
        Self.field(number, Array(text.utf8))
    }

    private static func body(_ apiVersion: String, _ kind: String, _ object: [UInt8]) -> [UInt8] {
        Self.magic + Self.field(1, Self.text(1, apiVersion) + Self.text(2, kind))
            + Self.field(2, object)
    }

    @Test func aConfigMapIsReadWithoutTheEmptyFieldsOfItsEncoding() throws {
        let metadata = Self.text(1, "a") + Self.text(2, "") + Self.field(8, [])
        let data = Self.field(2, Self.text(1, "key") + Self.text(2, "value"))
        let more = Self.field(2, Self.text(1, "empty") + Self.text(2, ""))
        let body = Self.body("v1", "ConfigMap", Self.field(1, metadata) + data + more)
        #expect(
            try ProtobufBody.value(of: body) == [
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a"],
                "data": ["key": "value", "empty": ""],
            ]
        )
    }

    @Test func bytesAreInBase64AndZeroIsKeptWhereItMeansSomething() throws {
        let secret = Self.body(
            "v1",
            "Secret",
            Self.field(2, Self.text(1, "k") + Self.field(2, [0, 255])) + [5 << 3, 0]
        )
        let read = try ProtobufBody.value(of: secret)
        #expect(read["data"] == ["k": "AP8="])
        #expect(read["immutable"] == false)
        let deployment = Self.body("apps/v1", "Deployment", Self.field(2, [1 << 3, 0, 5 << 3, 0]))
        #expect(try ProtobufBody.value(of: deployment)["spec"] == ["replicas": 0])
    }

    @Test func aFieldOrKindThatIsNotKnownRefusesTheWholeBody() {
        let field = #expect(throws: APIStatus.self) {
            try ProtobufBody.value(of: Self.body("v1", "ConfigMap", Self.text(9, "x")))
        }
        #expect(field?.reason == .unsupportedMediaType)
        #expect(field?.message.hasPrefix("field 9 of ConfigMap") == true)
        let kind = #expect(throws: APIStatus.self) {
            try ProtobufBody.value(of: Self.body("v1", "Node", []))
        }
        #expect(kind?.message.hasPrefix("v1, Kind=Node cannot be read from protobuf") == true)
    }

    @Test func noBytesTrap() {
        let seed = TestSeed()
        var generator = seed.generator
        let good = Self.body(
            "v1",
            "ConfigMap",
            Self.field(1, Self.text(1, "name")) + Self.field(2, Self.text(1, "a"))
        )
        var refused = 0
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 4..<bytes.count, using: &generator)
                bytes[place] = UInt8.random(in: 0...255, using: &generator)
            }
            bytes.removeLast(Int.random(in: 0...3, using: &generator))
            do { _ = try ProtobufBody.value(of: bytes) } catch { refused += 1 }
        }
        #expect(refused > 1000, "\(seed)")
    }
}
