// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A table that the kernel writes while it is read, such as `/proc/net/tcp`.
package enum KernelTable {
    package struct Unreadable: Error { package let path: String }

    /// Its lines, to the end: Foundation stops at the first short read, which for such a file is a
    /// page of some 27 connections.
    ///
    /// Not of one instant: a line may be missing or twice where others come and go.
    package static func lines(of path: String) throws -> [Substring] {
        guard let table = fopen(path, "r") else { throw Unreadable(path: path) }
        defer { fclose(table) }
        var bytes: [UInt8] = []
        while case let byte = getc(table), byte != EOF { bytes.append(UInt8(byte)) }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }
}
