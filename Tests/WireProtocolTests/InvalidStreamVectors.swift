// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import WireProtocol

/// Frames of data connections, acknowledgements and commits that must not be understood.
extension InvalidVector {
    static func streams() throws -> [Self] {
        let join = ControlFrame.join(try Sample.join())
        let zero = ControlFrame.zero(ZeroExtent(Sample.extent(4096, 8192)))
        let beyond = UInt64(64 << 40)
        return [
            Self(
                "join-stream",
                WireBytes.changed(join, at: 48, to: [16]),
                field: "join.stream",
                value: 16
            ),
            Self(
                "data-offset",
                WireBytes.data(offset: 4095),
                field: "data.offset",
                value: 4095
            ),
            Self(
                "data-offset-beyond",
                WireBytes.data(offset: beyond),
                field: "data.offset",
                value: beyond
            ),
            Self("data-empty", WireBytes.data(length: 0), field: "data.rawLength", value: 0),
            Self(
                "data-bomb",
                WireBytes.data(length: 1_048_577, codec: 2),
                field: "data.rawLength",
                value: 1_048_577
            ),
            Self("data-codec", WireBytes.data(codec: 4), field: "data.codec", value: 4),
            Self(
                "data-reserved",
                WireBytes.data(reserved: [0, 0, 1]),
                .badReserved(field: "data 15", value: 1)
            ),
            Self(
                "zero-offset",
                WireBytes.changed(zero, at: 0, to: [1]),
                field: "zero.offset",
                value: 4097
            ),
            Self(
                "zero-empty",
                WireBytes.changed(zero, at: 8, to: WireBytes.number(UInt64(0))),
                field: "zero.length",
                value: 0
            ),
            Self(
                "zero-beyond",
                WireBytes.changed(zero, at: 8, to: WireBytes.number(beyond)),
                field: "zero.length",
                value: beyond
            ),
            Self(
                "zero-overflow",
                WireBytes.changed(zero, at: 8, to: WireBytes.number(UInt64.max)),
                field: "zero.length",
                value: .max
            ),
        ]
    }

    static func queries() throws -> [Self] {
        let leaves = ControlFrame.leafQuery(LeafQuery(first: LeafIndex(1), count: 2))
        let digests = ControlFrame.leafDigests(
            LeafDigests(first: LeafIndex(1), digests: [.zero, .zero])
        )
        let granules = ControlFrame.granuleQuery(GranuleQuery([LeafIndex(1), LeafIndex(2)]))
        let shares = ControlFrame.granuleDigests(
            GranuleDigests([
                GranuleShares(leaf: LeafIndex(1), shares: Array(repeating: .zero, count: 16))
            ])
        )
        let beyond = UInt64(1 << 30)
        return [
            Self(
                "leaf-query-first",
                WireBytes.changed(leaves, at: 0, to: WireBytes.number(beyond)),
                field: "leafQuery.first",
                value: beyond
            ),
            Self(
                "leaf-query-count",
                WireBytes.changed(leaves, at: 8, to: WireBytes.number(UInt32(4001))),
                field: "leafQuery.count",
                value: 4001
            ),
            Self(
                "leaf-query-none",
                WireBytes.changed(leaves, at: 8, to: WireBytes.number(UInt32(0))),
                field: "leafQuery.count",
                value: 0
            ),
            Self(
                "leaf-digests-count",
                WireBytes.changed(digests, at: 8, to: WireBytes.number(UInt32(3))),
                field: "leafDigests.count",
                value: 3
            ),
            Self(
                "granule-query-count",
                WireBytes.changed(granules, at: 0, to: [129, 0]),
                field: "granuleQuery.count",
                value: 129
            ),
            Self(
                "granule-query-order",
                WireBytes.changed(granules, at: 10, to: WireBytes.number(UInt64(1))),
                field: "granuleQuery.leaf",
                value: 1
            ),
            Self(
                "granule-digests-count",
                WireBytes.changed(shares, at: 0, to: [2, 0]),
                field: "granuleDigests.count",
                value: 2
            ),
        ]
    }

    static func progress() throws -> [Self] {
        let ack = ControlFrame.ack(Sample.ack(30, 20, 10, limit: 40))
        let most = WireBytes.number(UInt64.max)
        let commit = ControlFrame.commit(Commit(root: try Sample.root(1), totals: Sample.totals))
        return [
            Self(
                "ack-stream",
                WireBytes.changed(ack, at: 0, to: [16]),
                field: "ack.stream",
                value: 16
            ),
            Self(
                "ack-received",
                WireBytes.changed(ack, at: 1, to: most),
                field: "ack.received",
                value: .max
            ),
            Self(
                "ack-applied",
                WireBytes.changed(ack, at: 9, to: [31]),
                field: "ack.applied",
                value: 31
            ),
            Self(
                "ack-durable",
                WireBytes.changed(ack, at: 17, to: [21]),
                field: "ack.durable",
                value: 21
            ),
            Self(
                "ack-credit",
                WireBytes.changed(ack, at: 25, to: [29]),
                field: "ack.creditLimit",
                value: 29
            ),
            Self(
                "commit-totals",
                WireBytes.changed(commit, at: 32, to: most),
                field: "commit.dataFrames",
                value: .max
            ),
        ]
    }
}
