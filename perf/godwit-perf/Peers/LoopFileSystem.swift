// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Glibc

/// A file system in a file of the work folder, mounted through a loop device.
///
/// With direct I/O, so that its pages are not cached a second time for the file below.
final class LoopFileSystem {
    let mount: String
    private let device: String
    private let image: String

    /// Why none can be mounted here; nil when it can.
    static func obstacle(_ kind: String) -> String? {
        if getuid() != 0 { return "needs root to mount \(kind)" }
        if program("mkfs.\(kind)") == nil { return "mkfs.\(kind) is not installed" }
        if program("losetup") == nil || access("/dev/loop-control", R_OK) != 0 {
            return "there are no loop devices"
        }
        return nil
    }

    init(_ kind: String, name: String, size: ByteCount, options: String = "defaults") throws {
        self.image = Scratch.path("\(name).\(kind)")
        self.mount = try Scratch.makeFolder("\(name)-\(kind)")
        let file = try RawFile(self.image, writable: true, create: true)
        try file.resize(to: size)
        try run(["mkfs.\(kind)", "-q", self.image])
        self.device = try run(["losetup", "--find", "--show", "--direct-io=on", self.image])
            .trimmingCharacters(in: .newlines)
        do {
            try run(["mount", "-o", options, self.device, self.mount])
        } catch {
            _ = try? run(["losetup", "-d", self.device])
            throw error
        }
        Cleanup.shared.mounted(self.mount)
        // From now on the device goes when the file system does.
        try run(["losetup", "-d", self.device])
    }

    func sync() throws(HarnessError) { try run(["sync", "--file-system", self.mount]) }

    func unmount() throws(HarnessError) {
        try run(["umount", self.mount])
        Cleanup.shared.unmounted(self.mount)
        unlink(self.image)
    }
}
