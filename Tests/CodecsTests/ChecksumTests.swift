// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Testing

@Suite struct ChecksumTests {
    @Test(arguments: [
        ("", 0x2d06_8005_38d3_94c2),
        ("a", 0xe6c6_32b6_1e96_4e1f),
        ("abc", 0x78af_5f94_892f_3950),
    ])
    func xxh3HasItsPublishedAnswers(text: String, known: UInt64) {
        #expect(Checksum.xxh3(Array(text.utf8)) == known)
    }

    // From the scalar build of the reference header (XXH_VECTOR 0), one for each of its paths.
    @Test(arguments: [
        (8, 0xb88d_ee77_f6bf_6980), (16, 0x9da2_3836_adf2_be1e), (17, 0xf34c_3c9c_f5a1_12d1),
        (128, 0x65f3_c2c0_0fa9_3185), (129, 0x2806_5c6e_c25f_5b25),
        (240, 0x4917_a75c_0ef8_eed7), (241, 0x541b_1922_6f00_52e8),
        (1024, 0x3268_8e89_35d9_e293), (4096, 0x3b02_30e3_763a_7524),
        (65_536, 0x54ca_169b_3534_4cf0), (1_048_576, 0xb493_e4ca_ec41_2684),
    ])
    func xxh3OfTheDispatchedBuildEqualsTheScalarOne(count: Int, known: UInt64) {
        let bytes = pattern(count)
        #expect(Checksum.xxh3(bytes) == known)
        let buffered = Checksum.xxh3(buffer(of: bytes), 0..<count)
        #expect(buffered == known)
    }

    @Test func xxh3OfARangeSeesNothingAround() {
        let bytes = pattern(300)
        let whole = buffer(of: bytes)
        for offset in 0..<9 {
            let ranged = Checksum.xxh3(whole, offset..<offset + 256)
            #expect(ranged == Checksum.xxh3(Array(bytes[offset..<offset + 256])))
        }
        let empty = Checksum.xxh3(whole, 7..<7)
        #expect(empty == Checksum.xxh3([]))
    }

    // FIPS 180-4 examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func sha256HasItsPublishedAnswers(text: String, known: String) {
        #expect(Hexadecimal.text(of: Checksum.sha256(Array(text.utf8))) == known)
    }

    @Test func sha256OfAMillionLettersHasItsPublishedAnswer() {
        let digest = Checksum.sha256([UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000))
        #expect(
            Hexadecimal.text(of: digest)
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        )
    }

    /// A test case of RFC 4231: key, message, tag.
    struct MACCase: Sendable {
        let key: [UInt8]
        let message: [UInt8]
        let tag: String

        init(_ key: [UInt8], _ message: String, _ tag: String) {
            self.init(key, Array(message.utf8), tag)
        }

        init(_ key: [UInt8], _ message: [UInt8], _ tag: String) {
            self.key = key
            self.message = message
            self.tag = tag
        }
    }

    @Test(arguments: [
        MACCase(
            [UInt8](repeating: 0x0b, count: 20),
            "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        MACCase(
            Array("Jefe".utf8),
            "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        MACCase(
            [UInt8](repeating: 0xaa, count: 20),
            [UInt8](repeating: 0xdd, count: 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        MACCase(
            Array(1...25),
            [UInt8](repeating: 0xcd, count: 50),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
        ),
        MACCase(
            [UInt8](repeating: 0xaa, count: 131),
            "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        MACCase(
            [],
            "",
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"
        ),
    ])
    func hmacHasItsPublishedAnswers(known: MACCase) {
        let tag = Checksum.hmacSHA256(key: known.key, known.message)
        #expect(Hexadecimal.text(of: tag) == known.tag)
    }
}
