// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import CDigest
import CXXHash

/// Checksums and hashes of bytes as they are: without a secret, or with one that the caller holds.
public enum Checksum {
    /// XXH3-64 of a range, the checksum of chunks and frames: guards against faults, not attackers.
    public static func xxh3(_ buffer: borrowing ChunkBuffer, _ range: Range<Int>) -> UInt64 {
        buffer.withUnsafeBytes(range) { bytes in
            godwit_xxh3_64(bytes.baseAddress, bytes.count)
        }
    }

    /// XXH3-64 of an array.
    public static func xxh3(_ bytes: [UInt8]) -> UInt64 {
        bytes.withUnsafeBytes { bytes in godwit_xxh3_64(bytes.baseAddress, bytes.count) }
    }

    /// SHA-256: 32 bytes.
    public static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        self.digest { digest in
            bytes.withUnsafeBytes { godwit_sha256($0.baseAddress, $0.count, digest) }
        }
    }

    /// HMAC-SHA-256 (RFC 2104): 32 bytes, under a key of any length.
    public static func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        self.digest { digest in
            key.withUnsafeBytes { key in
                message.withUnsafeBytes { message in
                    godwit_hmac_sha256(
                        key.baseAddress,
                        key.count,
                        message.baseAddress,
                        message.count,
                        digest
                    )
                }
            }
        }
    }

    private static func digest(_ compute: (UnsafeMutablePointer<UInt8>?) -> Bool) -> [UInt8] {
        let count = Int(GODWIT_SHA256_BYTES)
        return Array(unsafeUninitializedCapacity: count) { digest, initialized in
            digest.initialize(repeating: 0)
            let succeeded = compute(digest.baseAddress)
            // libcrypto fails here only without memory or with a broken installation; going on
            // with a made-up digest could claim what has not been proven (P2).
            precondition(succeeded, "libcrypto cannot compute SHA-256")
            initialized = count
        }
    }
}
