// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

@Suite(.serialized, .enabled(if: LoopFileSystem.isAvailable([]), LoopFileSystem.reason))
struct StorageDeviceTests {
    @Test func aDeviceIsReadWrittenAndZeroed() throws {
        var generator = SeededGenerator(seed: 5)
        try LoopDevice.attached(size: 4 << 20) { device in
            let file = try BlockFile.open(device, writable: true)
            #expect(file.isBlockDevice)
            #expect(try file.size() == .mebibytes(4))
            var bytes = noise(4 << 20, using: &generator)
            try file.put(bytes, at: 0)
            // Whole sectors, parts of sectors at both ends, and less than one sector.
            for range in [0..<65_536, 100_001..<300_333, 400_000..<400_100, 511..<513] {
                try file.zero(extent(range.lowerBound, range.upperBound))
                bytes.clear(range)
            }
            try file.zero(extent(3 << 20, 1 << 40))
            bytes.clear((3 << 20)..<(4 << 20))
            try file.sync()
            #expect(try file.contents() == Data(bytes))
            #expect(try file.extents() == [KindedExtent(extent(0, 4 << 20), .data)])
        }
    }

    @Test func aDeviceKeepsItsSizeAndHasNoClones() throws {
        try LoopDevice.attached(size: 1 << 20) { device in
            let file = try BlockFile.open(device, writable: true)
            try file.resize(to: .mebibytes(1))
            #expect(code { try file.resize(to: .mebibytes(2)) } == .unsupported)
            let place = try TemporaryDirectory()
            #expect(code { _ = try file.clone(to: "\(place.path)/clone") } == .unsupported)
            #expect(
                code { _ = try PhysicalExtentSource(base: file, target: file) } == .unsupported
            )
            try file.put([1, 2, 3], at: 1_000_000)
            let copy = try file.copyData(to: "\(place.path)/copy")
            #expect(try copy.contents() == file.contents())
        }
    }

    @Test func writingPastTheEndOfADeviceIsFull() throws {
        try LoopDevice.attached(size: 1 << 20) { device in
            let file = try BlockFile.open(device, writable: true)
            #expect(code { try file.put([1], at: 1 << 20) } == .noSpace)
            #expect(try file.get(2, at: (1 << 20) - 1) == [0, 0])
        }
    }

    @Test func aMountedDeviceIsBusyForWhoWantsItAlone() throws {
        try LoopDevice.attached(size: 64 << 20) { device in
            try Shell.run("mkfs.ext4", "-q", device)
            let place = try TemporaryDirectory()
            _ = try BlockFile.open(device, writable: true, exclusive: true)
            try Shell.run("mount", device, place.path)
            defer {
                do { try Shell.run("umount", place.path) } catch { Issue.record(error) }
            }
            #expect(
                code { _ = try BlockFile.open(device, writable: true, exclusive: true) } == .busy
            )
        }
    }
}
