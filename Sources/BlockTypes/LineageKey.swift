// SPDX-License-Identifier: Apache-2.0

/// The secret under which the digests of one lineage are made: 32 random bytes.
///
/// Known to the two agents only; crosses the wire inside TLS, in the offer. Never logged:
/// it has no description of its own bytes.
public struct LineageKey: Hashable, Sendable {
    /// The bytes, most significant first.
    public let bytes: [UInt8]

    /// A key of exactly 32 bytes; nil for any other number.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self.bytes = Array(bytes)
    }

    /// A new key from a source of randomness that the caller owns.
    public static func random(using generator: inout some RandomNumberGenerator) -> Self {
        var bytes: [UInt8] = []
        for _ in 0..<4 {
            let word: UInt64 = generator.next()
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        }
        guard let key = Self(bytes) else { preconditionFailure("four words are 32 bytes") }
        return key
    }
}

extension LineageKey: CustomStringConvertible {
    /// The text for messages and logs.
    public var description: String { "(secret)" }
}
