// SPDX-License-Identifier: Apache-2.0

/// The version of the protocol that a side speaks.
///
/// Majors do not work together. Minors of one major do: both sides use the smaller one.
public struct WireVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Changes when an old peer could misread a frame.
    public let major: UInt16

    /// Changes when frames, codes or features are added.
    public let minor: UInt16

    /// The version with these two numbers.
    public init(major: UInt16, minor: UInt16) {
        self.major = major
        self.minor = minor
    }

    /// The version that `text` says, such as `1.0`; nil where it says none.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = UInt16(parts[0]), let minor = UInt16(parts[1]) else {
            return nil
        }
        self.init(major: major, minor: minor)
    }

    /// What this code speaks: 1.0.
    public static let current = Self(major: 1, minor: 0)

    /// Both numbers, with a point between them.
    public var description: String { "\(self.major).\(self.minor)" }

    /// Orders by major, then minor.
    public static func < (left: Self, right: Self) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}
