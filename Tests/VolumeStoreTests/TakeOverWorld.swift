// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import TestSupport
import VolumeStore

/// A source that was sent once, written since, and fenced.
final class TakeOverWorld {
    let pool: RolePool
    let volume: SourceVolume
    let peer: ClusterID
    let common: Generation
    let commonBytes: [UInt8]
    let liveBytes: [UInt8]
    var generator: SeededGenerator
    private let directory: TemporaryDirectory?

    init(_ seed: TestSeed, in path: String? = nil, reflink: ReflinkUse = .never) throws {
        let place = path == nil ? try TemporaryDirectory(inMemory: true) : nil
        self.directory = place
        var generator = seed.generator
        self.pool = try RolePool(path ?? place?.path ?? "", reflink: reflink)
        self.volume = try self.pool.sources.make("data", size: 500_001, using: &generator)
        self.peer = .random(using: &generator)
        try self.volume.write(noise(400_000, using: &generator), at: 0)
        self.common = try self.volume.commitGeneration(to: self.peer, using: &generator)
        self.commonBytes = try self.volume.liveBytes()
        // Two leaves: the first and the third.
        try self.volume.write(noise(100, using: &generator), at: 70)
        try self.volume.write(noise(5000, using: &generator), at: 140_000)
        self.liveBytes = try self.volume.liveBytes()
        self.generator = generator
    }

    func request(of generation: Generation? = nil, by owner: ClusterID? = nil) -> TakeOver {
        TakeOver(
            generation ?? self.common,
            of: self.commonBytes,
            by: owner ?? self.peer,
            key: self.volume.key,
            using: &self.generator
        )
    }

    func takeOver(_ request: TakeOver) throws(TakeOverError) -> ReplicaVolume {
        guard let volume = self.pool.sources.volume(self.volume.id) else {
            throw .store(StoreError(.notFound, "it is no source"))
        }
        return try self.pool.changer.takeOver(
            volume,
            request,
            at: 1_700_000_000,
            using: &self.generator
        )
    }
}
