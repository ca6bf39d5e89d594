// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

@Suite struct StorageBlockFileTests {
    private let place: TemporaryDirectory

    init() throws { self.place = try TemporaryDirectory() }

    private func path(_ name: String) -> String { "\(self.place.path)/\(name)" }

    @Test(arguments: [0, 1, 4095, 4096, 65_537, 1_000_003])
    func whatIsWrittenIsRead(size: Int) throws {
        var generator = SeededGenerator(seed: 1)
        let bytes = noise(size, using: &generator)
        let file = try BlockFile.create(self.path("volume"), size: ByteCount(size))
        try file.put(bytes, at: 0)
        try file.sync()
        #expect(try file.size() == ByteCount(size))
        #expect(!file.isBlockDevice)
        #expect(try file.contents() == Data(bytes))
    }

    @Test func whatLiesPastTheEndReadsAsZeros() throws {
        let file = try BlockFile.create(self.path("volume"), size: .zero)
        try file.put([1, 2, 3], at: 0)
        #expect(try file.get(6, at: 1) == [2, 3, 0, 0, 0, 0])
        #expect(try file.get(4, at: 1 << 40) == [0, 0, 0, 0])
        #expect(file.readBytes == ByteCount(2))
    }

    @Test func aRangeOfTheBufferIsWrittenAndRead() throws {
        let file = try BlockFile.create(self.path("volume"), size: ByteCount(16))
        var buffer = ChunkBuffer(capacity: ByteCount(8))
        buffer.copy([1, 2, 3, 4, 5, 6, 7, 8], at: 0)
        try file.write(buffer, 2..<5, at: ByteOffset(7))
        try file.read(at: ByteOffset(6), length: 4, into: &buffer, at: 4)
        #expect(buffer.array(0..<8) == [1, 2, 3, 4, 0, 3, 4, 5])
    }

    @Test func aNewFileIsSparseAndPrivate() throws {
        let file = try BlockFile.create(self.path("volume"), size: .tebibytes(4))
        #expect(try file.size() == .tebibytes(4))
        #expect(try file.allocatedSize() < .kibibytes(64))
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        #expect(try file.extents() == [KindedExtent(extent(0, 4 << 40), .zero)])
    }

    @Test func errorsNameTheFileTheReasonAndWhatToDo() throws {
        let missing = self.path("missing")
        let error = #expect(throws: StoreError.self) {
            _ = try BlockFile.open(missing, writable: false)
        }
        #expect(
            error?.description
                == "Cannot open for reading (\(missing)): No such file or directory (ENOENT). "
                + "Check the path."
        )
        #expect(error?.isRetryable == false)
    }

    @Test func namesThatCannotBeUsedAreRefused() throws {
        try Data().write(to: URL(fileURLWithPath: self.path("taken")))
        try Shell.run("mkfifo", self.path("fifo"))
        let fifo = self.path("fifo")
        let directory = self.place.path
        #expect(
            code { _ = try BlockFile.create(self.path("taken"), size: .zero) } == .alreadyExists
        )
        #expect(code { _ = try BlockFile.open(directory, writable: false) } == .invalid)
        #expect(code { _ = try BlockFile.open(directory, writable: true) } == .invalid)
        #expect(code { _ = try BlockFile.open("/dev/null", writable: true) } == .invalid)
        // Must not wait for a writer.
        #expect(code { _ = try BlockFile.open(fifo, writable: false) } == .invalid)
    }

    @Test func zeroedRangesReadAsZerosAndTakeNoSpace() throws {
        var generator = SeededGenerator(seed: 2)
        var bytes = noise(1 << 20, using: &generator)
        let file = try BlockFile.create(self.path("volume"), size: ByteCount(bytes.count))
        try file.put(bytes, at: 0)
        try file.sync()
        let before = try file.allocatedSize()
        for range in [0..<4096, 10_000..<300_001, 1_000_000..<(1 << 20)] {
            try file.zero(extent(range.lowerBound, range.upperBound))
            bytes.clear(range)
        }
        // Beyond the end there is nothing to do, and the file stays as long as it is.
        try file.zero(extent(1 << 19, 1 << 30))
        bytes.clear((1 << 19)..<(1 << 20))
        #expect(try file.contents() == Data(bytes))
        #expect(try file.size() == ByteCount(1 << 20))
        #expect(try file.allocatedSize() < before - .kibibytes(512))
    }

    @Test func extentsTellDataFromHoles() throws {
        let file = try BlockFile.create(self.path("volume"), size: ByteCount((1 << 20) + 5))
        try file.put([UInt8](repeating: 1, count: 4096), at: 65_536)
        try file.put([7], at: 1 << 20)
        let found = try file.extents()
        #expect(found.first?.extent.start == .zero)
        #expect(found.last?.extent.end == ByteOffset((1 << 20) + 5))
        let data = ExtentSet(found.filter { $0.kind == .data }.map(\.extent))
        #expect(data.contains(extent(65_536, 69_632)))
        #expect(data.contains(extent(1 << 20, (1 << 20) + 5)))
        #expect(!data.overlaps(extent(0, 65_536)) && !data.overlaps(extent(131_072, 1 << 20)))
        #expect(zip(found, found.dropFirst()).allSatisfy { $0.extent.end == $1.extent.start })
        #expect(try file.nextExtent(from: ByteOffset((1 << 20) + 5)) == nil)
    }

    @Test func roomIsTakenForHolesAndTheDataThatNeedsNoneIsTold() throws {
        let path = self.path("volume")
        let file = try BlockFile.create(path, size: .mebibytes(4))
        try file.put([UInt8](repeating: 7, count: 1 << 20), at: 1 << 20)
        try file.sync()
        let before = try self.blocks(of: path)
        let data = try file.reserve(extent((1 << 20) + 4096, (1 << 20) + 8192))
        #expect(data == extent((1 << 20) + 4096, 2 << 20))
        #expect(try self.blocks(of: path) == before)
        // From the data into the hole behind it.
        #expect(try file.reserve(extent((2 << 20) - 4096, (2 << 20) + 8192)) == nil)
        #expect(try file.reserve(extent(3 << 20, (3 << 20) + 4096)) == nil)
        #expect(try self.blocks(of: path) >= before + (8192 + 4096) / 512)
        // From the hole into the data.
        let end = try file.reserve(extent((1 << 20) - 4096, (1 << 20) + 4096))
        #expect(end == extent(1 << 20, 2 << 20))
        #expect(try file.contents().count { $0 == 7 } == 1 << 20)
    }

    /// The space that a file has, in units of 512 bytes.
    private func blocks(of path: String) throws -> Int {
        var info = stat()
        try #require(stat(path, &info) == 0)
        return Int(info.st_blocks)
    }

    @Test func theAllocationMapReportsWholeGranulesOfData() throws {
        let size = (1 << 20) + 5
        let file = try BlockFile.create(self.path("volume"), size: ByteCount(size))
        for place in [3, 5000, 300_000, 1 << 20] { try file.put([9], at: place) }
        var source = try AllocationMapSource(file)
        let changes = try source.remaining()
        let reported = ExtentSet(changes.map(\.extent))
        #expect(changes.allSatisfy { $0.kind == .data })
        #expect(changes.map(\.extent) == reported.extents)
        for place in [3, 5000, 300_000, 1 << 20] {
            #expect(reported.contains(extent(place, place + 1)))
        }
        #expect(
            reported.extents.allSatisfy {
                $0.start.bytes % 4096 == 0
                    && ($0.end.bytes % 4096 == 0 || $0.end.bytes == size)
            }
        )
        #expect(source.kind == .allocationMap && source.certainty == .superset)
    }

    /// An attached volume that was declared frozen, and is not.
    @Test func theAllocationMapEndsWhereTheVolumeEndedWhenItWasOpened() throws {
        let file = try BlockFile.create(self.path("growing"), size: ByteCount(100_001))
        try file.put([9], at: 100_000)
        var source = try AllocationMapSource(file)
        try file.put([9], at: 1 << 20)
        try file.put([9], at: 2 << 20)
        let reported = ExtentSet(try source.remaining().map(\.extent))
        #expect(reported.contains(extent(98_304, 100_001)))
        #expect(!reported.overlaps(extent(100_001, 4 << 20)))
    }

    @Test func aCopyHasTheSameBytesAndTheSameHoles() throws {
        var generator = SeededGenerator(seed: 4)
        let file = try BlockFile.create(self.path("volume"), size: ByteCount((8 << 20) + 77))
        for start in [0, 3 << 20, (8 << 20) - 10] {
            try file.put(noise(87, using: &generator), at: start)
        }
        try file.put(noise(1_500_000, using: &generator), at: 4 << 20)
        let copy = try file.copyData(to: self.path("copy"))
        #expect(try copy.contents() == file.contents())
        #expect(try copy.allocatedSize() < .mebibytes(2))
        #expect(code { _ = try file.copyData(to: self.path("copy")) } == .alreadyExists)
    }

    @Test func aFailedCopyLeavesNothingBehind() throws {
        let source = try BlockFile.create(self.path("volume"), size: ByteCount(4096))
        #expect(code { _ = try source.copyData(to: self.path("no/such")) } == .notFound)
        #expect(!FileManager.default.fileExists(atPath: self.path("no")))
    }

    @Test func aGrownFileIsZeroThereAndAShrunkOneForgets() throws {
        let file = try BlockFile.create(self.path("volume"), size: ByteCount(10))
        try file.put([UInt8](repeating: 5, count: 10), at: 0)
        try file.resize(to: ByteCount(3))
        try file.resize(to: ByteCount(8))
        #expect(try file.contents() == Data([5, 5, 5, 0, 0, 0, 0, 0]))
    }

    @Test func theStampChangesWithTheBytes() throws {
        let file = try BlockFile.create(self.path("volume"), size: ByteCount(10))
        let stamp = try file.modificationStamp()
        #expect(try file.modificationStamp() == stamp)
        #expect(FileStamp(stamp.description) == stamp)
        #expect(FileStamp("1.2.3") == nil && FileStamp("a.1.2.3") == nil)
        // The kernel's clock for stamps ticks in steps; one of a later tick is certain to differ.
        repeat { try file.put([1], at: 0) } while try file.modificationStamp() == stamp
        #expect(try file.modificationStamp().changed > stamp.changed)
    }

    @Test func manyThreadsUseOneFile() async throws {
        let file = try BlockFile.create(self.path("volume"), size: .mebibytes(8))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for round in 0..<64 {
                        let place = (round * 8 + task) * 16_384
                        try file.put([UInt8](repeating: UInt8(task + 1), count: 16_384), at: place)
                        _ = try file.nextExtent(from: ByteOffset(place))
                        let read = try file.get(16_384, at: place)
                        #expect(read.allSatisfy { $0 == UInt8(task + 1) })
                    }
                }
            }
            try await group.waitForAll()
        }
        let bytes = try file.contents()
        for block in 0..<512 { #expect(bytes[block * 16_384 + 99] == UInt8(block % 8 + 1)) }
        #expect(file.readBytes == .mebibytes(8))
    }

    @Test func directReadsAndWritesPassTheCache() throws {
        let path = self.path("volume")
        let file = try BlockFile.create(path, size: .mebibytes(1))
        let direct = try BlockFile.openDirect(path, writable: true)
        var buffer = ChunkBuffer(capacity: .kibibytes(64))
        buffer.copy([UInt8](repeating: 3, count: 65_536), at: 0)
        try direct.write(buffer, 0..<65_536, at: ByteOffset(131_072))
        #expect(try file.get(3, at: 131_071) == [0, 3, 3])
        #expect(code { try direct.write(buffer, 1..<100, at: ByteOffset(1)) } == .invalid)
    }

    @Test func pastTheCacheIsTheSameFileAndNothingOfItIsCached() throws {
        let path = self.path("volume")
        let file = try BlockFile.create(path, size: .mebibytes(1))
        try file.put([3, 3], at: 131_072)
        let direct = try #require(file.bypassingCache())
        let kept = self.path("kept")
        try FileManager.default.moveItem(atPath: path, toPath: kept)
        _ = try BlockFile.create(path, size: .mebibytes(1))
        // Its writes are seen that no sync has written out.
        #expect(try direct.get(4096, at: 131_072) == [3, 3] + [UInt8](repeating: 0, count: 4094))
        #expect(try direct.get(65_536, at: 524_288) == [UInt8](repeating: 0, count: 65_536))
        #expect(try cachedPages(of: kept, 131_072..<135_168) == 1)
        #expect(try cachedPages(of: kept, 524_288..<589_824) == 0)
        _ = try file.get(65_536, at: 524_288)
        #expect(try cachedPages(of: kept, 524_288..<589_824) == 16)
    }
}
