// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Foundation
import Testing
import VolumeStore

/// The seed of a random test: printed, and taken back from GODWIT_SEED to repeat a failure.
struct StorageSeed: CustomStringConvertible {
    let value: UInt64

    init(_ test: String = #function) {
        let given = ProcessInfo.processInfo.environment["GODWIT_SEED"].flatMap { UInt64($0) }
        self.value = given ?? UInt64.random(in: 0...UInt64.max)
        print("seed of \(test): GODWIT_SEED=\(self.value)")
    }

    var generator: SplitMix { SplitMix(state: self.value) }

    var description: String { "GODWIT_SEED=\(self.value)" }
}

/// The extent of a half-open range.
func extent(_ start: Int, _ end: Int) -> Extent { Extent(ByteOffset(start), ByteOffset(end)) }

extension BlockFile {
    /// Writes the bytes of an array.
    func put(_ bytes: [UInt8], at place: Int) throws {
        guard !bytes.isEmpty else { return }
        var buffer = ChunkBuffer(capacity: ByteCount(bytes.count))
        buffer.copy(bytes, at: 0)
        try self.write(buffer, 0..<bytes.count, at: ByteOffset(place))
    }

    /// Reads into an array; the buffer holds other bytes before.
    func get(_ count: Int, at place: Int) throws -> [UInt8] {
        guard count > 0 else { return [] }
        var buffer = ChunkBuffer(capacity: ByteCount(count))
        buffer.copy([UInt8](repeating: 0xEE, count: count), at: 0)
        try self.read(at: ByteOffset(place), length: count, into: &buffer, at: 0)
        return buffer.array(0..<count)
    }

    /// Everything, read by other means so that it is not counted.
    func contents() throws -> Data {
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: self.path))
        return try handle.readToEnd() ?? Data()
    }

    /// What the file holds, from its first byte to its last.
    func extents() throws -> [KindedExtent] {
        var found: [KindedExtent] = []
        while let next = try self.nextExtent(from: found.last?.extent.end ?? .zero) {
            found.append(next)
        }
        return found
    }
}

/// Bytes that are not zero, random, and of no order that a compressor could find.
func pattern(_ count: Int, using generator: inout SplitMix) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count {
        let start = Int.random(in: 0..<randomPool.count - 1, using: &generator)
        bytes += randomPool[start..<min(randomPool.count, start + count - bytes.count)]
    }
    return bytes
}

/// Made once: random numbers one by one are slow in a debug build.
private let randomPool: [UInt8] = {
    var generator = SplitMix(state: 1)
    return (0..<500_000).map { _ in UInt8(truncatingIfNeeded: generator.next()) | 1 }
}()

/// The code of the error that a call throws.
func code(of body: () throws -> Void) -> StoreError.Code? {
    do {
        try body()
        return nil
    } catch let error as StoreError {
        return error.code
    } catch {
        Issue.record(error)
        return nil
    }
}
