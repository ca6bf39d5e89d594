// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Foundation
import Receiver
import Sender
import TestSupport
import Testing
import VolumeStore

/// Real file systems and devices: clones at the source, clones or a journal at the destination.
@Suite(.serialized, .enabled(if: LoopFileSystem.isAvailable(), LoopFileSystem.reason))
struct EndToEndFileSystemTests {
    @Test(arguments: LoopFileSystem.reflinking)
    func scatteredWritesAreFoundWithoutReadingWhatDidNotChange(_ kind: LoopFileSystem) throws {
        try kind.mounted(mebibytes: 1024) { directory in
            let world = try World(source: "\(directory)/", destination: nil)
            var generator = world.generator
            let volume = try world.volume(size: 64 << 20)
            try volume.write(noise(64 << 20, using: &generator), at: 0)
            _ = try world.run(volume)
            let changed = try scatter(500, over: volume, using: &generator) * 4096
            let result = try world.run(volume)
            #expect(try world.shows(volume), "seed \(world.seed)")
            #expect(result.changeSource == .physicalExtents)
            #expect(result.progress.changedBytes.bytes == changed, "seed \(world.seed)")
            #expect(
                result.progress.wireBytes.bytes * 10 <= changed * 11 + 10 * (256 << 10),
                "\(result.progress.wireBytes.bytes) for \(changed), seed \(world.seed)"
            )
            // Each changed granule, and the base's beside it. Compressed extents are in doubt whole.
            if kind != .btrfsCompressed {
                #expect(result.progress.readBytes.bytes == 2 * changed, "seed \(world.seed)")
                #expect(result.progress.auditedBytes > .zero)
            }
            let nothing = try world.run(volume)
            #expect(nothing.outcome == .none)
            if kind != .btrfsCompressed { #expect(nothing.progress.readBytes == .zero) }
            #expect(nothing.progress.wireBytes < .kibibytes(64))
        }
    }

    @Test(arguments: [LoopFileSystem.xfs, .btrfs])
    func rewrittenLeavesAreTrustedOnceAComparisonHasShownThatTheyAreNews(
        _ kind: LoopFileSystem
    ) throws {
        try kind.mounted(mebibytes: 1024) { directory in
            let world = try World(source: "\(directory)/", destination: nil)
            var generator = world.generator
            let volume = try world.volume(size: 96 << 20)
            try volume.write(noise(96 << 20, using: &generator), at: 0)
            _ = try world.run(volume)
            // Pieces of half a MiB that begin and end inside of leaves.
            let pieces = stride(from: 8 << 10, to: 32 << 20, by: 1 << 20)
            let written = pieces.reduce(0) { sum, _ in sum + (512 << 10) }
            for isTrusted in [false, true] {
                for place in pieces {
                    try volume.write(noise(512 << 10, using: &generator), at: place)
                }
                let result = try world.run(volume)
                #expect(try world.shows(volume), "seed \(world.seed)")
                #expect(result.progress.changedBytes.bytes == written, "seed \(world.seed)")
                let read = result.progress.readBytes.bytes
                #expect(isTrusted ? read < written * 3 / 2 : read == 2 * written)
            }
            // A leaf of which one granule is new is not sent whole for long.
            let place = 40 << 20
            let leaves = (32 << 20) / Geometry.leaf.bytes
            var bytes = try volume.bytes(32 << 20, at: place)
            for leaf in 0..<leaves {
                let start = leaf * Geometry.leaf.bytes
                bytes.replaceSubrange(start..<start + 4096, with: noise(4096, using: &generator))
            }
            try volume.write(bytes, at: place)
            let result = try world.run(volume)
            #expect(try world.shows(volume), "seed \(world.seed)")
            // One unit for each of the threads that were at work when the first comparison ended.
            #expect(result.progress.changedBytes.bytes <= leaves * 4096 + 8 << 20)
        }
    }

    /// A world with both pools on one file system.
    private func world(in directory: String) throws -> World {
        let pools = ["\(directory)/source", "\(directory)/destination"]
        for pool in pools {
            try FileManager.default.createDirectory(
                atPath: pool,
                withIntermediateDirectories: false
            )
        }
        return try World(source: pools[0], destination: pools[1])
    }

    @Test(arguments: [LoopFileSystem.xfs, .btrfs, .ext4, .tmpfs])
    func bothPoolsOnOneKindOfFileSystem(_ kind: LoopFileSystem) throws {
        try kind.mounted(mebibytes: 1024) { directory in
            let world = try self.world(in: directory)
            var generator = world.generator
            let volume = try world.volume(size: 20_000_001)
            try volume.write(noise(12_000_000, using: &generator), at: 4_000_000)
            // One right after the other: the destination may still be finishing the one before.
            let events = RecordedEvents()
            _ = try world.run(volume, observer: events)
            for round in 0..<8 {
                try volume.write([UInt8(round)], at: round << 20)
                _ = try world.run(volume, observer: events) {
                    $0.mode = .automatic(.disasterRecovery)
                }
            }
            #expect(events.retries.isEmpty, "seed \(world.seed)")
            #expect(try world.shows(volume), "seed \(world.seed)")
            for round in 0..<4 {
                for _ in 0..<20 {
                    let place = Int.random(in: 0..<19_000_000, using: &generator)
                    let count = Int.random(in: 1...100_000, using: &generator)
                    switch Int.random(in: 0..<3, using: &generator) {
                    case 0: try volume.discard(place, place + count)
                    case 1: try volume.write([UInt8](repeating: 0, count: count), at: place)
                    default: try volume.write(noise(count, using: &generator), at: place)
                    }
                }
                if round == 2 { try volume.resize(to: ByteCount(15_000_007)) }
                if round == 3 { try volume.resize(to: ByteCount(30_000_000)) }
                let result = try world.run(volume) {
                    $0.mode = .automatic(.disasterRecovery)
                    $0.allowShrink = true
                }
                #expect(result.mode == .incremental)
                #expect(try world.shows(volume), "round \(round), seed \(world.seed)")
            }
            let verified = try world.run(volume) { $0.mode = .full(.verify) }
            #expect(verified.driftedLeaves == 0, "seed \(world.seed)")
            #expect(verified.progress.changedBytes == .zero, "seed \(world.seed)")
        }
    }

    // P6: time and memory follow what is allocated, not the size.
    @Test(arguments: [LoopFileSystem.xfs, .tmpfs])
    func aHugeSparseVolumeTakesSeconds(_ kind: LoopFileSystem) throws {
        try kind.mounted(mebibytes: 2048) { directory in
            let world = try self.world(in: directory)
            var generator = world.generator
            let volume = try world.volume(size: 16 << 40)
            try writeLeaves(1000, over: volume, using: &generator)
            let full = try world.run(volume)
            try writeLeaves(1000, over: volume, using: &generator)
            let incremental = try world.run(volume)
            print("16 TiB on \(kind): full \(full.seconds) s, incremental \(incremental.seconds) s")
            #expect(full.seconds < 60 && incremental.seconds < 60)
            #expect(full.progress.changedBytes <= .kibibytes(64_000))
            #expect(incremental.progress.changedBytes <= .kibibytes(64_000))
            #expect(
                incremental.changeSource == (kind == .xfs ? .physicalExtents : .storedDigests)
            )
            #expect(try world.shows(volume), "seed \(world.seed)")
        }
    }

    private func writeLeaves(
        _ count: Int,
        over volume: SourceVolume,
        using generator: inout SeededGenerator
    ) throws {
        for _ in 0..<count {
            let leaf = Int.random(in: 0..<(16 << 40) / 65_536, using: &generator)
            try volume.write(noise(65_536, using: &generator), at: leaf * 65_536)
        }
    }

    @Test func aBlockDeviceIsSentFromWhereItLies() throws {
        try LoopDevice.attached(size: 16 << 20) { device in
            let world = try World()
            var generator = world.generator
            let volume = try world.sources.attach(
                VolumeName("disk"),
                device,
                isFrozen: true,
                using: &generator
            )
            try volume.write(noise(5 << 20, using: &generator), at: 1 << 20)
            let full = try world.run(volume)
            #expect(full.outcome == .full)
            #expect(try world.shows(volume, bytesOf: device))
            let changed = try scatter(50, over: volume, using: &generator) * 4096
            let result = try world.run(volume)
            #expect(result.changeSource == .storedDigests)
            #expect(result.progress.changedBytes.bytes == changed)
            #expect(try world.shows(volume, bytesOf: device))
        }
    }

    @Test func aBlockDeviceIsTheDestination() throws {
        try LoopDevice.attached(size: 16 << 20) { device in
            let world = try World(place: { (_, _) in .attached(path: device, isFrozen: false) })
            var generator = world.generator
            // What was on the device before must not shine through where the volume is zero.
            var old = ChunkBuffer(capacity: .mebibytes(1))
            old.copy(noise(1 << 20, using: &generator), at: 0)
            let disk = try BlockFile.open(device, writable: true)
            for place in 0..<16 { try disk.write(old, 0..<1 << 20, at: ByteOffset(place << 20)) }
            try disk.sync()
            let volume = try world.volume(size: 16 << 20)
            try volume.write(noise(5 << 20, using: &generator), at: 3 << 20)
            _ = try world.run(volume)
            #expect(try world.shows(volume), "seed \(world.seed)")
            #expect(try Self.isSame(volume.livePath, device))
            _ = try scatter(100, over: volume, using: &generator)
            try volume.discard(4 << 20, 5 << 20)
            let result = try world.run(volume)
            #expect(result.mode == .incremental)
            #expect(try Self.isSame(volume.livePath, device), "seed \(world.seed)")
        }
    }

    private static func isSame(_ path: String, _ other: String) throws -> Bool {
        let left = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        let right = try FileHandle(forReadingFrom: URL(fileURLWithPath: other))
        return try left.readToEnd() == right.readToEnd()
    }

    @Test func anAttachedFileOnAReflinkFileSystemIsSentWhileItIsWritten() throws {
        try LoopFileSystem.xfs.mounted { directory in
            let world = try World()
            var generator = world.generator
            let path = "\(directory)/disk"
            let file = try BlockFile.create(path, size: .mebibytes(16))
            let volume = try world.sources.attach(
                VolumeName("disk"),
                path,
                isFrozen: false,
                using: &generator
            )
            try volume.write(noise(16 << 20, using: &generator), at: 0)
            try file.sync()
            _ = try world.run(volume)
            try volume.write(noise(4096, using: &generator), at: 1 << 20)
            let result = try world.run(volume)
            #expect(result.changeSource == .physicalExtents)
            #expect(result.progress.changedBytes == .kibibytes(4))
            #expect(try world.shows(volume))
        }
    }

    // P9: the audit finds it, and the run compares everything instead.
    @Test func aSourceCaughtMissingAChangeIsDistrustedInTheSameRun() throws {
        try LoopFileSystem.xfs.mounted { directory in
            let world = try World(source: "\(directory)/")
            var generator = world.generator
            let volume = try world.volume(size: 8 << 20)
            try volume.write(noise(8 << 20, using: &generator), at: 0)
            let first = try world.run(volume)
            try lieAboutTheBase(of: volume, first.target)
            try volume.write(noise(4096, using: &generator), at: 4 << 20)
            let events = RecordedEvents()
            let result = try world.run(volume, observer: events)
            #expect(result.distrusted == [.physicalExtents])
            #expect(result.changeSource == .storedDigests)
            #expect(volume.distrusted == [.physicalExtents])
            #expect(
                events.all.contains { event in
                    if case .changeSourceDistrusted(.physicalExtents, _) = event {
                        true
                    } else {
                        false
                    }
                }
            )
            #expect(try world.shows(volume), "seed \(world.seed)")
            // And it stays so.
            try volume.write(noise(4096, using: &generator), at: 0)
            #expect(try world.run(volume).changeSource == .storedDigests)
        }
    }

    /// Makes every stored digest of the base wrong: what did not change then seems to have changed
    /// without the addresses telling, as with a file system that hides writes.
    private func lieAboutTheBase(of volume: SourceVolume, _ base: Generation) throws {
        let snapshot = try #require(try volume.reopen(base.number, base.snapshot))
        defer { volume.release(snapshot) }
        let file = try DigestFile.open(snapshot.digestsPath, writable: true)
        var page = try #require(try file.read(level: 0, index: 0))
        for leaf in 0..<base.size.bytes / 65_536 {
            page[leaf: leaf] = page[leaf: leaf] ^ LeafDigest(low: 1, high: 1)
        }
        try file.write(page, level: 0, index: 0)
        try file.sync()
    }
}
