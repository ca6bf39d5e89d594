// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Foundation
import Receiver
import Sender
import TestSupport
import Testing
import VolumeStore

/// Volumes of every shape, in full and incrementally, over real TLS to a real pool.
@Suite(.serialized) struct EndToEndTests {
    enum Shape: String, CaseIterable, CustomTestStringConvertible {
        case empty
        case oneByte
        case oneByteMoreThanALeaf
        case writtenZeros
        case holes
        case random
        case mixed
        case oddSize

        var testDescription: String { self.rawValue }

        var size: Int {
            switch self {
            case .empty: 0
            case .oneByte: 1
            case .oneByteMoreThanALeaf: 65_537
            case .writtenZeros, .holes: 8 << 20
            case .random: 5 << 20
            case .mixed: 24 << 20
            case .oddSize: 3_333_333
            }
        }

        func fill(_ volume: SourceVolume, using generator: inout SeededGenerator) throws {
            switch self {
            case .empty, .holes: break
            case .oneByte, .oneByteMoreThanALeaf, .random, .oddSize:
                try volume.write(noise(self.size, using: &generator), at: 0)
            case .writtenZeros:
                try volume.write([UInt8](repeating: 0, count: self.size), at: 0)
            case .mixed:
                for place in stride(from: 0, to: self.size, by: 1 << 20) {
                    switch Int.random(in: 0..<4, using: &generator) {
                    case 0: try volume.write(noise(1 << 20, using: &generator), at: place)
                    case 1: try volume.write([UInt8](repeating: 65, count: 1 << 20), at: place)
                    case 2: try volume.write([UInt8](repeating: 0, count: 1 << 20), at: place)
                    default: break
                    }
                }
            }
        }

        /// Changes a few places, also the last byte.
        func change(_ volume: SourceVolume, using generator: inout SeededGenerator) throws {
            guard self.size > 0 else { return }
            for _ in 0..<5 {
                let place = Int.random(in: 0..<self.size, using: &generator)
                let count = min(Int.random(in: 1...9000, using: &generator), self.size - place)
                try volume.write(noise(count, using: &generator), at: place)
            }
            try volume.write([7], at: self.size - 1)
        }
    }

    @Test(arguments: Shape.allCases)
    func theDestinationEqualsTheSourceAfterEachRun(_ shape: Shape) throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: shape.size)
        try shape.fill(volume, using: &generator)
        let full = try world.run(volume)
        #expect(full.outcome == .full && full.fullReason == .noBase)
        #expect(try world.shows(volume), "seed \(world.seed)")
        try shape.change(volume, using: &generator)
        let incremental = try world.run(volume)
        #expect(incremental.mode == .incremental)
        #expect(incremental.base == full.target.number)
        #expect(try world.shows(volume), "seed \(world.seed)")
        let verified = try world.run(volume) { $0.mode = .full(.verify) }
        #expect(verified.mode == .fullVerify && verified.driftedLeaves == 0)
        #expect(verified.progress.changedBytes == .zero)
        #expect(try world.shows(volume), "seed \(world.seed)")
        let copied = try world.run(volume) { $0.mode = .full(.copy) }
        #expect(copied.mode == .fullCopy)
        #expect(try world.shows(volume), "seed \(world.seed)")
    }

    @Test func aRunWithoutChangesShipsNearlyNothing() throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 32 << 20)
        try volume.write(noise(24 << 20, using: &generator), at: 0)
        _ = try world.run(volume)
        let result = try world.run(volume)
        #expect(result.outcome == .none)
        #expect(result.progress.wireBytes < .kibibytes(64), "\(result.progress.wireBytes)")
        #expect(result.target.number.number == 2)
        #expect(try world.replica(of: volume).visible == result.target)
    }

    @Test func scatteredWritesAreShippedByTheGranuleWithStoredDigestsAlone() throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 64 << 20)
        try volume.write(noise(64 << 20, using: &generator), at: 0)
        _ = try world.run(volume)
        let granules = try scatter(600, over: volume, using: &generator)
        let result = try world.run(volume)
        #expect(try world.shows(volume), "seed \(world.seed)")
        let changed = granules * 4096
        #expect(result.changeSource == .storedDigests)
        #expect(result.progress.changedBytes.bytes == changed, "seed \(world.seed)")
        #expect(
            result.progress.wireBytes.bytes * 10 <= changed * 11 + 10 * (256 << 10),
            "\(result.progress.wireBytes.bytes) for \(changed), seed \(world.seed)"
        )
    }

    @Test(arguments: [(1_000_000, 5_000_001), (5_000_001, 1_000_000), (131_073, 70_000)])
    func aVolumeGrowsAndShrinks(_ sizes: (Int, Int)) throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: sizes.0)
        try volume.write(noise(sizes.0, using: &generator), at: 0)
        _ = try world.run(volume)
        try volume.resize(to: ByteCount(sizes.1))
        if sizes.1 < sizes.0 {
            let error = try #require(throws: ReplicationError.self) { try world.run(volume) }
            #expect(error.code == .shrinkNotAllowed)
            #expect(error.remedy.contains("--allow-shrink"))
            #expect(try world.replica(of: volume).visible?.size == ByteCount(sizes.0))
        } else {
            try volume.write(noise(1000, using: &generator), at: sizes.1 - 1000)
        }
        let result = try world.run(volume) { $0.allowShrink = true }
        #expect(result.mode == .incremental)
        #expect(try world.shows(volume), "seed \(world.seed)")
        let verified = try world.run(volume) { $0.mode = .full(.verify) }
        #expect(verified.driftedLeaves == 0 && verified.progress.changedBytes == .zero)
    }

    @Test func driftAtTheDestinationIsFoundAndRepairedByAFullVerify() throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 16 << 20)
        try volume.write(noise(12 << 20, using: &generator), at: 0)
        _ = try world.run(volume)
        // One granule of data, and one in what is a hole at the source.
        let image = try #require(try visibleImage(of: world.replica(of: volume)))
        let file = try BlockFile.open(image, writable: true)
        var buffer = ChunkBuffer(capacity: .kibibytes(4))
        buffer.copy(noise(4096, using: &generator), at: 0)
        try file.write(buffer, 0..<4096, at: ByteOffset(3 << 20))
        try file.write(buffer, 0..<4096, at: ByteOffset(15 << 20))
        #expect(try !world.shows(volume))
        let events = RecordedEvents()
        let result = try world.run(volume, observer: events) { $0.mode = .full(.verify) }
        #expect(result.driftedLeaves >= 1)
        #expect(events.all.contains(.driftFound(leaves: result.driftedLeaves)))
        #expect(result.progress.changedBytes == .kibibytes(4))
        #expect(try world.shows(volume), "seed \(world.seed)")
    }

    @Test func everySeventhRunIsAVerify() throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 1 << 20)
        var modes: [String] = []
        for _ in 1...8 {
            try volume.write(noise(4096, using: &generator), at: 8192)
            modes.append("\(try world.run(volume).mode)")
        }
        #expect(
            modes == ["fullCopy"] + Array(repeating: "incremental", count: 5)
                + ["fullVerify", "incremental"]
        )
        let recovery = try world.volume("recovery", size: 1 << 20)
        for run in 1...8 {
            let result = try world.run(recovery) { $0.mode = .automatic(.disasterRecovery) }
            #expect(result.mode == (run == 1 ? .fullCopy : .incremental))
        }
    }

    @Test(arguments: CodecChoice.allCases)
    func everyCodecBringsTheSameBytes(_ codec: CodecChoice) throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 12 << 20)
        try volume.write([UInt8](repeating: 66, count: 6 << 20), at: 0)
        try volume.write(noise(3 << 20, using: &generator), at: 7 << 20)
        let result = try world.run(volume) { $0.codec = codec }
        #expect(try world.shows(volume))
        let saved = result.progress.compressedAwayBytes
        #expect((saved > .mebibytes(4)) == (codec != .none))
    }

    @Test(arguments: [1, 2, 16]) func anyNumberOfStreamsWorks(_ streams: Int) throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 40 << 20)
        try volume.write(noise(40 << 20, using: &generator), at: 0)
        let result = try world.run(volume) { $0.streams = streams }
        // Eight threads are all that this sender has.
        #expect(result.streams == min(streams, 8))
        #expect(try world.shows(volume))
    }

    @Test(arguments: [(0, 1), (4, 1), (5, 2), (12, 3), (33, 8)])
    func aStreamIsOpenedForEveryFourMebibytes(_ mebibytes: Int, _ streams: Int) throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 40 << 20)
        try volume.write(noise(mebibytes << 20, using: &generator), at: 0)
        let result = try world.run(volume) { $0.streams = 16 }
        #expect(result.streams == streams)
        #expect(try world.shows(volume))
    }
}

/// Writes granules at random places; how many are different ones.
func scatter(
    _ count: Int,
    over volume: SourceVolume,
    using generator: inout SeededGenerator
) throws -> Int {
    let granules = try volume.liveSize().bytes / 4096
    var written: Set<Int> = []
    while written.count < count {
        let granule = Int.random(in: 0..<granules, using: &generator)
        guard written.insert(granule).inserted else { continue }
        try volume.write(noise(4096, using: &generator), at: granule * 4096)
    }
    return written.count
}

/// The file that holds the visible generation of a replica.
func visibleImage(of replica: ReplicaVolume) throws -> String? {
    guard let visible = replica.visible else { return nil }
    let generation =
        "\(replica.directory)/generations/\(visible.number.number)-\(visible.snapshot)/image"
    return [generation, "\(replica.directory)/image"]
        .first { FileManager.default.fileExists(atPath: $0) }
}
