// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Glibc

/// The two states that a live volume goes back and forth between.
enum VolumeState: String, Codable {
    case before
    case after

    var other: Self {
        switch self {
        case .before: .after
        case .after: .before
        }
    }
}

/// What brings a source from one of its states into the other.
protocol Change {
    /// Bytes of what differs.
    var byteCount: ByteCount { get }

    /// Brings the source or a copy of it into a state, in place, and makes it durable.
    func apply(_ state: VolumeState, to path: String) throws(HarnessError)
}

/// What differs between the two states: where, and the bytes of each in a sparse file.
struct Difference: Change {
    let extents: [Extent]
    private let before: String
    private let after: String

    var byteCount: ByteCount { self.extents.reduce(.zero) { $0 + $1.length } }

    init(extents: [Extent], before: String, after: String) {
        self.extents = extents
        self.before = before
        self.after = after
    }

    func apply(_ state: VolumeState, to path: String) throws(HarnessError) {
        let contents: RawFile
        switch state {
        case .before: contents = try RawFile(self.before)
        case .after: contents = try RawFile(self.after)
        }
        let target = try RawFile(path, writable: true)
        try copy(self.extents, from: contents, to: target)
        try target.sync()
    }
}

/// Copies some extents of one file to the same places of another.
func copy(_ extents: [Extent], from source: RawFile, to target: RawFile) throws(HarnessError) {
    let memory = UnsafeMutableRawBufferPointer.allocate(
        byteCount: RawFile.step,
        alignment: 4096
    )
    defer { memory.deallocate() }
    for extent in extents {
        var place = extent.start
        while place < extent.end {
            let length = min(RawFile.step, (extent.end - place).bytes)
            let part = UnsafeMutableRawBufferPointer(rebasing: memory[..<length])
            guard try source.read(at: place, into: part) == length else {
                throw HarnessError("\(source.path) ends before \(extent)")
            }
            try target.write(UnsafeRawBufferPointer(part), at: place)
            place += ByteCount(length)
        }
    }
}

/// How much changes, and how it lies.
enum ChangePattern: String, CaseIterable {
    /// 1 % in runs of eight leaves: half a MiB at a time.
    case clustered
    /// 1 % in single granules, each in another place.
    case scattered
    /// 10 % in single granules.
    case scattered10
    /// One MiB in one place.
    case tiny

    /// What is changed at a time.
    var unit: ByteCount {
        switch self {
        case .clustered: ByteCount(8 * Geometry.leaf.bytes)
        case .scattered, .scattered10: Geometry.granule
        case .tiny: .mebibytes(1)
        }
    }

    /// The units that change in a volume of a size.
    func count(of size: ByteCount) -> Int {
        switch self {
        case .clustered, .scattered: max(1, size.bytes / 100 / self.unit.bytes)
        case .scattered10: max(1, size.bytes / 10 / self.unit.bytes)
        case .tiny: 1
        }
    }
}

extension MixedVolume {
    /// Changes a part of the volume, and keeps both states of what it changed.
    ///
    /// Only data is changed, so that going back and forth does not fill holes.
    func difference(_ pattern: ChangePattern, of live: String) throws(HarnessError) -> Difference {
        let unit = pattern.unit
        var places: [Int] = []
        for (index, kind) in self.kinds.enumerated() where kind == .rows || kind == .incompressible
        {
            let start = index * Self.segment.bytes
            places += stride(from: start, to: start + Self.segment.bytes, by: unit.bytes)
        }
        var generator = Generator(seed: 0x6f_7d77 ^ UInt64(unit.bytes))
        generator.shuffle(&places)
        let extents = places.prefix(pattern.count(of: self.size)).sorted()
            .map {
                Extent(at: ByteOffset($0), length: unit)
            }
        let stem = Scratch.path("change-\(pattern.rawValue)")
        let before = try RawFile(stem + ".before", writable: true, create: true)
        try before.resize(to: self.size)
        try copy(extents, from: try RawFile(live), to: before)
        let after = try RawFile(stem + ".after", writable: true, create: true)
        try after.resize(to: self.size)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: unit.bytes, alignment: 4096)
        defer { memory.deallocate() }
        for extent in extents {
            let offset = extent.start.bytes
            self.fill(memory, self.kind(at: offset), version: 1, at: offset)
            try after.write(UnsafeRawBufferPointer(memory), at: extent.start)
        }
        // Exactly what differs: it is what the bytes on the wire are held against.
        let differing = try compare(before.path, after.path, within: extents)
        return Difference(extents: differing, before: before.path, after: after.path)
    }
}

/// The granules in which two images of the same size differ, coalesced.
///
/// Only in these places, which lie on granules, where some are given.
func compare(
    _ left: String,
    _ right: String,
    within places: [Extent]? = nil
) throws(HarnessError) -> [Extent] {
    let one = try RawFile(left)
    let two = try RawFile(right)
    let size = try one.size()
    guard try two.size() == size else { throw HarnessError("\(left) and \(right) differ in size") }
    let memory = UnsafeMutableRawBufferPointer.allocate(
        byteCount: 2 * RawFile.step,
        alignment: 4096
    )
    defer { memory.deallocate() }
    var extents: [Extent] = []
    for extent in places ?? [Extent(.zero, ByteOffset(size.bytes))] {
        var place = extent.start
        while place < extent.end {
            let length = min(RawFile.step, (extent.end - place).bytes)
            let first = UnsafeMutableRawBufferPointer(rebasing: memory[..<length])
            let second = UnsafeMutableRawBufferPointer(
                rebasing: memory[RawFile.step..<RawFile.step + length]
            )
            guard try one.read(at: place, into: first) == length,
                try two.read(at: place, into: second) == length
            else { throw HarnessError("\(left) or \(right) ends early") }
            addGranules(&extents, of: first, and: second, at: place)
            place += ByteCount(length)
        }
    }
    return extents
}

/// Adds the granules that differ in two pieces of memory that were read at the same place.
private func addGranules(
    _ extents: inout [Extent],
    of first: UnsafeMutableRawBufferPointer,
    and second: UnsafeMutableRawBufferPointer,
    at start: ByteOffset
) {
    guard let a = first.baseAddress, let b = second.baseAddress else { return }
    for place in stride(from: 0, to: first.count, by: Geometry.granule.bytes) {
        let length = min(Geometry.granule.bytes, first.count - place)
        if memcmp(a + place, b + place, length) == 0 { continue }
        let begin = start + ByteCount(place)
        let end = begin + ByteCount(length)
        if let last = extents.last, last.end == begin {
            extents[extents.count - 1] = Extent(last.start, end)
        } else {
            extents.append(Extent(begin, end))
        }
    }
}
