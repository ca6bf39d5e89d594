// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Foundation
import Glibc

/// Measures the stages of the roofline one after the other.
struct StageMeter {
    /// Hot in no cache of this size, and small enough for every machine.
    private static let sample = 256 << 20
    private static let chunk = Geometry.maximumChunk.bytes

    let path: String

    func measure() throws -> Roofline {
        let (read, allocated) = try self.read()
        let stages = try self.stages()
        let (write, disk) = try self.write()
        let nonzero = Double(allocated) * stages.nonzeroShare
        return Roofline(
            cores: sysconf(Int32(_SC_NPROCESSORS_ONLN)),
            read: read,
            memoryCopy: stages.memoryCopy,
            zeroTest: stages.zeroTest,
            digest: stages.digest,
            compress: stages.compress,
            decompress: stages.decompress,
            compressedShare: stages.compressedShare,
            encrypt: try self.encrypt(),
            tcp: try Loopback.bytesPerProcessorSecond(count: 1 << 30),
            write: write,
            disk: disk,
            allocatedBytes: allocated,
            nonzeroBytes: Int(nonzero)
        )
    }

    private func read() throws -> (rate: Double, allocated: Int) {
        try RawFile.warm(self.path)
        let clock = ProcessorClock(CLOCK_THREAD_CPUTIME_ID)
        let bytes = try RawFile.warm(self.path).bytes
        return (Double(bytes) / clock.seconds, bytes)
    }

    private struct Stages {
        var memoryCopy = 0.0
        var zeroTest = 0.0
        var digest = 0.0
        var compress = 0.0
        var decompress = 0.0
        var compressedShare = 0.0
        var nonzeroShare = 0.0
    }

    /// Every stage over the same chunks, spread over the whole volume.
    private func stages() throws -> Stages {
        let file = try RawFile(self.path)
        var key = Generator(seed: 1)
        let hasher = LeafHasher(key: .random(using: &key))
        var compressor = ChunkCompressor()
        var decompressor = ChunkDecompressor()
        var input = ChunkBuffer(capacity: ByteCount(Self.chunk))
        var output = ChunkBuffer(capacity: ByteCount(Self.chunk))
        var back = ChunkBuffer(capacity: ByteCount(Self.chunk))
        var time = (copy: 0.0, digest: 0.0, pack: 0.0, unpack: 0.0)
        var total = 0
        var nonzero = 0
        var packed = 0
        var unpacked = 0
        for offset in try self.chunks(of: file) {
            let range = 0..<Self.chunk
            let count = try input.withUnsafeMutableBytes(range) { memory in
                try file.read(at: ByteOffset(offset), into: memory)
            }
            guard count == Self.chunk else { continue }
            total += count
            // The first pass over new bytes brings them into the cache; it is not counted.
            _ = Checksum.xxh3(input, range)
            time.copy += ProcessorClock.time { output.copy(input, range, at: 0) }
            if ZeroTest.isZero(input, range) { continue }
            nonzero += count
            time.digest += ProcessorClock.time {
                for leaf in stride(from: 0, to: count, by: Geometry.leaf.bytes) {
                    _ = hasher.digest(ofLeafIn: input, leaf..<leaf + Geometry.leaf.bytes)
                }
            }
            var length: Int?
            time.pack += ProcessorClock.time {
                length = compressor.compress(input, range, into: &output, at: 0, codec: .lz4)
            }
            packed += length ?? count
            guard let length else { continue }
            unpacked += count
            time.unpack += ProcessorClock.time {
                _ = decompressor.decompress(
                    output,
                    0..<length,
                    into: &back,
                    0..<count,
                    codec: .lz4
                )
            }
        }
        guard nonzero > 0, unpacked > 0 else {
            throw HarnessError("\(self.path) has too little in it for a roofline")
        }
        return Stages(
            memoryCopy: Double(total) / time.copy,
            zeroTest: Self.zeroTest(),
            digest: Double(nonzero) / time.digest,
            compress: Double(nonzero) / time.pack,
            // Chunks that do not compress travel as they are and cost nothing here.
            decompress: Double(nonzero) / time.unpack,
            compressedShare: Double(packed) / Double(nonzero),
            nonzeroShare: Double(nonzero) / Double(total)
        )
    }

    /// Bytes per second of the zero test over zeros: elsewhere it ends at the first word.
    private static func zeroTest() -> Double {
        let zeros = ChunkBuffer(capacity: ByteCount(self.chunk))
        var found = 0
        let rounds = 64
        let seconds = ProcessorClock.time {
            for _ in 0..<rounds where ZeroTest.isZero(zeros, 0..<self.chunk) { found += 1 }
        }
        precondition(found == rounds, "zeros are not zero: \(found) of \(rounds)")
        return Double(rounds * self.chunk) / seconds
    }

    /// Where allocated chunks start: all of them, or evenly spread ones of a large volume.
    private func chunks(of file: RawFile) throws -> [Int] {
        var starts: [Int] = []
        var place = ByteOffset.zero
        while let extent = try file.nextData(from: place) {
            starts += stride(
                from: extent.start.bytes,
                to: extent.end.bytes - Self.chunk + 1,
                by: Self.chunk
            )
            place = extent.end
        }
        let step = max(1, starts.count / (Self.sample / Self.chunk))
        return stride(from: 0, to: starts.count, by: step).map { starts[$0] }
    }

    private func encrypt() throws -> Double {
        let output = try run([
            "openssl", "speed", "-mr", "-evp", "aes-128-gcm", "-bytes", "16384", "-seconds", "1",
        ])
        let line = output.split(separator: "\n").first { $0.hasPrefix("+F:") }
        guard let rate = line?.split(separator: ":").last.flatMap({ Double($0) }) else {
            throw HarnessError("openssl speed printed no rate: \(output)")
        }
        return rate
    }

    private func write() throws -> (processor: Double, disk: Double) {
        let path = Scratch.path("write")
        defer { unlink(path) }
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.chunk,
            alignment: 4096
        )
        defer { memory.deallocate() }
        var generator = Generator(seed: 2)
        for place in stride(from: 0, to: memory.count, by: 8) {
            memory.storeBytes(of: generator.next(), toByteOffset: place, as: UInt64.self)
        }
        let file = try RawFile(path, writable: true, create: true)
        let start = ContinuousClock.now
        let clock = ProcessorClock(CLOCK_THREAD_CPUTIME_ID)
        for offset in stride(from: 0, to: 2 * Self.sample, by: Self.chunk) {
            try file.write(UnsafeRawBufferPointer(memory), at: ByteOffset(offset))
        }
        let processor = clock.seconds
        try file.sync()
        let wall = (ContinuousClock.now - start) / .seconds(1)
        return (Double(2 * Self.sample) / processor, Double(2 * Self.sample) / wall)
    }
}
