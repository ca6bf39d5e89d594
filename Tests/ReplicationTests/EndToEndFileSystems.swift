// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A file system of its own for one test: an image in a temporary directory, loop-mounted.
///
/// Unmounted, detached and removed when the body returns or throws. Needs root and the tools of the
/// file system; tests that use it say so with `.enabled(if: LoopFileSystem.isAvailable(…))`, which
/// is always true where CI is set: there a missing tool is a failure, not a skipped test.
/// This file depends on nothing else, so that other test targets can have a copy of it.
enum LoopFileSystem: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case xfs
    case btrfs
    case btrfsCompressed
    case ext4
    case tmpfs

    /// The ones with reflinks and addresses that mean something.
    static let reflinking: [Self] = [.xfs, .btrfs, .btrfsCompressed]

    var testDescription: String { self.rawValue }

    static let reason: Comment = "needs root, loop devices, mkfs.xfs and mkfs.btrfs"

    /// Whether all of these can be made here; true where CI is set.
    static func isAvailable(_ kinds: [Self] = Self.allCases) -> Bool {
        if ProcessInfo.processInfo.environment["CI"] == "true" { return true }
        guard geteuid() == 0, FileManager.default.fileExists(atPath: "/dev/loop-control") else {
            return false
        }
        return kinds.allSatisfy { kind in
            guard let tool = kind.maker.first else { return true }
            return ["/usr/sbin/", "/sbin/", "/usr/bin/"]
                .contains {
                    FileManager.default.isExecutableFile(atPath: $0 + tool)
                }
        }
    }

    /// Makes the file system, lends its directory, and takes everything away again.
    func mounted<Result>(
        mebibytes: Int = 512,
        _ body: (_ directory: String) throws -> Result
    ) throws -> Result {
        let place = try TemporaryDirectory(inMemory: true)
        let directory = "\(place.path)/mount"
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: false
        )
        if self == .tmpfs {
            try Shell.run("mount", "-t", "tmpfs", "-o", "size=\(mebibytes)m", "tmpfs", directory)
        } else {
            let image = "\(place.path)/image"
            try Shell.run("truncate", "-s", "\(mebibytes)M", image)
            try Shell.run(self.maker + [image])
            // -o loop: the device detaches itself when it is unmounted.
            try Shell.run("mount", "-o", self.options, image, directory)
        }
        defer {
            do { try Shell.run("umount", directory) } catch { Issue.record(error) }
        }
        return try body(directory)
    }

    private var maker: [String] {
        switch self {
        case .xfs: ["mkfs.xfs", "-q", "-m", "reflink=1"]
        case .btrfs, .btrfsCompressed: ["mkfs.btrfs", "-q"]
        case .ext4: ["mkfs.ext4", "-q"]
        case .tmpfs: []
        }
    }

    private var options: String {
        switch self {
        case .xfs, .btrfs, .ext4, .tmpfs: "loop"
        case .btrfsCompressed: "loop,compress-force=zstd"
        }
    }
}

/// A block device of its own for one test.
enum LoopDevice {
    /// Attaches a sparse image, lends the path of the device, and detaches it.
    static func attached<Result>(
        size: Int,
        _ body: (_ device: String) throws -> Result
    ) throws -> Result {
        let place = try TemporaryDirectory(inMemory: true)
        let image = "\(place.path)/device"
        try Shell.run("truncate", "-s", "\(size)", image)
        let device = try Shell.run("losetup", "--find", "--show", image)
        defer {
            do { try Shell.run("losetup", "--detach", device) } catch { Issue.record(error) }
        }
        return try body(device)
    }
}

/// A directory that goes, with all that is in it, when its owner goes.
final class TemporaryDirectory {
    let path: String

    /// Makes the directory; for images of file systems in memory, where there is room.
    ///
    /// Every sync of a file system inside would else wait for the disk below.
    init(inMemory: Bool = false) throws {
        var parent = FileManager.default.temporaryDirectory
        let memory = URL(fileURLWithPath: "/dev/shm")
        let room = try? FileManager.default.attributesOfFileSystem(forPath: memory.path)
        if inMemory, let free = room?[.systemFreeSize] as? NSNumber, free.intValue >= 2 << 30 {
            parent = memory
        }
        let url = parent.appendingPathComponent("godwit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        self.path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }
}

/// Runs commands of the system.
enum Shell {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    @discardableResult
    static func run(_ command: String...) throws -> String { try Self.run(command) }

    /// What the command wrote to its standard output, without the last line end.
    @discardableResult
    static func run(_ command: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        var environment = ProcessInfo.processInfo.environment
        environment["PATH"] = "/usr/sbin:/sbin:" + (environment["PATH"] ?? "/usr/bin:/bin")
        process.environment = environment
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // The messages of these tools fit into a pipe: read one after the other.
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(
                description: "\(command.joined(separator: " ")): "
                    + String(decoding: complaint, as: UTF8.self)
            )
        }
        return String(decoding: text, as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
