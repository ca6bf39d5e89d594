// SPDX-License-Identifier: Apache-2.0

import Glibc
import Locks

/// The directory that one embedded cluster owns while its server runs.
///
/// Its files hold keys and tokens, so all of them are for their user alone: the directory has mode
/// 0700, each file 0600. Only one process has it at a time, by a lock that the kernel takes back
/// when that process ends in whatever way.
final class ClusterDirectory: Sendable {
    let path: String
    /// Holds the lock while it is open; nil after it was given back.
    private let lock: Locked<Int32?>

    /// The database of the objects.
    static let database = "cluster.sqlite"
    /// More is none of the files that are read here.
    private static let readLimit = 1 << 20

    /// Takes a directory, making it where it is missing.
    ///
    /// - Throws: `directoryInUse` while another process has it, else `notWritable`.
    init(_ path: String) throws(EmbeddedServerError) {
        self.path = path
        try Self.make(path)
        let file = "\(path)/lock"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("open \(file)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            close(descriptor)
            guard number == EWOULDBLOCK else { throw Self.failure("lock \(file)", number) }
            throw EmbeddedServerError(
                .directoryInUse,
                "Another process runs the embedded cluster in \(path): it holds \(file).",
                try: "Use that one with --kubeconfig \(path)/admin.kubeconfig, or stop it first."
            )
        }
        self.lock = Locked(descriptor)
    }

    deinit { self.release() }

    /// Lets other processes have the directory; nothing may be written afterwards.
    func release() {
        self.lock.withLock { descriptor in
            if let descriptor {
                // A child between fork and exec has a copy, which closing ours would leave locked.
                flock(descriptor, LOCK_UN)
                close(descriptor)
            }
            descriptor = nil
        }
    }

    private static func make(_ path: String) throws(EmbeddedServerError) {
        var parent = ""
        for part in path.split(separator: "/") {
            parent += (parent.isEmpty && !path.hasPrefix("/") ? "" : "/") + part
            guard mkdir(parent, 0o700) != 0, errno != EEXIST else { continue }
            // A parent that exists may be on a file system that cannot be written.
            let number = errno
            guard access(parent, F_OK) != 0 else { continue }
            throw Self.failure("make the directory \(parent)", number)
        }
    }

    /// The content of a file; nil where there is none.
    ///
    /// - Throws: `notWritable` where it cannot be read, `damaged` where it is larger than 1 MiB.
    func read(_ name: String) throws(EmbeddedServerError) -> String? {
        let file = "\(self.path)/\(name)"
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw Self.failure("open \(file)")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            guard count >= 0 else { throw Self.failure("read \(file)") }
            if count == 0 { break }
            bytes += piece[..<count]
            guard bytes.count <= Self.readLimit else { throw Self.damaged(file, "it is too large") }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Self.damaged(file, "it is not UTF-8")
        }
        return text
    }

    /// Puts a file in place, whole or not at all: write beside → sync → rename → sync the directory.
    func write(_ text: String, to name: String) throws(EmbeddedServerError) {
        let file = "\(self.path)/\(name)"
        let beside = "\(file).new"
        try Self.writeBeside(beside, Array(text.utf8))
        guard rename(beside, file) == 0 else { throw Self.failure("rename \(beside) to \(file)") }
        let directory = open(self.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw Self.failure("open \(self.path)") }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw Self.failure("sync \(self.path)") }
    }

    private static func writeBeside(
        _ file: String,
        _ bytes: [UInt8]
    ) throws(EmbeddedServerError) {
        // What a killed process has left may have another mode.
        unlink(file)
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("create \(file)") }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw Self.failure("write \(file)") }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw Self.failure("sync \(file)") }
    }

    /// The names of the files; in no order.
    func names() throws(EmbeddedServerError) -> [String] {
        guard let stream = opendir(self.path) else { throw Self.failure("list \(self.path)") }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                        String(cString: $0)
                    }
                }
            )
        }
        return names
    }

    /// What tells one content of a file from another without reading it.
    struct FileState: Hashable, Sendable {
        /// Whether only its user may read it.
        let isPrivate: Bool
        private let seconds: Int
        private let nanoseconds: Int
        /// Each replacement is another file: two within one tick of the clock differ.
        private let inode: UInt

        fileprivate init(_ state: stat) {
            self.isPrivate = state.st_mode & 0o077 == 0
            self.seconds = state.st_mtim.tv_sec
            self.nanoseconds = state.st_mtim.tv_nsec
            self.inode = state.st_ino
        }
    }

    /// The state of a file; nil where there is none.
    func state(of name: String) -> FileState? {
        var state = stat()
        return stat("\(self.path)/\(name)", &state) == 0 ? FileState(state) : nil
    }

    static func damaged(_ file: String, _ reason: String) -> EmbeddedServerError {
        EmbeddedServerError(
            .damaged,
            "\(file) cannot be used: \(reason).",
            try: "Restore it from a backup; or remove it, and it is made anew."
        )
    }

    private static func failure(_ what: String, _ number: Int32 = errno) -> EmbeddedServerError {
        EmbeddedServerError(
            .notWritable,
            "Cannot \(what): \(String(cString: strerror(number))).",
            try: "Give the embedded cluster a directory of its own that its user can write."
        )
    }
}
