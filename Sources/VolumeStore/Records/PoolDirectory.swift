// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Glibc

/// The directories of a pool: made, listed, renamed and removed.
///
/// Nothing here is durable until `DurableFile.syncDirectory` of the parent.
public enum PoolDirectory {
    /// Makes a directory that only its owner may enter; an existing one is left as it is.
    ///
    /// - Throws: what the system refused it with.
    public static func make(_ path: String) throws(StoreError) {
        guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
        throw Self.error("cannot make the directory", path, errno)
    }

    /// Whether something has this path.
    public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The names in a directory, sorted; none where there is no directory.
    ///
    /// - Returns: the names without `.` and `..`.
    /// - Throws: what the system refused it with.
    public static func names(in path: String) throws(StoreError) -> [String] {
        guard let directory = opendir(path) else {
            if errno == ENOENT { return [] }
            throw Self.error("cannot list the directory", path, errno)
        }
        defer { closedir(directory) }
        var names: [String] = []
        // The end and an error look the same but for errno: part of a pool is not all of it.
        errno = 0
        while let entry = readdir(directory) {
            let name = Self.name(of: entry)
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw Self.error("cannot list the directory", path, errno) }
        return names.sorted()
    }

    /// The name in an entry, read where it is.
    ///
    /// An entry is only as long as its name (readdir(3)): copying the array that the structure declares,
    /// 256 bytes, reads past the end of the list, and of the memory that holds it.
    private static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
        guard let name = entry.pointer(to: \.d_name) else {
            preconditionFailure("d_name has no place in dirent")
        }
        return String(cString: UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))
    }

    /// Renames a file or directory; an existing file or empty directory at `target` is replaced.
    ///
    /// - Throws: what the system refused it with.
    public static func rename(_ path: String, to target: String) throws(StoreError) {
        guard Glibc.rename(path, target) != 0 else { return }
        throw Self.error("cannot rename to \(target):", path, errno)
    }

    /// Removes a file, or a directory with all that is in it; nothing there is no error.
    ///
    /// Symbolic links are removed, not followed.
    ///
    /// - Throws: what the system refused it with; some of the contents may be gone.
    public static func remove(_ path: String) throws(StoreError) {
        var info = stat()
        guard lstat(path, &info) == 0 else {
            if errno == ENOENT { return }
            throw Self.error("cannot look at", path, errno)
        }
        guard info.st_mode & S_IFMT == S_IFDIR else {
            if unlink(path) != 0 && errno != ENOENT {
                throw Self.error("cannot remove the file", path, errno)
            }
            return
        }
        for name in try Self.names(in: path) { try Self.remove("\(path)/\(name)") }
        if rmdir(path) != 0 && errno != ENOENT {
            throw Self.error("cannot remove the directory", path, errno)
        }
    }

    /// The bytes that an unprivileged writer can still use on the file system of `path`.
    ///
    /// - Returns: the free space, which other writers share.
    /// - Throws: what the system refused it with.
    public static func freeSpace(at path: String) throws(StoreError) -> ByteCount {
        var info = statvfs()
        guard statvfs(path, &info) == 0 else {
            throw Self.error("cannot ask for the free space at", path, errno)
        }
        let (bytes, overflow) = UInt64(info.f_bavail)
            .multipliedReportingOverflow(
                by: UInt64(info.f_frsize)
            )
        return overflow ? ByteCount(Int.max) : ByteCount(untrusted: bytes) ?? ByteCount(Int.max)
    }

    private static func error(_ what: String, _ path: String, _ number: Int32) -> StoreError {
        StoreError(system: number, what, path: path)
    }
}
