// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// What one stream may still send: the limit is the receiver's, the sum is what was sent.
///
/// Both are charged bytes since the stream began: a data frame costs its length before compression,
/// a zero frame ``Limits/zeroCharge``. Queries, answers and control frames cost nothing. Counting
/// from the beginning makes a repeated or late acknowledgement harmless.
public struct CreditWindow: Hashable, Sendable {
    /// What was sent, in charged bytes.
    public private(set) var charged: ByteCount = .zero

    /// Up to where may be sent, in charged bytes.
    public private(set) var limit: ByteCount

    /// A window up to `limit`.
    public init(limit: ByteCount) { self.limit = limit }

    /// What an extent of this kind costs.
    public static func charge(for extent: Extent, _ kind: ExtentKind) -> ByteCount {
        switch kind {
        case .data: extent.length
        case .zero: Limits.zeroCharge
        }
    }

    /// Takes `charge` out of the window; false where it does not fit, and nothing is taken.
    public mutating func reserve(_ charge: ByteCount) -> Bool {
        let (sum, overflow) = self.charged.bytes.addingReportingOverflow(charge.bytes)
        guard !overflow, sum <= self.limit.bytes else { return false }
        self.charged = ByteCount(sum)
        return true
    }

    /// Moves the limit up; a lower one, which was overtaken by a higher one, is ignored.
    public mutating func extend(to limit: ByteCount) { self.limit = max(self.limit, limit) }
}
