// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Glibc

/// A huge sparse volume on XFS that is replicated to another XFS, again and again.
final class SparseMeasurement {
    private let seed: UInt64
    private let pair: GodwitPair
    private var count = 0

    init(seed: UInt64) throws {
        self.seed = seed
        // The images are sparse too: what nobody writes takes no room.
        self.pair = try GodwitPair("sparse", .reflink(.xfs), room: .gibibytes(64))
    }

    /// An empty volume, the same with one granule in each of some leaves, and those changed again.
    func measure(_ size: ByteCount, leaves: Int, _ repeats: Int) throws -> [SparseResults.Row] {
        self.count += 1
        let name = "sparse-\(self.count)"
        let what = "\(size.bytes >> 40) TiB, \(leaves) leaves"
        try self.pair.sender.run(["volume", "create", name, "--size", "\(size.bytes >> 40)TiB"])
        let path = try self.path(of: name)
        var rows = SparseResults.Kind.allCases.map { kind in
            SparseResults.Row(
                sizeBytes: size.bytes,
                leaves: kind == .empty ? 0 : leaves,
                kind: kind
            )
        }
        rows[0].samples.append(try self.replicate(name))
        for version in 0...repeats {
            say("\(what): writing, \(version + 1) of \(repeats + 1)")
            try self.write(path, size, leaves: leaves, version: UInt64(version))
            let index = version == 0 ? 1 : 2
            let sample = try self.replicate(name)
            rows[index].samples.append(sample)
            say("\(what): \(fixed(sample.wallSeconds, 3)) s, \(sample.wireBytes) bytes")
        }
        // Both sides read all that they have on their disks; the command fails where a digest differs.
        try self.pair.sender.run(["volume", "verify", name, "--against", "perf"])
        for row in rows.indices {
            for sample in rows[row].samples.indices { rows[row].samples[sample].identical = true }
        }
        try self.pair.sender.run(["volume", "delete", name, "--yes"])
        try self.pair.receiver.run(["volume", "delete", name, "--yes"])
        return rows
    }

    /// Where the live bytes of a volume are.
    private func path(of name: String) throws -> String {
        let text = try self.pair.sender.run(["volume", "show", name, "-o", "json"])
        let parsed = try JSONSerialization.jsonObject(with: Data(text.utf8))
        let object = (parsed as? [Any])?.first ?? parsed
        guard let path = (object as? [String: Any])?["path"] as? String else {
            throw HarnessError("no path of volume \(name) in: \(text.suffix(300))")
        }
        return path
    }

    /// Writes 4 KiB somewhere in each of the leaves, which lie all over the volume.
    private func write(
        _ path: String,
        _ size: ByteCount,
        leaves: Int,
        version: UInt64
    ) throws {
        let file = try RawFile(path, writable: true)
        let granule = Geometry.granule.bytes
        let perLeaf = Geometry.leaf.bytes / granule
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: granule, alignment: 4096)
        defer { memory.deallocate() }
        // The places are those of all versions, the bytes this one's.
        var places = Generator(seed: self.seed)
        var bytes = Generator(seed: self.seed ^ (version + 1) << 32)
        let stride = size.bytes / Geometry.leaf.bytes / leaves
        guard stride > 0 else { throw HarnessError("the volume has fewer leaves than \(leaves)") }
        for index in 0..<leaves {
            let leaf = index * stride + places.below(stride)
            let place = leaf * Geometry.leaf.bytes + places.below(perLeaf) * granule
            for word in Swift.stride(from: 0, to: granule, by: 8) {
                memory.storeBytes(of: bytes.next(), toByteOffset: word, as: UInt64.self)
            }
            try file.write(UnsafeRawBufferPointer(memory), at: ByteOffset(place))
        }
        try self.pair.syncSources()
    }

    private func replicate(_ name: String) throws -> Sample {
        let report = Scratch.path("sparse.json")
        unlink(report)
        // Uncompressed: what is not payload is metadata.
        let options = ["--codec", "none"]
        var sample = try self.pair.meter.measure {
            try self.pair.replicate([name], options: options, report: report).wait()
        }
        sample.reported = try self.pair.report(in: report)
        return sample
    }

    func close() throws { try self.pair.close() }
}
