// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Testing

@Suite struct IdentifierTests {
    static let text = "00112233445566778899aabbccddeeff"

    @Test func anIdentifierIsItsThirtyTwoDigits() throws {
        let volume = try #require(VolumeID(Self.text))
        #expect(volume.description == Self.text)
        #expect(volume.halves == Halves(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff))
        #expect(VolumeID(Self.text.uppercased()) == volume)
    }

    @Test func anIdentifierIsItsSixteenBytes() throws {
        let bytes = (0..<16).map { UInt8($0 * 17) }
        let snapshot = try #require(SnapshotID(bytes: bytes))
        #expect(snapshot.bytes == bytes)
        #expect(snapshot.description == Self.text)
    }

    @Test(arguments: [
        "", "0", String(repeating: "0", count: 30), String(repeating: "0", count: 33),
        String(repeating: "0", count: 34), "0x112233445566778899aabbccddeeff",
        "g0112233445566778899aabbccddeeff", "é0112233445566778899aabbccddeef",
    ])
    func anyOtherTextIsRefused(text: String) {
        #expect(LineageID(text) == nil)
    }

    @Test(arguments: [0, 15, 17, 32])
    func anyOtherNumberOfBytesIsRefused(count: Int) {
        #expect(TransferID(bytes: [UInt8](repeating: 1, count: count)) == nil)
    }

    @Test func randomIdentifiersComeFromTheCallersGenerator() {
        var first = CountingGenerator()
        var second = CountingGenerator()
        #expect(ClusterID.random(using: &first) == ClusterID.random(using: &second))
        #expect(ClusterID.random(using: &first) != ClusterID.random(using: &first))
    }
}

@Suite struct HexadecimalTests {
    @Test func everyByteHasTwoDigits() {
        let bytes = Array(UInt8.min...UInt8.max)
        let text = Hexadecimal.text(of: bytes)
        #expect(text.hasPrefix("000102"))
        #expect(text.hasSuffix("fdfeff"))
        #expect(Hexadecimal.bytes(of: text) == bytes)
        #expect(Hexadecimal.bytes(of: text.uppercased()) == bytes)
    }

    @Test func noBytesHaveNoDigits() {
        #expect(Hexadecimal.text(of: [UInt8]()).isEmpty)
        #expect(Hexadecimal.bytes(of: "") == [])
    }

    @Test(arguments: ["a", "abc", "0g", "/0", ":0", "@0", "`0", "G0", " 0", "0\u{0}", "éa"])
    func whatIsNoPairOfDigitsIsRefused(text: String) {
        #expect(Hexadecimal.bytes(of: text) == nil)
    }
}

@Suite struct LineageKeyTests {
    @Test(arguments: [0, 16, 31, 33, 64])
    func aKeyHasThirtyTwoBytes(count: Int) {
        #expect(LineageKey([UInt8](repeating: 1, count: count)) == nil)
    }

    @Test func aKeyNeverShowsItsBytes() throws {
        let key = try #require(LineageKey(UInt8(0)..<32))
        #expect(key.bytes == Array(0..<32))
        #expect("\(key)" == "(secret)")
        #expect(String(describing: Optional(key)).contains("secret"))
    }

    @Test func randomKeysDiffer() {
        var generator = CountingGenerator()
        #expect(LineageKey.random(using: &generator) != LineageKey.random(using: &generator))
    }
}

/// Gives 1, 2, 3, …: enough to see where bytes come from.
struct CountingGenerator: RandomNumberGenerator {
    private var count: UInt64 = 0

    mutating func next() -> UInt64 {
        self.count += 1
        return self.count
    }
}
