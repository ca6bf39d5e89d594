// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Sender
import TestSupport
import Testing
import VolumeStore

/// What looking at holes that should be unchanged finds, and what it leaves behind (P9).
@Suite struct HoleAuditTests {
    private static let data = 1 << 20
    private static let size = 64 << 20

    private let world: World
    private let place: TemporaryDirectory
    private let image: BlockFile
    private let volume: SourceVolume

    init() throws {
        self.world = try World()
        self.place = try TemporaryDirectory()
        self.image = try BlockFile.create("\(self.place.path)/image", size: ByteCount(Self.size))
        var generator = self.world.generator
        try Self.write(noise(Self.data, using: &generator), to: self.image, at: 0)
        try self.image.sync()
        self.volume = try self.world.sources.attach(
            VolumeName("data"),
            self.image.path,
            isFrozen: true,
            using: &generator
        )
    }

    private static func write(_ bytes: [UInt8], to file: BlockFile, at place: Int) throws {
        var buffer = ChunkBuffer(capacity: ByteCount(bytes.count))
        buffer.copy(bytes, at: 0)
        try file.write(buffer, 0..<bytes.count, at: ByteOffset(place))
    }

    @Test func noPageOfAHoleIsInTheCacheAfterARun() throws {
        for _ in 0..<2 {
            let result = try self.world.run(self.volume)
            #expect(result.progress.auditedBytes == .mebibytes(1), "\(self.world.seed)")
        }
        #expect(try cachedPages(of: self.image.path, Self.data..<Self.size) == 0)
        #expect(try cachedPages(of: self.image.path, 0..<Self.data) > 0)
        #expect(try self.world.shows(self.volume), "\(self.world.seed)")
    }

    /// As of a file system that tells of holes where there is data: the map is there when it is written.
    @Test func dataInAPlaceThatIsToldToBeAHoleIsFoundAndTheMapDistrusted() throws {
        let image = self.image
        let events = RecordedEvents { event in
            guard case .started(_, _, .allocationMap, _, _) = event
            else { return }
            for place in stride(from: Self.data, to: Self.size, by: Geometry.leaf.bytes) {
                try? Self.write([1], to: image, at: place + 70)
            }
        }
        // The file was declared frozen and is written: what it shows at the end is no generation.
        #expect(throws: ReplicationError.self) {
            try self.world.run(self.volume, observer: events) { $0.mode = .full(.copy) }
        }
        let distrusted = events.all.contains { event in
            if case .changeSourceDistrusted(.allocationMap, _) = event { true } else { false }
        }
        #expect(distrusted, "\(self.world.seed): \(events.all)")
        #expect(self.volume.distrusted == [.allocationMap])
    }
}
