// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// How many pages of 4 KiB of a file's range are in the page cache (mincore(2)).
///
/// Only asked of files that the process may write: of others the kernel says that all are.
///
/// - Throws: what the kernel refused, as an error of POSIX.
public func cachedPages(of path: String, _ range: Range<Int>) throws -> Int {
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    defer { close(descriptor) }
    let map = mmap(nil, range.count, PROT_READ, MAP_SHARED, descriptor, range.lowerBound)
    guard let map, map != MAP_FAILED else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    defer { munmap(map, range.count) }
    var pages = [UInt8](repeating: 0, count: (range.count + 4095) / 4096)
    guard mincore(map, range.count, &pages) == 0 else {
        throw POSIXError(.init(rawValue: errno) ?? .EIO)
    }
    return pages.count { $0 & 1 == 1 }
}
