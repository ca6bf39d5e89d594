// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs

/// The byte strings that are hashed for nodes and roots.
///
/// ```
/// node = zeros                                                    for a page of zeros
///        SHA-256(01 ‖ algorithm ‖ level ‖ index u64 ‖ key ‖ page)  else
/// root = HMAC-SHA-256(key, "godwit root v1" ‖ algorithm ‖ granule u32 ‖ leaf u32 ‖ size u64 ‖
///                          volume ‖ lineage ‖ top node)
/// ```
/// All numbers little-endian. Level and index are part of a node, so that a page cannot stand in
/// another place; the key is part of it, so that nodes tell nothing to who does not have it. The
/// root has a prefix and a construction of its own: no node can be taken for a root.
struct DigestFormat {
    let key: LineageKey
    let algorithm: DigestAlgorithm

    func node(level: Int, index: Int, page: DigestPage) -> [UInt8] {
        if page.isZero { return [UInt8](repeating: 0, count: 32) }
        var message: [UInt8] = []
        message.reserveCapacity(43 + DigestPage.size.bytes)
        message.append(0x01)
        message.append(self.algorithm.rawValue)
        message.append(UInt8(level))
        message.append(littleEndian: UInt64(index))
        message += self.key.bytes
        message += page.bytes
        return Checksum.sha256(message)
    }

    func root(
        top: [UInt8],
        size: ByteCount,
        volume: VolumeID,
        lineage: LineageID
    ) -> RootDigest {
        var message = Array("godwit root v1".utf8)
        message.append(self.algorithm.rawValue)
        message.append(littleEndian: UInt32(Geometry.granule.bytes))
        message.append(littleEndian: UInt32(Geometry.leaf.bytes))
        message.append(littleEndian: UInt64(size.bytes))
        message += volume.bytes
        message += lineage.bytes
        message += top
        guard let root = RootDigest(Checksum.hmacSHA256(key: self.key.bytes, message)) else {
            preconditionFailure("HMAC-SHA-256 has 32 bytes")
        }
        return root
    }
}

extension [UInt8] {
    fileprivate mutating func append(littleEndian number: some FixedWidthInteger) {
        for shift in stride(from: 0, to: number.bitWidth, by: 8) {
            self.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}
