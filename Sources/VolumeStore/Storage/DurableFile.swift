// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import CLinuxStorage
import Glibc

/// Small files that are always whole: what a reader finds is the old content or the new.
///
/// Order: write beside → sync → rename → sync the directory. When `replace` has returned, the new
/// content survives a loss of power. One writer for each path at a time.
public enum DurableFile {
    /// What is put behind the name while the new content is written.
    public static let suffix = ".new"

    /// Replaces a file, or creates it, with mode 0600.
    public static func replace(_ path: String, with bytes: [UInt8]) throws(StoreError) {
        let beside = path + Self.suffix
        do throws(StoreError) {
            try Self.writeBeside(beside, bytes)
            try checked("rename to \(path)", path: beside) { gw_rename(beside, path) }
        } catch {
            _ = gw_unlink(beside)
            throw error
        }
        try Self.syncDirectory(Self.directory(of: path))
    }

    private static func writeBeside(_ path: String, _ bytes: [UInt8]) throws(StoreError) {
        let descriptor = try checked("create", path: path) { gw_create_or_truncate(path, 0o600) }
        defer { _ = gw_close(descriptor) }
        var done = 0
        while done < bytes.count {
            let start = done
            let count = try checked("write \(bytes.count) bytes", path: path) {
                bytes.withUnsafeBytes { all in
                    // Within the bytes: `start` is less than their count.
                    let rest = UnsafeRawBufferPointer(rebasing: all[start...])
                    return gw_pwrite(descriptor, rest.baseAddress, rest.count, Int64(start))
                }
            }
            guard count > 0 else {
                throw StoreError(.noSpace, "cannot write: nothing was taken", path: path)
            }
            done += Int(count)
        }
        try checked("sync", path: path) { gw_fsync(descriptor) }
    }

    /// The whole content; `corrupt` when there is more than `limit`.
    public static func read(_ path: String, limit: ByteCount) throws(StoreError) -> [UInt8] {
        let file = try BlockFile.open(path, writable: false)
        let size = try file.size()
        guard size <= limit else {
            throw StoreError(
                .corrupt,
                "cannot read it: it has \(size.bytes) bytes, more than \(limit.bytes)",
                path: path
            )
        }
        var bytes = [UInt8](repeating: 0, count: size.bytes)
        let count = try bytes.lendMutable { (target) throws(StoreError) in
            try file.read(at: .zero, into: target)
        }
        return Array(bytes.prefix(count))
    }

    /// Gives a file another name, replacing what had it, durably.
    public static func rename(_ from: String, to: String) throws(StoreError) {
        try checked("rename to \(to)", path: from) { gw_rename(from, to) }
        try Self.syncDirectory(Self.directory(of: to))
        if Self.directory(of: from) != Self.directory(of: to) {
            try Self.syncDirectory(Self.directory(of: from))
        }
    }

    /// Gives each of two files or directories the other's name, in one step.
    ///
    /// Durable with the directories they are in.
    ///
    /// - Throws: `unsupported` on a file system that cannot; nothing has changed then.
    static func exchange(_ one: String, _ other: String) throws(StoreError) {
        let result = uninterrupted { gw_exchange(one, other) }
        guard result != -EINVAL else {
            throw StoreError(
                .unsupported,
                "the file system cannot exchange two names",
                path: other,
                errno: EINVAL
            )
        }
        try checked("exchange it with \(other)", path: one) { result }
    }

    /// Gives a file a second name on the same file system; durable with the directory.
    static func link(_ from: String, to: String) throws(StoreError) {
        try checked("give it the name \(to) too", path: from) { gw_link(from, to) }
    }

    /// Removes a file, durably; nothing happens where there is none.
    public static func remove(_ path: String) throws(StoreError) {
        let result = uninterrupted { gw_unlink(path) }
        if result == -ENOENT { return }
        try checked("remove", path: path) { result }
        try Self.syncDirectory(Self.directory(of: path))
    }

    /// Makes a directory, mode 0700, durably; nothing happens where it is there already.
    public static func makeDirectory(_ path: String) throws(StoreError) {
        let result = uninterrupted { gw_mkdir(path, 0o700) }
        if result == -EEXIST {
            // Something has the name: it has to be a directory.
            try Self.syncDirectory(path)
        } else {
            try checked("make a directory", path: path) { result }
        }
        // Also where it was there: who made it may have been killed before this.
        try Self.syncDirectory(Self.directory(of: path))
    }

    /// Returns when the names in a directory are durable.
    public static func syncDirectory(_ path: String) throws(StoreError) {
        let descriptor = try checked("open the directory", path: path) {
            gw_open_directory(path)
        }
        defer { _ = gw_close(descriptor) }
        try checked("sync the directory", path: path) { gw_fsync(descriptor) }
    }

    /// The directory that a path's last component is in.
    public static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// A lock on a file that one process holds at a time; the kernel drops it when the process ends.
public final class FileLock: Sendable {
    /// The path of the locked file.
    public let path: String

    private let descriptor: Int32

    /// Takes the lock, creating the file where it is missing; never waits.
    ///
    /// - Throws: `busy` when somebody has it.
    public init(_ path: String) throws(StoreError) {
        self.path = path
        self.descriptor = try checked("open the lock", path: path) {
            gw_open_or_create(path, 0o600)
        }
        // The object exists from here on: its deinit closes the descriptor if the lock is taken.
        let descriptor = self.descriptor
        try checked("take the lock", path: path) { gw_lock_exclusive(descriptor) }
    }

    // The file stays: removing it would let two processes lock two files of one name.
    deinit {
        // A child between fork and exec has a copy, which closing ours would leave locked.
        _ = gw_unlock(self.descriptor)
        _ = gw_close(self.descriptor)
    }
}
