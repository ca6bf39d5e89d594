// SPDX-License-Identifier: Apache-2.0

/// Comparison of secrets.
enum ConstantTime {
    /// Whether both hold the same bytes; the time depends on the lengths only.
    ///
    /// A comparison that stops at the first difference tells a peer how much of a guess is right.
    static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}
