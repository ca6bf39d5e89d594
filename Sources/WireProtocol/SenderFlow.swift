// SPDX-License-Identifier: Apache-2.0

import BlockTypes

/// Counts what a stream has sent.
///
/// Holds: what was charged is within the credit.
struct SenderFlow {
    private(set) var totals = StreamTotals()
    var credit: CreditWindow

    init(_ limit: ByteCount) { self.credit = CreditWindow(limit: limit) }

    mutating func reserve(_ extent: Extent, _ kind: ExtentKind) -> Bool {
        guard self.credit.reserve(CreditWindow.charge(for: extent, kind)) else { return false }
        self.totals.count(extent, kind)
        return true
    }
}

/// What a stream has asked and not been told yet.
enum SenderQuestion {
    case leaves(LeafQuery)
    case granules(GranuleQuery)

    func isAnswered(by answer: LeafDigests) -> Bool {
        switch self {
        case .leaves(let query):
            answer.first == query.first && answer.digests.count == query.count
        case .granules: false
        }
    }

    func isAnswered(by answer: GranuleDigests) -> Bool {
        switch self {
        case .granules(let query): answer.leaves.map(\.leaf) == query.leaves
        case .leaves: false
        }
    }
}
