// SPDX-License-Identifier: Apache-2.0

/// The name of a volume: what people type, and what Kubernetes would accept as an object's name.
///
/// Lower-case letters, digits, hyphens and dots; begins and ends with a letter or digit; at most
/// 253 bytes (DNS-1123 subdomain). A name is data, never a path: directories are named by id.
public struct VolumeName: Hashable, Sendable, CustomStringConvertible {
    /// The longest name.
    public static let maximumLength = 253

    /// The name.
    public let text: String

    /// A name; throws `invalid` with the rule that the text breaks.
    public init(_ text: String) throws(StoreError) {
        guard let complaint = Self.complaint(about: text) else {
            self.text = text
            return
        }
        throw StoreError(.invalid, "'\(text.prefix(64))' is not a volume name: \(complaint)")
    }

    /// The name.
    public var description: String { self.text }

    private static func complaint(about text: String) -> String? {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty else { return "it is empty" }
        guard bytes.count <= Self.maximumLength else {
            return "it has \(bytes.count) bytes, at most \(Self.maximumLength) are allowed"
        }
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."):
                break
            default:
                return "only lower-case letters, digits, '-' and '.' are allowed"
            }
        }
        for part in bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            guard let first = part.first, let last = part.last else {
                return "two dots in a row, or a dot at an end"
            }
            guard first != UInt8(ascii: "-"), last != UInt8(ascii: "-") else {
                return "each part between dots begins and ends with a letter or a digit"
            }
        }
        return nil
    }
}
