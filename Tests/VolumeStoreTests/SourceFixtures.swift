// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import TestSupport
import VolumeStore

extension SourceStore {
    /// An empty volume.
    func make(
        _ name: String,
        size: Int,
        using generator: inout SeededGenerator
    ) throws -> SourceVolume {
        try self.create(VolumeName(name), size: ByteCount(size), using: &generator)
    }
}

extension SourceVolume {
    /// Writes as the application would.
    func write(_ bytes: [UInt8], at place: Int) throws {
        try BlockFile.open(self.livePath, writable: true).put(bytes, at: place)
    }
}

/// A generation of a snapshot, with any root.
func generation(of volume: SourceVolume, _ snapshot: SourceSnapshot) throws -> Generation {
    guard let root = RootDigest([UInt8](repeating: 7, count: 32)) else {
        throw StoreError(.invalid, "a root has 32 bytes")
    }
    return Generation(
        volume: volume.id,
        lineage: volume.lineage,
        number: snapshot.number,
        snapshot: snapshot.snapshot,
        size: snapshot.size,
        root: root
    )
}
