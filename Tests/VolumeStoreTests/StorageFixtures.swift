// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Testing
import VolumeStore

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

extension [UInt8] {
    /// Replaces a range by as many other bytes, in one copy.
    ///
    /// `replaceSubrange` takes its elements one by one in a debug build, and from `repeatElement` with an
    /// allocation for each: minutes for a test under the thread sanitizer.
    mutating func overwrite(_ range: Range<Int>, with bytes: [UInt8]) {
        precondition(range.count == bytes.count, "\(bytes.count) bytes for \(range)")
        self.withUnsafeMutableBytes { target in
            bytes.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(rebasing: target[range]).copyMemory(from: $0)
            }
        }
    }

    /// Sets a range to zeros.
    mutating func clear(_ range: Range<Int>) {
        self.overwrite(range, with: [UInt8](repeating: 0, count: range.count))
    }
}

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
