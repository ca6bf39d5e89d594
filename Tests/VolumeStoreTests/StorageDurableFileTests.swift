// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Glibc
import TestSupport
import Testing
import VolumeStore

@Suite struct StorageDurableFileTests {
    private let place: TemporaryDirectory

    init() throws { self.place = try TemporaryDirectory() }

    private func path(_ name: String) -> String { "\(self.place.path)/\(name)" }

    @Test func theNewContentReplacesTheOld() throws {
        let path = self.path("state")
        for bytes in [Array("one".utf8), [], [UInt8](repeating: 7, count: 100_000)] {
            try DurableFile.replace(path, with: bytes)
            #expect(try DurableFile.read(path, limit: .kibibytes(100)) == bytes)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: self.place.path) == ["state"])
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
    }

    @Test func whatAKilledProcessLeftBesideIsOverwritten() throws {
        let path = self.path("state")
        try Data(repeating: 9, count: 5000)
            .write(
                to: URL(fileURLWithPath: path + DurableFile.suffix)
            )
        try DurableFile.replace(path, with: [1, 2])
        #expect(try DurableFile.read(path, limit: .kibibytes(1)) == [1, 2])
    }

    @Test func aFailureKeepsTheOldContent() throws {
        let path = self.path("state")
        try DurableFile.replace(path, with: [1])
        // A directory where the new content is to be written.
        try DurableFile.makeDirectory(path + DurableFile.suffix)
        #expect(code { try DurableFile.replace(path, with: [2]) } == .invalid)
        #expect(try DurableFile.read(path, limit: .kibibytes(1)) == [1])
    }

    @Test func aFileThatIsTooLongIsNotRead() throws {
        let path = self.path("state")
        try DurableFile.replace(path, with: [UInt8](repeating: 1, count: 11))
        #expect(code { _ = try DurableFile.read(path, limit: ByteCount(10)) } == .corrupt)
        #expect(code { _ = try DurableFile.read(self.path("no"), limit: .zero) } == .notFound)
    }

    @Test func filesAreRenamedAndRemoved() throws {
        try DurableFile.makeDirectory(self.path("a"))
        try DurableFile.makeDirectory(self.path("a"))
        try DurableFile.replace(self.path("a/one"), with: [1])
        try DurableFile.rename(self.path("a/one"), to: self.path("two"))
        #expect(try DurableFile.read(self.path("two"), limit: .kibibytes(1)) == [1])
        try DurableFile.remove(self.path("two"))
        try DurableFile.remove(self.path("two"))
        #expect(
            try FileManager.default.subpathsOfDirectory(atPath: self.place.path) == ["a"]
        )
        try DurableFile.replace(self.path("file"), with: [])
        #expect(code { try DurableFile.makeDirectory(self.path("file")) } == .invalid)
    }

    @Test func aLockIsHeldOnceAndGivenBack() throws {
        var lock: FileLock? = try FileLock(self.path("lock"))
        let error = #expect(throws: StoreError.self) { _ = try FileLock(self.path("lock")) }
        #expect(error?.code == .busy && error?.isRetryable == true)
        #expect(lock?.path == self.path("lock"))
        lock = nil
        _ = try FileLock(self.path("lock"))
    }

    @Test func aLockIsGivenBackWhileAChildHasACopyOfIt() throws {
        var lock: FileLock? = try FileLock(self.path("lock"))
        let copy = try #require(copiedDescriptor(of: self.path("lock")))
        defer { close(copy) }
        #expect(lock?.path == self.path("lock"))
        lock = nil
        _ = try FileLock(self.path("lock"))
    }
}
