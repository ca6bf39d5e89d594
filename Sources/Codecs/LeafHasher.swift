// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import CDigest

/// Computes the ph128 digests of leaves under one lineage key (docs/decisions/0002).
///
/// Made once per transfer and shared by its data threads: the expanded keys never change. Digests
/// are secret; only what was sent because of them may be seen outside of the two agents.
public final class LeafHasher: Sendable {
    /// How carry-less products are computed; all give the same digests.
    package enum Variant: UInt32, Hashable, Sendable, CaseIterable {
        /// Integer multiplication only.
        case portable = 0
        /// One product to an instruction, on x86.
        case pclmul = 1
        /// Two products to an instruction, on x86.
        case vpclmul = 2
        /// The cryptography extension of Armv8.
        case pmull = 3

        /// Whether this processor can compute it.
        package var isSupported: Bool {
            godwit_ph128_is_supported(godwit_ph128_variant(self.rawValue))
        }
    }

    // The pointee is written before init returns and freed in deinit, and only read between.
    private nonisolated(unsafe) let keys: OpaquePointer

    /// Expands the key, with the fastest variant of this processor.
    public init(key: LineageKey) {
        self.keys = Self.expand(key, godwit_ph128_best())
    }

    /// Expands the key, with one variant, which must be supported: for tests and measurements.
    package init(key: LineageKey, variant: Variant) {
        precondition(variant.isSupported, "this processor has no \(variant)")
        self.keys = Self.expand(key, godwit_ph128_variant(variant.rawValue))
    }

    deinit { godwit_ph128_destroy(self.keys) }

    private static func expand(
        _ key: LineageKey,
        _ variant: godwit_ph128_variant
    ) -> OpaquePointer {
        let keys = key.bytes.withUnsafeBufferPointer {
            godwit_ph128_create($0.baseAddress, variant)
        }
        guard let keys else { preconditionFailure("no memory for the keys of a lineage") }
        return keys
    }

    /// What the 4096 bytes at `offset` give to the digest of their leaf, in slot 0 to 15.
    ///
    /// Zero for a granule of zeros. Old share `^` new share takes a leaf digest over a change.
    public func share(
        ofGranule slot: Int,
        in buffer: borrowing ChunkBuffer,
        at offset: Int
    ) -> LeafDigest {
        precondition(
            0 <= slot && slot < Geometry.granulesPerLeaf,
            "a leaf has no slot \(slot)"
        )
        return buffer.withUnsafeBytes(offset..<offset + Geometry.granule.bytes) { bytes in
            LeafDigest(godwit_ph128_share(self.keys, slot, bytes.baseAddress))
        }
    }

    /// The digest of a leaf: 1 to 16 whole granules, the missing ones counted as zeros.
    public func digest(
        ofLeafIn buffer: borrowing ChunkBuffer,
        _ range: Range<Int>
    ) -> LeafDigest {
        let granules = Self.granules(in: range)
        return buffer.withUnsafeBytes(range) { bytes in
            LeafDigest(godwit_ph128_leaf(self.keys, bytes.baseAddress, granules))
        }
    }

    /// The shares of the 16 granules of a leaf; the missing ones have the share of zeros.
    public func shares(
        ofLeafIn buffer: borrowing ChunkBuffer,
        _ range: Range<Int>
    ) -> [LeafDigest] {
        let granules = Self.granules(in: range)
        return (0..<Geometry.granulesPerLeaf)
            .map { slot in
                guard slot < granules else { return .zero }
                let offset = range.lowerBound + slot * Geometry.granule.bytes
                return self.share(ofGranule: slot, in: buffer, at: offset)
            }
    }

    private static func granules(in range: Range<Int>) -> Int {
        let granule = Geometry.granule.bytes
        precondition(
            !range.isEmpty && range.count <= Geometry.leaf.bytes
                && range.count.isMultiple(of: granule),
            "a leaf is 1 to 16 granules, not \(range.count) bytes"
        )
        return range.count / granule
    }
}

extension LeafDigest {
    fileprivate init(_ digest: godwit_digest) {
        self.init(low: digest.low, high: digest.high)
    }
}
