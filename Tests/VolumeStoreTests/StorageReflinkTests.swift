// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

/// Real clones on loop-mounted file systems: what FIEMAP tells against a comparison of all bytes.
@Suite(.serialized, .enabled(if: LoopFileSystem.isAvailable(), LoopFileSystem.reason))
struct StorageReflinkTests {
    @Test(arguments: LoopFileSystem.reflinking)
    func scatteredWritesAreAllFound(on kind: LoopFileSystem) throws {
        let seed = TestSeed()
        var generator = seed.generator
        try kind.mounted { directory in
            let size = 32 << 20
            let live = try makeVolume("\(directory)/live", size: size, using: &generator)
            try live.sync()
            let base = try live.clone(to: "\(directory)/base")
            for _ in 0..<80 {
                let granule = Int.random(in: 0..<size / 4096, using: &generator)
                try live.put(noise(4096, using: &generator), at: granule * 4096)
            }
            let written = try live.clone(to: "\(directory)/written")
            let writes = try compare(base, written)
            print("\(kind), written granules: \(writes), \(seed)")
            #expect(writes.missed == 0 && writes.wrongZeros == 0, "\(seed)")
            // Without compression exactly what was written, to the granule.
            if kind != .btrfsCompressed { #expect(writes.reported == writes.changed, "\(seed)") }
            for _ in 0..<5 {
                let start = Int.random(in: 0..<size - 200_000, using: &generator)
                try live.zero(extent(start, start + 100_000))
            }
            let target = try live.clone(to: "\(directory)/target")
            // Written zeros that became holes are reported, and nothing is missed.
            for old in [base, written] {
                let zeroed = try compare(old, target)
                #expect(zeroed.missed == 0 && zeroed.wrongZeros == 0, "\(seed)")
                #expect(zeroed.readBytes == .zero)
            }
        }
    }

    @Test(arguments: LoopFileSystem.reflinking)
    func unsyncedWritesAreFound(on kind: LoopFileSystem) throws {
        let seed = TestSeed()
        var generator = seed.generator
        try kind.mounted { directory in
            let live = try makeVolume("\(directory)/live", size: 16 << 20, using: &generator)
            let base = try live.clone(to: "\(directory)/base")
            // Compared with the live file itself, just written and not yet flushed.
            for _ in 0..<500 {
                let granule = Int.random(in: 0..<4096, using: &generator)
                try live.put(noise(4096, using: &generator), at: granule * 4096)
            }
            let result = try compare(base, live)
            #expect(result.missed == 0 && result.wrongZeros == 0, "\(seed)")
        }
    }

    @Test(arguments: [LoopFileSystem.xfs, .btrfs])
    func moreExtentsThanOnePageAreRead(on kind: LoopFileSystem) throws {
        try kind.mounted { directory in
            let count = 5000
            let live = try BlockFile.create(
                "\(directory)/live",
                size: ByteCount(count * 8192)
            )
            var generator = SeededGenerator(seed: 1)
            let block = noise(8192, using: &generator)
            for index in 0..<count { try live.put(block, at: index * 8192) }
            try live.sync()
            let base = try live.clone(to: "\(directory)/base")
            for index in 0..<count { try live.put([1, 2, 3], at: index * 8192 + 4096) }
            let target = try live.clone(to: "\(directory)/target")
            var reader = try PhysicalExtentReader(target)
            var extents: [PhysicalExtent] = []
            while let next = try reader.next() { extents.append(next) }
            #expect(extents.count > 2 * PhysicalExtentReader.batch)
            var source = try PhysicalExtentSource(base: base, target: target)
            let changes = try source.remaining()
            #expect(
                changes
                    == (0..<count)
                    .map {
                        KindedExtent(extent($0 * 8192 + 4096, $0 * 8192 + 8192), .data)
                    }
            )
        }
    }

    @Test(
        arguments: LoopFileSystem.reflinking,
        [
            (5, 5), (100_001, 100_001), (70_000, 200_001),
            (200_001, 70_000), (200_001, 0), (0, 200_001), (65_536, 131_072), (131_072, 65_536),
        ]
    )
    func oddGrownAndShrunkSizesAreCompared(
        on kind: LoopFileSystem,
        sizes: (base: Int, target: Int)
    ) throws {
        var generator = SeededGenerator(seed: 11)
        try kind.mounted { directory in
            let live = try BlockFile.create("\(directory)/live", size: .zero)
            try live.put(noise(sizes.base, using: &generator), at: 0)
            let base = try live.clone(to: "\(directory)/base")
            try live.resize(to: ByteCount(sizes.target))
            if sizes.target > sizes.base {
                try live.put([9], at: sizes.target - 1)
            } else if sizes.target > 0 {
                try live.put([0], at: sizes.target - 1)
            }
            let target = try live.clone(to: "\(directory)/target")
            let result = try compare(base, target)
            #expect(result.missed == 0 && result.wrongZeros == 0)
            if sizes.target == 0 { #expect(result.reported == 0) }
        }
    }

    @Test(arguments: LoopFileSystem.reflinking)
    func allocatedSpaceThatWasNeverWrittenIsZero(on kind: LoopFileSystem) throws {
        try kind.mounted { directory in
            let live = try BlockFile.create("\(directory)/live", size: .mebibytes(4))
            let base = try live.clone(to: "\(directory)/base")
            try Shell.run("fallocate", "--length", "4MiB", live.path)
            let allocated = try live.clone(to: "\(directory)/allocated")
            #expect(try compare(base, allocated).reported == 0)
            var generator = SeededGenerator(seed: 1)
            try live.put(noise(4096, using: &generator), at: 1 << 20)
            let written = try live.clone(to: "\(directory)/written")
            let result = try compare(allocated, written)
            #expect(result.missed == 0 && result.reported == 1)
            try live.zero(extent(0, 4 << 20))
            let punched = try live.clone(to: "\(directory)/punched")
            var source = try PhysicalExtentSource(base: written, target: punched)
            #expect(
                try source.remaining()
                    == [KindedExtent(extent(1 << 20, (1 << 20) + 4096), .zero)]
            )
        }
    }

    /// What made encoded extents doubtful: see ``PhysicalExtentFlags``.
    @Test func theOtherHalfOfACompressedExtentIsNotTakenForTheFirst() throws {
        try LoopFileSystem.btrfsCompressed.mounted { directory in
            let live = try BlockFile.create("\(directory)/live", size: .zero)
            let half = 65_536
            try live.put((0..<half).map { UInt8($0 % 7 + 1) }, at: 0)
            try live.put((0..<half).map { UInt8($0 % 5 + 100) }, at: half)
            try live.sync()
            // First the first half as a file, then the second in its place.
            let volume = "\(directory)/volume"
            try Shell.run("xfs_io", "-f", "-c", "reflink \(live.path) 0 0 \(half)", volume)
            let base = try BlockFile.open(volume, writable: true).clone(to: "\(directory)/base")
            try Shell.run("xfs_io", "-c", "reflink \(live.path) \(half) 0 \(half)", volume)
            let result = try compare(base, BlockFile.open(volume, writable: false))
            #expect(result.changed == 16)
            #expect(result.missed == 0)
        }
    }

    @Test(arguments: LoopFileSystem.reflinking)
    func aCloneHasItsOwnFuture(on kind: LoopFileSystem) throws {
        var generator = SeededGenerator(seed: 3)
        try kind.mounted { directory in
            let live = try makeVolume("\(directory)/live", size: 1_000_001, using: &generator)
            let before = try live.contents()
            let clone = try live.clone(to: "\(directory)/clone")
            try live.put([0xFF, 0xFE], at: 500_000)
            #expect(try clone.contents() == before)
            try clone.put([0x11], at: 0)
            #expect(try live.get(1, at: 0) == [before[0]])
            #expect(code { _ = try live.clone(to: clone.path) } == .alreadyExists)
        }
    }

    @Test(arguments: [LoopFileSystem.ext4, .tmpfs])
    func withoutReflinksACopyIsMade(on kind: LoopFileSystem) throws {
        var generator = SeededGenerator(seed: 3)
        try kind.mounted { directory in
            let live = try makeVolume("\(directory)/live", size: 3_000_001, using: &generator)
            #expect(code { _ = try live.clone(to: "\(directory)/clone") } == .unsupported)
            let copy = try live.cloneOrCopy(to: "\(directory)/clone")
            #expect(try copy.contents() == live.contents())
            #expect(
                code { _ = try PhysicalExtentSource(base: live, target: copy) } == .unsupported
            )
        }
    }

    @Test func clonesOfDifferentFileSystemsAreNotCompared() throws {
        try LoopFileSystem.xfs.mounted { one in
            try LoopFileSystem.xfs.mounted { two in
                let left = try BlockFile.create("\(one)/a", size: .mebibytes(1))
                let right = try BlockFile.create("\(two)/a", size: .mebibytes(1))
                #expect(
                    code { _ = try PhysicalExtentSource(base: left, target: right) }
                        == .unsupported
                )
            }
        }
    }

    @Test(arguments: [LoopFileSystem.tmpfs, .ext4])
    func aFullFileSystemSaysSo(on kind: LoopFileSystem) throws {
        try kind.mounted(mebibytes: 16) { directory in
            let file = try BlockFile.create("\(directory)/volume", size: .mebibytes(64))
            let block = [UInt8](repeating: 1, count: 1 << 20)
            var error: StoreError?
            do {
                for index in 0..<64 { try file.put(block, at: index << 20) }
                try file.sync()
            } catch let caught as StoreError { error = caught }
            #expect(error?.code == .noSpace)
            #expect(error?.path == file.path)
            #expect(error?.isRetryable == true)
            #expect(error?.description.contains("No space left on device (ENOSPC)") == true)
            #expect(
                code { try DurableFile.replace("\(directory)/state", with: block + block) }
                    == .noSpace
            )
        }
    }
}

/// A volume with data, holes and written zeros.
private func makeVolume(
    _ path: String,
    size: Int,
    using generator: inout SeededGenerator
) throws -> BlockFile {
    let file = try BlockFile.create(path, size: ByteCount(size))
    var place = 0
    while place < size {
        let length = min(
            Int.random(in: 1...64, using: &generator) * 4096,
            size - place
        )
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: break
        case 1: try file.put([UInt8](repeating: 0, count: length), at: place)
        case 2:
            // Compressible.
            let byte = UInt8.random(in: 1...255, using: &generator)
            try file.put([UInt8](repeating: byte, count: length), at: place)
        default: try file.put(noise(length, using: &generator), at: place)
        }
        place += length
    }
    return file
}

private struct Comparison: CustomStringConvertible {
    var changed = 0
    var reported = 0
    var missed = 0
    /// Granules that were reported as zeros and are not.
    var wrongZeros = 0
    var readBytes = ByteCount.zero

    var description: String {
        "\(self.changed) changed, \(self.reported) reported, \(self.missed) missed"
    }
}

/// What the source reports against what all bytes say; granules of the target.
private func compare(_ base: BlockFile, _ target: BlockFile) throws -> Comparison {
    var source = try PhysicalExtentSource(base: base, target: target)
    let changes = try source.remaining()
    var result = Comparison(readBytes: base.readBytes + target.readBytes)
    let reported = ExtentSet(changes.map(\.extent))
    let zeros = ExtentSet(changes.filter { $0.kind == .zero }.map(\.extent))
    let new = try target.contents()
    var old = try base.contents()
    old += Data(count: max(0, new.count - old.count))
    // In a shrunk volume the last granule ends in zeros that the base may not have had.
    let wholeOld = old.count
    for granule in 0..<(new.count + 4095) / 4096 {
        let end = min(granule * 4096 + 4096, new.count)
        let range = granule * 4096..<end
        let cut =
            end < granule * 4096 + 4096 ? end..<min(wholeOld, granule * 4096 + 4096) : end..<end
        let isChanged =
            new[range] != old[range] || (!cut.isEmpty && old[cut].contains { $0 != 0 })
        let isReported = reported.contains(extent(range.lowerBound, range.upperBound))
        if isChanged { result.changed += 1 }
        if isReported { result.reported += 1 }
        if isChanged && !isReported { result.missed += 1 }
        if zeros.contains(extent(range.lowerBound, range.upperBound)),
            new[range].contains(where: { $0 != 0 })
        {
            result.wrongZeros += 1
        }
    }
    return result
}
