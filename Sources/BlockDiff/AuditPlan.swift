// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// Which unchanged leaves a run looks at to audit its change source (P9).
///
/// A sample, drawn evenly from the leaves that the source did not report. The reported extents
/// stream by and need not be kept: more places are drawn than are needed, and what the
/// source reports is dropped.
///
/// ```swift
/// var plan = AuditPlan(samples: 64, size: volume.size, using: &generator)
/// for extent in reported { plan.skip(extent.extent) }
/// for leaf in plan.leaves { … read it, compare its digest with the base's … }
/// ```
public struct AuditPlan: Sendable {
    private let samples: Int
    /// Ascending, distinct.
    private var candidates: [LeafIndex]
    /// Decides, together with its number, which candidates go when too many are left.
    private let salt: UInt64

    /// Draws the places for at most `samples` leaves of a volume.
    ///
    /// - Parameters:
    ///   - samples: at most ``DigestLimits/auditSamples``; a greater number counts as that.
    ///   - size: the size of the volume.
    ///   - generator: where the randomness comes from; the same seed gives the same plan.
    public init(
        samples: Int,
        size: ByteCount,
        using generator: inout some RandomNumberGenerator
    ) {
        self.samples = min(max(samples, 0), DigestLimits.auditSamples)
        self.salt = generator.next()
        let leaves = DigestTreeShape(size: size).leaves
        let wanted = self.samples * DigestLimits.auditSurplus
        guard leaves > wanted else {
            self.candidates = self.samples == 0 ? [] : (0..<leaves).map { LeafIndex($0) }
            return
        }
        // Floyd's way to draw distinct numbers: one draw for each, however full the set is.
        var drawn: Set<Int> = []
        for limit in leaves - wanted..<leaves {
            let leaf = Int.random(in: 0...limit, using: &generator)
            drawn.insert(drawn.contains(leaf) ? limit : leaf)
        }
        self.candidates = drawn.sorted().map { LeafIndex($0) }
    }

    /// Moves each drawn place to the next leaf that is worth a look, before anything is skipped.
    ///
    /// In a sparse volume nearly all drawn leaves are holes; with `next` being
    /// `DigestTree.nextNonZeroLeaf`, leaves with data are audited. Where there is none after the
    /// drawn place, the place stays. Leaves after a long hole are then looked at more often.
    public mutating func advance<Failure: Error>(
        _ next: (LeafIndex) throws(Failure) -> LeafIndex?
    ) throws(Failure) {
        var moved: [LeafIndex] = []
        for candidate in self.candidates {
            if let last = moved.last, last >= candidate { continue }
            moved.append(try next(candidate) ?? candidate)
        }
        self.candidates = moved
    }

    /// Leaves out what the source reports as changed; extents may come in any order.
    public mutating func skip(_ extent: Extent) {
        let low = LeafIndex(containing: extent.start)
        let first = self.position(of: low.index)
        let end = self.position(
            of: LeafIndex(containing: ByteOffset(extent.end.bytes - 1)).index + 1
        )
        if first < end { self.candidates.removeSubrange(first..<end) }
    }

    /// The leaves to look at, ascending: as many as were wanted, or all that are left.
    ///
    /// All unreported leaves of a volume that has no more than four times the wanted number count;
    /// of greater volumes fewer than wanted may be left when nearly everything changed.
    public var leaves: [LeafIndex] {
        guard self.candidates.count > self.samples else { return self.candidates }
        var generator = SplitMix(state: self.salt)
        return self.candidates.map { (rank: generator.next(), leaf: $0) }
            .sorted { $0.rank < $1.rank }.prefix(self.samples).map(\.leaf).sorted()
    }

    /// The number of candidates before this leaf.
    private func position(of leaf: Int) -> Int {
        var low = 0
        var high = self.candidates.count
        while low < high {
            let middle = (low + high) / 2
            if self.candidates[middle].index < leaf { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// SplitMix64: a sequence that depends on its seed only, the same on every machine.
public struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// The sequence that starts from this seed.
    public init(state: UInt64) { self.state = state }

    /// The next number of the sequence.
    public mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var word = self.state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
