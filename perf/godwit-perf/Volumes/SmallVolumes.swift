// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation

/// Many volumes of 64 MiB with little data in each, and the change of some leaves in all of them.
///
/// Each one is a part of one large volume, which holds the same bytes in the same order.
struct SmallVolumes: Change {
    /// The size of each.
    static let size = ByteCount.mebibytes(64)
    /// The data of each is so many runs of a MiB; the rest is a hole.
    static let runs = 4
    static let changedLeaves = 10
    private static let run = ByteCount.mebibytes(1)

    let count: Int
    let seed: UInt64

    var names: [String] { (0..<self.count).map { "small-\($0)" } }
    var size: ByteCount { ByteCount(self.count * Self.size.bytes) }
    var dataSize: ByteCount { ByteCount(self.count * Self.runs * Self.run.bytes) }

    /// Bytes of the leaves that change, in all of them.
    var byteCount: ByteCount {
        ByteCount(self.count * Self.changedLeaves * Geometry.leaf.bytes)
    }

    /// Makes a folder with one sparse file for each, in the state before.
    func write(to folder: String) throws(HarnessError) {
        for (index, name) in self.names.enumerated() {
            let file = try RawFile("\(folder)/\(name)", writable: true, create: true)
            try file.resize(to: Self.size)
            try self.write(self.data(of: index), .before, to: file, origin: index * Self.size.bytes)
            try file.sync()
        }
    }

    /// Makes one sparse file of them all, in the state before.
    func write(concatenatedTo path: String) throws(HarnessError) {
        let file = try RawFile(path, writable: true, create: true)
        try file.resize(to: self.size)
        for index in 0..<self.count { try self.write(self.data(of: index), .before, to: file) }
        try file.sync()
    }

    /// Brings the files of a folder from one state into the other, in place.
    func apply(_ state: VolumeState, to folder: String) throws(HarnessError) {
        for (index, name) in self.names.enumerated() {
            let file = try RawFile("\(folder)/\(name)", writable: true)
            let leaves = self.changed(in: index)
            try self.write(leaves, state, to: file, origin: index * Self.size.bytes)
            try file.sync()
        }
    }

    /// The same change for the one file of them all.
    struct Concatenated: Change {
        let volumes: SmallVolumes

        var byteCount: ByteCount { self.volumes.byteCount }

        func apply(_ state: VolumeState, to path: String) throws(HarnessError) {
            let file = try RawFile(path, writable: true)
            for index in 0..<self.volumes.count {
                try self.volumes.write(self.volumes.changed(in: index), state, to: file)
            }
            try file.sync()
        }
    }

    /// The places of a volume's data in the large volume, leaf by leaf.
    private func data(of index: Int) -> [Int] {
        var runs = Array(0..<Self.size.bytes / Self.run.bytes)
        var generator = self.generator(of: index)
        generator.shuffle(&runs)
        return runs.prefix(Self.runs).sorted()
            .flatMap { run in
                stride(
                    from: index * Self.size.bytes + run * Self.run.bytes,
                    to: index * Self.size.bytes + (run + 1) * Self.run.bytes,
                    by: Geometry.leaf.bytes
                )
            }
    }

    /// The leaves of it that change: data, so that going back and forth fills no hole.
    private func changed(in index: Int) -> [Int] {
        var leaves = self.data(of: index)
        var generator = self.generator(of: index)
        generator.shuffle(&leaves)
        return leaves.prefix(Self.changedLeaves).sorted()
    }

    private func generator(of index: Int) -> Generator {
        Generator(seed: self.seed &+ UInt64(index) &* 0x9e37_79b9)
    }

    /// Writes leaves whose places count from the start of the large volume.
    private func write(
        _ leaves: [Int],
        _ state: VolumeState,
        to file: RawFile,
        origin: Int = 0
    ) throws(HarnessError) {
        let size = Geometry.leaf.bytes
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 4096)
        defer { memory.deallocate() }
        let version: UInt64
        switch state {
        case .before: version = 0
        case .after: version = 1
        }
        for leaf in leaves {
            // Every other MiB compresses.
            let kind: SegmentKind =
                (leaf / Self.run.bytes).isMultiple(of: 2) ? .rows : .incompressible
            kind.fill(memory, seed: self.seed, version: version, at: leaf)
            try file.write(UnsafeRawBufferPointer(memory), at: ByteOffset(leaf - origin))
        }
    }
}
