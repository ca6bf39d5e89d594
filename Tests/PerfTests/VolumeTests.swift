// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import TestSupport
import Testing

@testable import godwit_perf

@Suite struct VolumeTests {
    private let directory: TemporaryDirectory

    init() throws { self.directory = try TemporaryDirectory(inMemory: true) }

    private func path(_ name: String) -> String { "\(self.directory.path)/\(name)" }

    /// Makes a sparse file of 4 MiB with bytes of one value at some places.
    private func file(_ name: String, _ value: UInt8, at places: [Int], length: Int) throws {
        let file = try RawFile(self.path(name), writable: true, create: true)
        try file.resize(to: .mebibytes(4))
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 8)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: value)
        for place in places {
            try file.write(UnsafeRawBufferPointer(memory), at: ByteOffset(place))
        }
    }

    @Test func zerosThatWereWrittenEqualAHole() throws {
        try self.file("zeros", 0, at: [0, 2 << 20], length: 1 << 20)
        try self.file("hole", 0, at: [], length: 0)
        #expect(try RawFile.same(self.path("zeros"), self.path("hole")))
        #expect(try RawFile.same(self.path("hole"), self.path("zeros")))
    }

    @Test(arguments: [0, 4096, 3 << 20, (4 << 20) - 1])
    func aByteInTheOtherFilesHoleIsFound(place: Int) throws {
        try self.file("one", 7, at: [place], length: 1)
        try self.file("hole", 7, at: [1 << 20], length: 4096)
        try self.file("both", 7, at: [1 << 20], length: 4096)
        #expect(try RawFile.same(self.path("hole"), self.path("both")))
        #expect(try !RawFile.same(self.path("one"), self.path("both")))
        #expect(try !RawFile.same(self.path("both"), self.path("one")))
    }

    @Test func smallVolumesHoldWhatTheOneLargeVolumeHoldsInBothStates() throws {
        let seed = TestSeed()
        let volumes = SmallVolumes(count: 2, seed: seed.value)
        try volumes.write(to: self.directory.path)
        try volumes.write(concatenatedTo: self.path("large"))
        let large = SmallVolumes.Concatenated(volumes: volumes)
        for state in [VolumeState.before, .after, .before] {
            try volumes.apply(state, to: self.directory.path)
            try large.apply(state, to: self.path("large"))
            let joined = try self.joined(volumes, "joined")
            #expect(try RawFile.same(joined, self.path("large")), "\(state), \(seed)")
        }
    }

    @Test func tenWholeLeavesOfEachSmallVolumeChange() throws {
        let seed = TestSeed()
        let volumes = SmallVolumes(count: 2, seed: seed.value)
        try volumes.write(to: self.directory.path)
        let before = try self.joined(volumes, "before")
        try volumes.apply(.after, to: self.directory.path)
        let extents = try compare(before, try self.joined(volumes, "after"))
        let leaf = Geometry.leaf.bytes
        #expect(
            extents.allSatisfy { $0.start.bytes % leaf == 0 && $0.length.bytes % leaf == 0 },
            "\(seed)"
        )
        let inFirst = extents.filter { $0.start.bytes < SmallVolumes.size.bytes }
            .reduce(0) { $0 + $1.length.bytes }
        #expect(inFirst == 10 * leaf, "\(seed)")
        let all = extents.reduce(ByteCount.zero) { $0 + $1.length }
        #expect(all == volumes.byteCount, "\(seed)")
    }

    @Test func eachPatternChangesItsShareOfTheMixedVolume() throws {
        try Scratch.create(in: self.directory.path)
        let volume = MixedVolume(size: .mebibytes(40), seed: 1)
        try volume.write(to: self.path("mixed"))
        let shares: [ChangePattern: Int] = [
            .clustered: 512 << 10, .scattered: 102 * 4096, .scattered10: 1024 * 4096,
            .tiny: 1 << 20,
        ]
        for pattern in ChangePattern.allCases {
            let difference = try volume.difference(pattern, of: self.path("mixed"))
            #expect(difference.byteCount.bytes == shares[pattern], "\(pattern)")
        }
    }

    /// Copies the files of small volumes into one, each to its place.
    private func joined(_ volumes: SmallVolumes, _ name: String) throws -> String {
        let joined = try RawFile(self.path(name), writable: true, create: true)
        try joined.resize(to: volumes.size)
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: RawFile.step,
            alignment: 4096
        )
        defer { memory.deallocate() }
        for (index, name) in volumes.names.enumerated() {
            let file = try RawFile(self.path(name))
            for place in stride(from: 0, to: SmallVolumes.size.bytes, by: RawFile.step) {
                let count = try file.read(at: ByteOffset(place), into: memory)
                #expect(count == RawFile.step)
                let origin = index * SmallVolumes.size.bytes
                try joined.write(UnsafeRawBufferPointer(memory), at: ByteOffset(origin + place))
            }
        }
        return joined.path
    }
}
