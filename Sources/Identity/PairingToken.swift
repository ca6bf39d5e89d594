// SPDX-License-Identifier: Apache-2.0

import BlockTypes

/// The secret that a person carries from the destination to the source: 64 random bytes.
///
/// Long enough that nobody guesses it, so that a proof under it may be shown to anybody. Never
/// logged: it has no description of itself.
public struct PairingToken: Sendable {
    /// The number of random bytes.
    public static let length = 64

    let bytes: [UInt8]

    /// A new token from a source of randomness that the caller owns.
    public static func random(using generator: inout some RandomNumberGenerator) -> Self {
        Self(bytes: RandomBytes.make(Self.length, using: &generator))
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// The token in 128 hexadecimal digits of either case; nil for any other text.
    public init?(_ text: some StringProtocol) {
        guard let bytes = Hexadecimal.bytes(of: text), bytes.count == Self.length else {
            return nil
        }
        self.bytes = bytes
    }

    /// The secret 128 hexadecimal digits, for the person and for the agent's file.
    public var text: String { Hexadecimal.text(of: self.bytes) }

    /// Whether both are the same; the time tells nothing about where they differ.
    public func matches(_ other: Self) -> Bool {
        var difference: UInt8 = 0
        for (left, right) in zip(self.bytes, other.bytes) { difference |= left ^ right }
        return difference == 0
    }
}

extension PairingToken: CustomStringConvertible, CustomDebugStringConvertible {
    /// Nothing of the token.
    public var description: String { "(secret token)" }
    /// Nothing of the token.
    public var debugDescription: String { self.description }
}

/// A number that is used once: each side's part against replayed proofs.
public struct PairingNonce: Hashable, Sendable {
    /// The number of random bytes.
    public static let length = 32

    /// The random bytes.
    public let bytes: [UInt8]

    /// A nonce of exactly 32 bytes; nil for any other number.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.length else { return nil }
        self.bytes = Array(bytes)
    }

    /// A new nonce from a source of randomness that the caller owns.
    public static func random(using generator: inout some RandomNumberGenerator) -> Self {
        guard let nonce = Self(RandomBytes.make(Self.length, using: &generator)) else {
            preconditionFailure("\(Self.length) bytes were asked for")
        }
        return nonce
    }
}

enum RandomBytes {
    static func make(_ count: Int, using generator: inout some RandomNumberGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
