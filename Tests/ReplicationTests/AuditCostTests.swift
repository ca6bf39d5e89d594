// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Sender
import TestSupport
import Testing
import VolumeStore

/// What looking at data that should be unchanged leaves behind (P9).
@Suite struct AuditCostTests {
    @Test func noPageOfAHoleIsInTheCacheAfterARun() throws {
        let place = try TemporaryDirectory()
        let path = "\(place.path)/image"
        let image = try BlockFile.create(path, size: .mebibytes(64))
        let world = try World()
        var generator = world.generator
        let data = 1 << 20
        var buffer = ChunkBuffer(capacity: ByteCount(data))
        buffer.copy(noise(data, using: &generator), at: 0)
        try image.write(buffer, 0..<data, at: .zero)
        try image.sync()
        let volume = try world.sources.attach(
            VolumeName("data"),
            path,
            isFrozen: true,
            using: &generator
        )
        for _ in 0..<2 {
            let result = try world.run(volume)
            #expect(result.progress.auditedBytes == .mebibytes(1), "\(world.seed)")
        }
        #expect(try cachedPages(of: path, data..<64 << 20) == 0)
        #expect(try cachedPages(of: path, 0..<data) > 0)
        #expect(try world.shows(volume), "\(world.seed)")
    }
}
