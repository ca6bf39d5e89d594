// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Testing

/// Roots that another implementation (Python's hashlib, from the text of the format) computed.
@Suite struct DigestVectorTests {
    @Test(
        arguments: [
            (0, [], "495e7ccdcdef04c897ecd0f500890554cd2904ff72be60d5eb20c6e2b8f5981c"),
            (65_536, [0], "71c22b61f3d431b9b42789c423f6e83741994e5e3cecf62b1a4ed053a39f2bd3"),
            (
                1 << 30, [0, 255, 256, 16_383],
                "4ffcee9b6c248c7ed52baf1d7231dffa6932d69a8144c699d415d5d2dfd08c36"
            ),
            (
                16 << 40, [1, 40_000, 268_435_455],
                "66578e434e1d10bf8fd9a37bf84a0b9b50c85f642f296bb13953188ebcef7198"
            ),
        ] as [(Int, [Int], String)]
    )
    func theRootIsTheOneOfTheVector(size: Int, leaves: [Int], root: String) {
        var tree = Fixture.tree(size: ByteCount(size))
        for leaf in leaves {
            tree.set(
                LeafIndex(leaf),
                LeafDigest(low: UInt64(leaf) + 1, high: 0x8000_0000_0000_0000 | UInt64(leaf))
            )
        }
        #expect(tree.root().description == root)
    }
}
