// SPDX-License-Identifier: Apache-2.0

/// Bytes as lower-case hexadecimal digits and back.
public enum Hexadecimal {
    private static let digits: [Character] = Array("0123456789abcdef")

    /// Two digits for each byte.
    public static func text(of bytes: some Sequence<UInt8>) -> String {
        var text = ""
        for byte in bytes {
            text.append(self.digits[Int(byte >> 4)])
            text.append(self.digits[Int(byte & 15)])
        }
        return text
    }

    /// The bytes of an even number of digits; nil where a character is no digit or one is missing.
    public static func bytes(of text: some StringProtocol) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count / 2)
        for index in stride(from: 0, to: characters.count, by: 2) {
            guard let high = self.value(of: characters[index]),
                let low = self.value(of: characters[index + 1])
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(of character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
