// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A directory that goes, with all that is in it, when its owner goes.
package final class TemporaryDirectory: Sendable {
    package let path: String

    /// Makes the directory; for images of file systems in memory, where there is room.
    ///
    /// Every sync of a file system inside would else wait for the disk below.
    package init(inMemory: Bool = false) throws {
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
