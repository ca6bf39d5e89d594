// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// A set of bytes, held as extents: sorted, disjoint, coalesced.
///
/// Holds: each extent ends before the next one starts, with at least one byte between them.
/// 16 bytes of memory for each extent; look-ups are binary searches; adding at the end, the usual
/// order, costs constant time.
public struct ExtentSet: Hashable, Sendable {
    /// The extents, ascending, disjoint and coalesced.
    public private(set) var extents: [Extent]

    /// The empty set.
    public init() { self.extents = [] }

    /// The bytes of all the extents, which may come in any order and overlap.
    public init(_ extents: some Sequence<Extent>) {
        self.extents = Self.coalesced(extents.sorted { $0.start < $1.start })
    }

    /// A set of one extent.
    public init(_ extent: Extent) { self.extents = [extent] }

    /// Adopts extents that already hold the invariant.
    private init(normalised extents: [Extent]) { self.extents = extents }

    /// The number of extents.
    public var count: Int { self.extents.count }

    /// Whether no byte is in the set.
    public var isEmpty: Bool { self.extents.isEmpty }

    /// The number of bytes in the set.
    ///
    /// - Complexity: one step for each extent.
    public var byteCount: ByteCount {
        self.extents.reduce(ByteCount.zero) { $0 + $1.length }
    }

    /// Adds the bytes of an extent.
    public mutating func insert(_ extent: Extent) {
        guard let last = self.extents.last else {
            self.extents.append(extent)
            return
        }
        if last.end < extent.start {
            self.extents.append(extent)
            return
        }
        if last.start <= extent.start {
            if last.end < extent.end {
                self.extents[self.extents.count - 1] = Extent(last.start, extent.end)
            }
            return
        }
        let touched = self.touching(extent)
        guard !touched.isEmpty else {
            self.extents.insert(extent, at: touched.lowerBound)
            return
        }
        let first = self.extents[touched.lowerBound]
        let final = self.extents[touched.upperBound - 1]
        let whole = Extent(min(first.start, extent.start), max(final.end, extent.end))
        self.extents.replaceSubrange(touched, with: CollectionOfOne(whole))
    }

    /// Takes the bytes of an extent out.
    public mutating func remove(_ extent: Extent) {
        let touched = self.overlapping(extent)
        guard !touched.isEmpty else { return }
        let first = self.extents[touched.lowerBound]
        let final = self.extents[touched.upperBound - 1]
        var rest: [Extent] = []
        if first.start < extent.start { rest.append(Extent(first.start, extent.start)) }
        if extent.end < final.end { rest.append(Extent(extent.end, final.end)) }
        self.extents.replaceSubrange(touched, with: rest)
    }

    /// Whether every byte of the extent is in the set.
    public func contains(_ extent: Extent) -> Bool {
        let index = self.indexOfFirst(endingAfter: extent.start)
        guard index < self.extents.count else { return false }
        let candidate = self.extents[index]
        return candidate.start <= extent.start && extent.end <= candidate.end
    }

    /// Whether any byte of the extent is in the set.
    public func overlaps(_ extent: Extent) -> Bool {
        let index = self.indexOfFirst(endingAfter: extent.start)
        return index < self.extents.count && self.extents[index].start < extent.end
    }

    /// The parts of the extent that are in the set, ascending.
    public func intersection(_ extent: Extent) -> [Extent] {
        self.extents[self.overlapping(extent)].compactMap { $0.intersection(extent) }
    }

    /// The parts of the extent that are not in the set, ascending.
    public func gaps(in extent: Extent) -> [Extent] {
        var gaps: [Extent] = []
        var place = extent.start
        for present in self.extents[self.overlapping(extent)] {
            if place < present.start { gaps.append(Extent(place, present.start)) }
            place = present.end
        }
        if place < extent.end { gaps.append(Extent(place, extent.end)) }
        return gaps
    }

    /// The first extent that ends after `place`: the one that holds it, or the next one.
    public func extent(atOrAfter place: ByteOffset) -> Extent? {
        let index = self.indexOfFirst(endingAfter: place)
        return index < self.extents.count ? self.extents[index] : nil
    }
}

// MARK: - Whole sets, one merge each

extension ExtentSet {
    /// Adds all bytes of another set.
    public mutating func formUnion(_ other: Self) { self = self.union(other) }

    /// The bytes that are in either set.
    public func union(_ other: Self) -> Self {
        if self.isEmpty { return other }
        if other.isEmpty { return self }
        var merged: [Extent] = []
        merged.reserveCapacity(self.count + other.count)
        var left = 0
        var right = 0
        while left < self.count, right < other.count {
            if self.extents[left].start <= other.extents[right].start {
                merged.append(self.extents[left])
                left += 1
            } else {
                merged.append(other.extents[right])
                right += 1
            }
        }
        merged += self.extents[left...]
        merged += other.extents[right...]
        return Self(normalised: Self.coalesced(merged))
    }

    /// The bytes of this set that are not in the other.
    public func subtracting(_ other: Self) -> Self {
        var rest: [Extent] = []
        var index = 0
        for extent in self.extents {
            var place = extent.start
            while index < other.count, other.extents[index].end <= place { index += 1 }
            var ahead = index
            while ahead < other.count, other.extents[ahead].start < extent.end {
                let taken = other.extents[ahead]
                if place < taken.start { rest.append(Extent(place, taken.start)) }
                place = max(place, taken.end)
                ahead += 1
            }
            if place < extent.end { rest.append(Extent(place, extent.end)) }
        }
        return Self(normalised: rest)
    }

    /// The bytes that are in both sets.
    public func intersection(_ other: Self) -> Self {
        var common: [Extent] = []
        var left = 0
        var right = 0
        while left < self.count, right < other.count {
            let a = self.extents[left]
            let b = other.extents[right]
            if let both = a.intersection(b) { common.append(both) }
            if a.end <= b.end { left += 1 } else { right += 1 }
        }
        return Self(normalised: common)
    }
}

// MARK: - Searching

extension ExtentSet {
    /// Whether the extents are sorted, disjoint and coalesced; what every operation keeps.
    public var isNormalised: Bool {
        zip(self.extents, self.extents.dropFirst()).allSatisfy { $0.end < $1.start }
    }

    /// The index of the first extent whose end is after `place`; `count` when there is none.
    private func indexOfFirst(endingAfter place: ByteOffset) -> Int {
        var low = 0
        var high = self.extents.count
        while low < high {
            let middle = (low + high) / 2
            if self.extents[middle].end <= place { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The index of the first extent whose start is at or after `place`.
    private func indexOfFirst(startingFrom place: ByteOffset) -> Int {
        var low = 0
        var high = self.extents.count
        while low < high {
            let middle = (low + high) / 2
            if self.extents[middle].start < place { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func overlapping(_ extent: Extent) -> Range<Int> {
        let first = self.indexOfFirst(endingAfter: extent.start)
        return first..<max(first, self.indexOfFirst(startingFrom: extent.end))
    }

    /// The extents that overlap this one or are adjacent to it.
    private func touching(_ extent: Extent) -> Range<Int> {
        var touched = self.overlapping(extent)
        if touched.lowerBound > 0, self.extents[touched.lowerBound - 1].end == extent.start {
            touched = touched.lowerBound - 1..<touched.upperBound
        }
        if touched.upperBound < self.count, self.extents[touched.upperBound].start == extent.end {
            touched = touched.lowerBound..<touched.upperBound + 1
        }
        return touched
    }

    private static func coalesced(_ sorted: [Extent]) -> [Extent] {
        var result: [Extent] = []
        result.reserveCapacity(sorted.count)
        for extent in sorted {
            if let last = result.last, extent.start <= last.end {
                result[result.count - 1] = Extent(last.start, max(last.end, extent.end))
            } else {
                result.append(extent)
            }
        }
        return result
    }
}

extension ExtentSet: CustomStringConvertible {
    /// The first extents, for messages.
    public var description: String {
        let shown = self.extents.prefix(8).map(\.description).joined(separator: ", ")
        return "[\(shown)\(self.count > 8 ? ", … \(self.count) extents" : "")]"
    }
}
