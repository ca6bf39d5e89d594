// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// Finds bytes that need not travel because they are all zero.
public enum ZeroTest {
    /// Whether every byte of the range is zero; so for an empty one.
    ///
    /// Stops at the first 256 bytes that hold something else, so data costs next to nothing.
    public static func isZero(_ buffer: borrowing ChunkBuffer, _ range: Range<Int>) -> Bool {
        buffer.withUnsafeBytes(range) { bytes in
            var offset = 0
            while offset + 256 <= bytes.count {
                let first = bytes.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
                let second = bytes.loadUnaligned(fromByteOffset: offset + 64, as: Lanes.self)
                let third = bytes.loadUnaligned(fromByteOffset: offset + 128, as: Lanes.self)
                let fourth = bytes.loadUnaligned(fromByteOffset: offset + 192, as: Lanes.self)
                guard first | second | third | fourth == Lanes.zero else { return false }
                offset += 256
            }
            while offset < bytes.count {
                guard bytes[offset] == 0 else { return false }
                offset += 1
            }
            return true
        }
    }

    /// Sixty-four bytes: the compiler makes one, two or four vector registers of it.
    private typealias Lanes = SIMD8<UInt64>
}
