// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// Time and randomness, as they come into the store.
public struct StoreEnvironment: Sendable {
    /// The time of day; times in objects have seconds.
    public var now: @Sendable () -> Date
    /// 64 random bits; names and identities are made of them.
    public var random: @Sendable () -> UInt64

    /// An environment of two functions that may be called from any thread.
    public init(
        now: @escaping @Sendable () -> Date,
        random: @escaping @Sendable () -> UInt64
    ) {
        self.now = now
        self.random = random
    }

    /// The machine's clock and the system's random numbers.
    public static let system = Self(
        now: { Date() },
        random: {
            var generator = SystemRandomNumberGenerator()
            return generator.next()
        }
    )

    /// The time as objects carry it: RFC 3339 in UTC, in seconds.
    var timestamp: String { Self.timestamp(self.now()) }

    static func timestamp(_ date: Date) -> String { date.formatted(.iso8601) }

    /// A time that an object carries; nil where it is none.
    static func date(_ timestamp: String) -> Date? {
        (try? Date(timestamp, strategy: .iso8601))
            ?? (try? Date(
                timestamp,
                strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)
            ))
    }

    /// A random identity of RFC 9562, version 4.
    func uid() -> String {
        var bytes: [UInt8] = []
        for word in [self.random(), self.random()] {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        var text = ""
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            let digits = String(byte, radix: 16)
            text += digits.count == 1 ? "0" + digits : digits
        }
        return text
    }

    /// The end of a generated name: letters and digits that spell no words.
    func nameSuffix() -> String {
        let letters = Array("bcdfghjklmnpqrstvwxz2456789")
        var word = self.random()
        var suffix = ""
        for _ in 0..<5 {
            suffix.append(letters[Int(word % UInt64(letters.count))])
            word /= UInt64(letters.count)
        }
        return suffix
    }
}
