// SPDX-License-Identifier: Apache-2.0

/// Sixteen bytes that name something; compared as a whole, shown as 32 hexadecimal digits.
public protocol Identifier: Hashable, Sendable, CustomStringConvertible {
    /// The sixteen bytes as two big-endian halves.
    var halves: Halves { get }
    init(halves: Halves)
}

/// The two big-endian halves of an identifier.
public struct Halves: Hashable, Sendable {
    /// The upper 64 bits.
    public let high: UInt64
    /// The lower 64 bits.
    public let low: UInt64

    /// Takes the parts as they are.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

extension Identifier {
    /// An identifier from 16 bytes; nil for any other number of them.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for (index, byte) in bytes.enumerated() {
            if index < 8 { high = high << 8 | UInt64(byte) } else { low = low << 8 | UInt64(byte) }
        }
        self.init(halves: Halves(high: high, low: low))
    }

    /// An identifier from 32 hexadecimal digits of either case; nil for any other text.
    public init?(_ text: some StringProtocol) {
        guard let bytes = Hexadecimal.bytes(of: text) else { return nil }
        self.init(bytes: bytes)
    }

    /// A new identifier from a source of randomness that the caller owns.
    public static func random(using generator: inout some RandomNumberGenerator) -> Self {
        Self(halves: Halves(high: generator.next(), low: generator.next()))
    }

    /// The 16 bytes, most significant first.
    public var bytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: self.halves.high >> (56 - 8 * $0)) }
            + (0..<8).map { UInt8(truncatingIfNeeded: self.halves.low >> (56 - 8 * $0)) }
    }

    /// The text for messages and logs.
    public var description: String { Hexadecimal.text(of: self.bytes) }
}

/// Names one volume, on every agent that holds a copy of it.
public struct VolumeID: Identifier {
    /// The sixteen bytes.
    public let halves: Halves
    /// Takes the parts as they are.
    public init(halves: Halves) { self.halves = halves }
}

/// Names one unbroken history of generations of a volume.
public struct LineageID: Identifier {
    /// The sixteen bytes.
    public let halves: Halves
    /// Takes the parts as they are.
    public init(halves: Halves) { self.halves = halves }
}

/// Names one frozen view; two snapshots never share it, also where numbers are used again.
public struct SnapshotID: Identifier {
    /// The sixteen bytes.
    public let halves: Halves
    /// Takes the parts as they are.
    public init(halves: Halves) { self.halves = halves }
}

/// Names one transfer.
public struct TransferID: Identifier {
    /// The sixteen bytes.
    public let halves: Halves
    /// Takes the parts as they are.
    public init(halves: Halves) { self.halves = halves }
}

/// Names volumes that were frozen together, on every agent that has a part of them.
public struct GroupID: Identifier {
    /// The sixteen bytes.
    public let halves: Halves
    /// Takes the parts as they are.
    public init(halves: Halves) { self.halves = halves }
}

/// Names one installation of an agent: the trust domain of its certificates.
public struct ClusterID: Identifier {
    /// The sixteen bytes.
    public let halves: Halves
    /// Takes the parts as they are.
    public init(halves: Halves) { self.halves = halves }
}
