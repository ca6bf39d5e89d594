// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import VolumeStore

/// Whether leaves that a file system put at another address are taken for changed unseen.
///
/// Their old bytes are then neither read nor compared, which halves what a run of large writes
/// reads from the disk; a leaf of which only some granules are new would be sent whole. So it is
/// learned: the first incremental compares everything, the next ones trust if hardly anything was
/// equal, go on comparing one unit in sixteen, and stop trusting as soon as that finds more. What is
/// at stake is bytes on the wire, never what is true: digests are always of the bytes.
struct RewriteTrust: Sendable {
    /// One unit in so many is compared all the same.
    static let sampling = 16
    /// Less than this says nothing.
    private static let evidence = ByteCount.kibibytes(256)

    private var compared = ByteCount.zero
    private var equal = ByteCount.zero
    private var units = 0
    private(set) var isTrusting: Bool

    /// From what the last incremental of the pair found: trusted when at most 1/32 was equal.
    init(after runs: [RunRecord]) {
        let last = runs.first { $0.comparedBytes ?? 0 >= UInt64(Self.evidence.bytes) }
        self.isTrusting = last.map { $0.equalBytes ?? 0 <= ($0.comparedBytes ?? 0) / 32 } ?? false
    }

    /// Whether the next unit is taken for changed.
    mutating func takesNext() -> Bool {
        guard self.isTrusting else { return false }
        defer { self.units += 1 }
        return !self.units.isMultiple(of: Self.sampling)
    }

    /// Takes in what a comparison found; trust ends when more than 1/16 was equal.
    mutating func learn(compared: ByteCount, equal: ByteCount) {
        self.compared += compared
        self.equal += equal
        if self.compared >= Self.evidence, self.equal.bytes > self.compared.bytes / 16 {
            self.isTrusting = false
        }
    }
}
