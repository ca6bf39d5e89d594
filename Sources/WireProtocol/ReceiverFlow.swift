// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs

/// Checks what a stream carries against its terms, and counts it.
///
/// Holds: what was charged is within the credit; raw and zero bytes together are within the
/// target, because each granule travels at most once in a session.
struct ReceiverFlow {
    let terms: StreamTerms
    private(set) var totals = StreamTotals()
    private(set) var credit: CreditWindow

    init(_ terms: StreamTerms) {
        self.terms = terms
        self.credit = CreditWindow(limit: terms.creditLimit)
    }

    mutating func extendCredit(to limit: ByteCount) { self.credit.extend(to: limit) }

    /// Takes a chunk; otherwise the report about it.
    mutating func take(_ header: DataHeader, wireLength: Int) -> ErrorReport? {
        guard self.terms.codecs.contains(header.codec) else {
            return self.violation("codec \(header.codec.rawValue) was not agreed", header.offset)
        }
        // A chunk that does not get smaller travels as it is, so that no payload is over the limit.
        let fits =
            switch header.codec {
            case .none: wireLength == header.rawLength
            case .lz4, .deflate, .zstd: wireLength > 0 && wireLength < header.rawLength
            }
        guard fits else {
            return self.violation(
                "a payload of \(wireLength) bytes for \(header.rawLength) with codec"
                    + " \(header.codec.rawValue)",
                header.offset
            )
        }
        return self.take(header.extent, .data)
    }

    /// Takes an extent; otherwise the report about it.
    mutating func take(_ extent: Extent, _ kind: ExtentKind) -> ErrorReport? {
        guard extent.isGranular(within: self.terms.size) else {
            return self.violation(
                "extent \(extent) does not fit a target of \(self.terms.size.bytes) bytes",
                extent.start
            )
        }
        let carried = self.totals.rawBytes + self.totals.zeroBytes
        guard extent.length <= self.terms.size - carried else {
            return self.violation("more bytes came than the target has", extent.start)
        }
        guard self.credit.reserve(CreditWindow.charge(for: extent, kind)) else {
            return self.violation(
                "extent \(extent) is over the credit of \(self.credit.limit.bytes) bytes",
                extent.start
            )
        }
        self.totals.count(extent, kind)
        return nil
    }

    /// Checks a question about consecutive leaves.
    func check(_ query: LeafQuery) -> ErrorReport? {
        guard self.terms.allowsQueries else { return self.violation("there is no base to ask") }
        guard query.leaves.upperBound <= self.terms.leafCount else {
            return self.violation(
                "leaves \(query.leaves) of \(self.terms.leafCount) were asked for",
                query.first.start
            )
        }
        return nil
    }

    /// Checks a question about the granules of some leaves, which are ascending.
    func check(_ query: GranuleQuery) -> ErrorReport? {
        guard self.terms.allowsQueries else { return self.violation("there is no base to ask") }
        if let last = query.leaves.last, last.index >= self.terms.leafCount {
            return self.violation(
                "leaf \(last.index) of \(self.terms.leafCount) was asked for",
                last.start
            )
        }
        return nil
    }

    /// Checks an end frame.
    func check(_ end: StreamTotals) -> ErrorReport? {
        guard end != self.totals else { return nil }
        return self.violation("the end counts \(end.text), and \(self.totals.text) came")
    }

    private func violation(_ text: String, _ offset: ByteOffset? = nil) -> ErrorReport {
        ErrorReport(
            code: .violation,
            offset: offset,
            text: "stream \(self.terms.stream.index): \(text)"
        )
    }
}

extension StreamTotals {
    /// The totals, for messages.
    var text: String {
        "\(self.dataFrames) chunks of \(self.rawBytes.bytes) bytes"
            + " and \(self.zeroFrames) zero records of \(self.zeroBytes.bytes) bytes"
    }
}
