// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

@Suite struct SourceStoreTests {
    private let place: TemporaryDirectory
    private let store: SourceStore

    init() throws {
        self.place = try TemporaryDirectory()
        self.store = try SourceStore(pool: self.place.path)
    }

    @Test(arguments: ["a", "pvc-7f3a", "db.prod-1", "0", String(repeating: "x", count: 253)])
    func namesOfKubernetesObjectsAreNames(_ text: String) throws {
        #expect(try VolumeName(text).text == text)
    }

    @Test(
        arguments: [
            "", "-a", "a-", "A", "a_b", "a/b", "..", "a..b", ".a", "a.", "ä", "a b", "a\n",
            "a.-b", String(repeating: "x", count: 254),
        ])
    func everythingElseIsNone(_ text: String) {
        #expect(code { _ = try VolumeName(text) } == .invalid)
    }

    @Test func anEmptyVolumeReadsAsZerosAndTakesNoSpace() throws {
        var generator = SeededGenerator(seed: 1)
        let volume = try self.store.make("empty", size: 1 << 40, using: &generator)
        let live = try BlockFile.open(volume.livePath, writable: false)
        #expect(try live.size() == .tebibytes(1))
        #expect(try live.allocatedSize() == .zero)
        #expect(try live.get(4096, at: 1 << 30) == [UInt8](repeating: 0, count: 4096))
    }

    @Test func aVolumeFromAnImageHasItsBytesAndSize() throws {
        var generator = SeededGenerator(seed: 2)
        let image = try BlockFile.create("\(self.place.path)/image", size: ByteCount(3 << 20 + 5))
        let bytes = noise(100_000, using: &generator)
        try image.put(bytes, at: 1 << 20)
        let volume = try self.store.create(
            VolumeName("copy"),
            from: image.path,
            using: &generator
        )
        #expect(volume.record.size == ByteCount(3 << 20 + 5))
        let live = try BlockFile.open(volume.livePath, writable: false)
        #expect(try live.contents() == image.contents())
    }

    @Test func aVolumeIsFoundAgainByANewStore() throws {
        var generator = SeededGenerator(seed: 3)
        let volume = try self.store.make("data", size: 1 << 20, using: &generator)
        let again = try SourceStore(pool: self.place.path)
        #expect(again.volume(named: "data")?.record == volume.record)
        #expect(again.volume(volume.id)?.name == "data")
        #expect(again.volume(named: "other") == nil)
        #expect(again.list().map(\.name) == ["data"])
    }

    @Test func theRecordWithTheKeyIsForItsOwnerOnly() throws {
        var generator = SeededGenerator(seed: 4)
        let volume = try self.store.make("secret", size: 0, using: &generator)
        let attributes = try FileManager.default.attributesOfItem(
            atPath: "\(volume.directory)/volume.json"
        )
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect("\(volume.key)" == "(secret)")
    }

    @Test func aNameCannotBeTakenTwice() throws {
        var generator = SeededGenerator(seed: 5)
        _ = try self.store.make("one", size: 0, using: &generator)
        #expect(
            code { _ = try self.store.make("one", size: 0, using: &generator) } == .alreadyExists
        )
        #expect(self.store.list().count == 1)
    }

    @Test func whatAKilledCreationLeftIsRemoved() throws {
        let left = "\(self.place.path)/volumes/.source-1234"
        try FileManager.default.createDirectory(
            atPath: left,
            withIntermediateDirectories: false
        )
        _ = try SourceStore(pool: self.place.path)
        #expect(!FileManager.default.fileExists(atPath: left))
    }

    @Test func aDeletedVolumeIsGoneAndItsNameIsFree() throws {
        var generator = SeededGenerator(seed: 6)
        let volume = try self.store.make("old", size: 1 << 20, using: &generator)
        try self.store.delete(volume)
        #expect(self.store.volume(named: "old") == nil)
        #expect(!FileManager.default.fileExists(atPath: volume.directory))
        _ = try self.store.make("old", size: 1 << 20, using: &generator)
    }

    @Test func aVolumeThatIsBeingSentIsNotDeleted() throws {
        var generator = SeededGenerator(seed: 7)
        let volume = try self.store.make("busy", size: 1 << 20, using: &generator)
        let pair = ClusterID.random(using: &generator)
        #expect(volume.beginRun(to: pair))
        #expect(!volume.beginRun(to: pair))
        #expect(code { try self.store.delete(volume) } == .busy)
        volume.endRun(to: pair)
        try self.store.delete(volume)
    }

    @Test func aVolumeInThePoolGrowsAndShrinks() throws {
        var generator = SeededGenerator(seed: 8)
        let volume = try self.store.make("size", size: 1 << 20, using: &generator)
        try volume.resize(to: .mebibytes(3))
        #expect(try volume.liveSize() == .mebibytes(3))
        try volume.resize(to: ByteCount(100))
        #expect(volume.record.size == ByteCount(100))
        #expect(
            code { try volume.resize(to: ByteCount(Geometry.maximumVolume.bytes + 1)) }
                == .invalid
        )
    }

    @Test func aFrozenFileIsAttachedWhereItLies() throws {
        var generator = SeededGenerator(seed: 9)
        let file = try BlockFile.create("\(self.place.path)/disk", size: .mebibytes(1))
        let volume = try self.store.attach(
            VolumeName("disk"),
            file.path,
            isFrozen: true,
            using: &generator
        )
        #expect(volume.livePath == file.path)
        let snapshot = try volume.freeze(.random(using: &generator))
        #expect(snapshot.imagePath == file.path)
        #expect(!snapshot.isClone)
        volume.release(snapshot)
        try self.store.delete(volume)
        #expect(FileManager.default.fileExists(atPath: file.path))
    }

    /// One bad record must not keep the agent from starting.
    @Test(arguments: ["volume.json", "source.json"])
    func aDamagedVolumeIsLeftAloneAndTheOthersWork(_ file: String) throws {
        var generator = SeededGenerator(seed: 11)
        let good = try self.store.make("good", size: 4096, using: &generator)
        let bad = try self.store.make("bad", size: 4096, using: &generator)
        let path = URL(fileURLWithPath: "\(bad.directory)/\(file)")
        let record = try Data(contentsOf: path)
        try Data("{}".utf8).write(to: path)
        let again = try SourceStore(pool: self.place.path)
        #expect(again.list().map(\.id) == [good.id])
        #expect(again.faults.map(\.directory) == [bad.directory])
        #expect(FileManager.default.fileExists(atPath: "\(bad.directory)/live.img"))
        try record.write(to: path)
        #expect(try SourceStore(pool: self.place.path).list().count == 2)
    }

    @Test(.enabled(if: LoopFileSystem.isAvailable([.tmpfs]), LoopFileSystem.reason))
    func anAttachedFileThatBecameTooLargeIsNotFrozen() throws {
        try LoopFileSystem.tmpfs.mounted(mebibytes: 16) { directory in
            var generator = SeededGenerator(seed: 12)
            let file = try BlockFile.create("\(directory)/disk", size: .mebibytes(1))
            let volume = try self.store.attach(
                VolumeName("disk"),
                file.path,
                isFrozen: true,
                using: &generator
            )
            try file.resize(to: ByteCount(Geometry.maximumVolume.bytes + 1))
            #expect(
                code { _ = try volume.freeze(.random(using: &generator)) } == .invalid
            )
            try file.resize(to: .mebibytes(2))
            try volume.prune()
            let snapshot = try volume.freeze(.random(using: &generator))
            #expect(snapshot.size == .mebibytes(2))
        }
    }

    @Test func aMissingOrRelativePathIsNotAttached() throws {
        var generator = SeededGenerator(seed: 10)
        let name = try VolumeName("none")
        #expect(
            code {
                _ = try self.store.attach(
                    name,
                    "\(self.place.path)/none",
                    isFrozen: true,
                    using: &generator
                )
            } == .notFound
        )
        #expect(
            code {
                _ = try self.store.attach(name, "none", isFrozen: true, using: &generator)
            } == .invalid
        )
    }
}
