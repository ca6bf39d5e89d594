// SPDX-License-Identifier: Apache-2.0

import Foundation
package import Testing

/// A file system of its own for one test: an image in a temporary directory, loop-mounted.
///
/// Unmounted, detached and removed when the body returns or throws. Needs root and the tools of the
/// file system; tests that use it say so with `.enabled(if: LoopFileSystem.isAvailable(…))`, which
/// is always true where CI is set: there a missing tool is a failure, not a skipped test.
package enum LoopFileSystem: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case xfs
    case btrfs
    case btrfsCompressed
    case ext4
    case tmpfs

    /// The ones with reflinks and addresses that mean something.
    package static let reflinking: [Self] = [.xfs, .btrfs, .btrfsCompressed]

    package var testDescription: String { self.rawValue }

    package static let reason: Comment = "needs root, loop devices, mkfs.xfs and mkfs.btrfs"

    /// Whether all of these can be made here; true where CI is set.
    package static func isAvailable(_ kinds: [Self] = Self.allCases) -> Bool {
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
    package func mounted<Result>(
        mebibytes: Int = 512,
        _ body: (_ directory: String) throws -> Result
    ) throws -> Result {
        let place = try TemporaryDirectory(inMemory: true)
        let directory = try self.mount(in: place, mebibytes)
        defer {
            do { try Self.unmount(directory) } catch { Issue.record(error) }
            withExtendedLifetime(place) {}
        }
        return try body(directory)
    }

    /// The same for a body that waits, and that ends the processes which it starts in there.
    package func mounted(
        mebibytes: Int = 512,
        _ body: (_ directory: String) async throws -> Void
    ) async throws {
        let place = try TemporaryDirectory(inMemory: true)
        let directory = try self.mount(in: place, mebibytes)
        do { try await body(directory) } catch {
            // A process that a failed test has left may still be there.
            try Shell.run("umount", "--lazy", directory)
            throw error
        }
        try Self.unmount(directory)
        withExtendedLifetime(place) {}
    }

    private struct Busy: Error, CustomStringConvertible {
        let description: String
    }

    /// How long files may stay open below a mount after the test.
    private static let patience = Duration.seconds(20)

    /// Takes a mount away; it goes in any case, and who kept it busy is told.
    ///
    /// Asked again for a while: a thread that is known to be over may still be about to let go of
    /// the last reference to a file. Each try starts a process, so nobody spins.
    private static func unmount(_ directory: String) throws {
        let clock = ContinuousClock()
        let end = clock.now + Self.patience
        while true {
            do {
                try Shell.run("umount", directory)
                return
            } catch {
                guard clock.now >= end else { continue }
                let files = Self.openFiles(below: directory).joined(separator: ", ")
                // Else mount, image and directory would stay behind for good.
                try Shell.run("umount", "--lazy", directory)
                throw Busy(description: "\(error) Open: \(files)")
            }
        }
    }

    /// The files that processes have open below a directory, with the processes' numbers.
    private static func openFiles(below directory: String) -> [String] {
        let manager = FileManager.default
        let processes = (try? manager.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.filter { Int($0) != nil }
            .flatMap { process -> [String] in
                let table = "/proc/\(process)/fd"
                return ((try? manager.contentsOfDirectory(atPath: table)) ?? [])
                    .compactMap { try? manager.destinationOfSymbolicLink(atPath: "\(table)/\($0)") }
                    .filter { $0.hasPrefix(directory) }
                    .map { "\($0) by process \(process)" }
            }
    }

    /// Where it was mounted.
    private func mount(in place: TemporaryDirectory, _ mebibytes: Int) throws -> String {
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
        return directory
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
package enum LoopDevice {
    /// Attaches a sparse image, lends the path of the device, and detaches it.
    package static func attached<Result>(
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
