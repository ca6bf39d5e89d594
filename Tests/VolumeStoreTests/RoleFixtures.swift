// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Codecs
import Foundation
import Synchronization
import TestSupport
import Testing
import VolumeStore

/// Stops at one point of a change of role, as a killed process does: nothing is cleaned up.
final class RoleCrash: Sendable {
    private let point: RoleChangePoint?
    private let stopped = Atomic(false)

    init(at point: RoleChangePoint?) { self.point = point }

    var hasHappened: Bool { self.stopped.load(ordering: .relaxed) }

    var hook: RoleChangeHook {
        { (point) throws(StoreError) in
            guard point == self.point else { return }
            self.stopped.store(true, ordering: .relaxed)
            throw StoreError(.ioFailed, "crash at \(point)")
        }
    }
}

/// One pool whose volumes change their roles, and that can be opened again as after a crash.
final class RolePool {
    let path: String
    let reflink: ReflinkUse
    private(set) var sources: SourceStore
    private(set) var replicas: ReplicaStore
    private(set) var changer: RoleChanger

    init(_ path: String, reflink: ReflinkUse) throws {
        self.path = path
        self.reflink = reflink
        self.sources = try SourceStore(pool: path)
        self.replicas = try ReplicaStore(pool: path, options: ReplicaOptions(reflink: reflink))
        self.changer = RoleChanger(sources: self.sources, replicas: self.replicas)
    }

    /// Opens the pool as a new process would.
    func reopen(_ crash: RoleCrash = RoleCrash(at: nil)) throws {
        self.sources = try SourceStore(pool: self.path)
        self.replicas = try ReplicaStore(
            pool: self.path,
            options: ReplicaOptions(reflink: self.reflink)
        )
        self.changer = RoleChanger(
            sources: self.sources,
            replicas: self.replicas,
            hook: crash.hook
        )
        #expect(self.sources.faults.isEmpty)
        #expect(self.replicas.faults.isEmpty)
        #expect(try self.hidden.isEmpty)
    }

    /// What a change that was stopped left beside the volumes.
    var hidden: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: "\(self.path)/volumes")
                .filter { $0.hasPrefix(".") }
        }
    }
}

/// The root of bytes, by the plainest way.
func plainRoot(
    _ bytes: [UInt8],
    _ volume: VolumeID,
    _ lineage: LineageID,
    _ key: LineageKey
) -> RootDigest {
    var tree = DigestTree(
        store: MemoryDigestPages(),
        size: ByteCount(bytes.count),
        volume: volume,
        lineage: lineage,
        key: key,
        algorithm: .ph128
    )
    for (leaf, digest) in leafDigests(of: bytes, key) { tree.set(leaf, digest) }
    return tree.root()
}

private func leafDigests(of bytes: [UInt8], _ key: LineageKey) -> [(LeafIndex, LeafDigest)] {
    let hasher = LeafHasher(key: key)
    var buffer = ChunkBuffer(capacity: Geometry.leaf)
    return stride(from: 0, to: bytes.count, by: Geometry.leaf.bytes)
        .map { start in
            let end = min(start + Geometry.leaf.bytes, bytes.count)
            buffer.clear(0..<Geometry.leaf.bytes)
            buffer.copy(Array(bytes[start..<end]), at: 0)
            let digest = hasher.digest(ofLeafIn: buffer, 0..<Geometry.leaf.bytes)
            return (LeafIndex(start / Geometry.leaf.bytes), digest)
        }
}

extension SourceVolume {
    /// What the application has written.
    func liveBytes() throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: self.livePath)))
    }

    /// Does what a run does that ends in a commit at a pair; the destination is not there, and its
    /// acknowledgement may be lost.
    func commitGeneration(
        to pair: ClusterID,
        isHeard: Bool = true,
        using generator: inout SeededGenerator
    ) throws -> Generation {
        let snapshot = try self.freeze(.random(using: &generator))
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: #require(snapshot.imagePath))))
        try snapshot.clearWorkingDigests()
        var tree = DigestTree(
            store: try DigestFile.create(snapshot.workingDigestsPath),
            size: snapshot.size,
            volume: self.id,
            lineage: self.lineage,
            key: self.key,
            algorithm: .ph128
        )
        for (leaf, digest) in leafDigests(of: bytes, self.key) { try tree.set(leaf, digest) }
        let generation = Generation(
            volume: self.id,
            lineage: self.lineage,
            number: snapshot.number,
            snapshot: snapshot.snapshot,
            size: snapshot.size,
            root: try tree.root()
        )
        try tree.store.sync()
        try snapshot.record(generation, .ph128)
        var record = try self.pair(pair)
        if isHeard {
            record.committed = generation
            record.successfulRuns += 1
        } else {
            record.pending = PendingTarget(
                number: generation.number,
                snapshot: generation.snapshot,
                size: generation.size,
                mode: .incremental,
                reason: nil
            )
        }
        try self.store(record)
        self.release(snapshot)
        try self.prune()
        return generation
    }
}

extension TakeOver {
    /// What the agent of a promoted volume asks, whose bytes were those of a generation.
    init(
        _ former: Generation,
        of bytes: [UInt8],
        by owner: ClusterID,
        key: LineageKey,
        using generator: inout SeededGenerator
    ) {
        let lineage = LineageID.random(using: &generator)
        self.init(
            owner: owner,
            ownerNames: ["site-b"],
            former: former,
            lineage: lineage,
            root: plainRoot(bytes, former.volume, lineage, key),
            key: key
        )
    }
}
