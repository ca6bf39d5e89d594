// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// A second descriptor of what this process has open under a path, as a child has it between fork
/// and exec; nil where nothing is open there.
public func copiedDescriptor(of path: String) -> Int32? {
    let manager = FileManager.default
    let names = (try? manager.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    for name in names {
        guard let descriptor = Int32(name),
            (try? manager.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")) == path
        else { continue }
        return dup(descriptor)
    }
    return nil
}
