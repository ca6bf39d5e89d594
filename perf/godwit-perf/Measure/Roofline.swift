// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation

/// What the machine allows: the rate of each stage alone, on this volume's own bytes.
///
/// Rates are bytes per processor second with hot buffers, except for the disk. A bound that is
/// computed from them is a lower bound on the time, not a forecast.
struct Roofline: Codable {
    var cores: Int
    /// Reading from the page cache.
    var read: Double
    var memoryCopy: Double
    var zeroTest: Double
    /// The leaf digest, ph128.
    var digest: Double
    var compress: Double
    var decompress: Double
    /// LZ4's output over its input, of what is not zero.
    var compressedShare: Double
    /// AES-128-GCM in records of 16 KiB, one direction, as `openssl speed` has it.
    var encrypt: Double
    /// Both ends of a TCP connection on the loopback interface.
    var tcp: Double
    /// Writing into the page cache, into a new file.
    var write: Double
    /// Writing and fsync by the clock: what the disk takes.
    var disk: Double
    /// Allocated, and of that not zero, in the volume it was measured on.
    var allocatedBytes: Int
    var nonzeroBytes: Int

    /// Processor seconds to send a byte and make it durable at the other end.
    private var perByte: Double {
        let check = 2 / self.digest + 1 / self.write
        let wire = 2 / self.encrypt + 1 / self.tcp
        let plain = check + wire
        let compressed =
            check + 1 / self.compress + 1 / self.decompress + self.compressedShare * wire
        return min(plain, compressed)
    }

    /// The least time for reading `read` bytes and moving `moved` of them, on all cores.
    func bound(read: Int, moved: Int) -> Double {
        let processor = Double(read) / self.read + Double(moved) * self.perByte
        return max(processor / Double(self.cores), Double(moved) / self.disk)
    }

    /// The least time for a volume of which only the digests of the base are known.
    var scanBound: Double {
        Double(self.allocatedBytes) * (1 / self.read + 1 / self.digest) / Double(self.cores)
    }

    /// The lines that are printed above the table.
    var text: String {
        var table = Table(["stage alone", "GB/s", ""], leftColumns: 1)
        let rows: [(String, Double, String)] = [
            ("read from the page cache", self.read, "per core"),
            ("memory copy", self.memoryCopy, "per core"),
            ("zero test", self.zeroTest, "per core"),
            ("leaf digest ph128", self.digest, "per core"),
            ("LZ4", self.compress, "per core, output \(fixed(self.compressedShare * 100, 0)) %"),
            ("LZ4 back", self.decompress, "per core"),
            ("AES-128-GCM", self.encrypt, "per core, one direction"),
            ("TCP on loopback", self.tcp, "per core, both ends"),
            ("write to the page cache", self.write, "per core"),
            ("write and fsync", self.disk, "by the clock"),
        ]
        for row in rows { table.add([row.0, fixed(row.1 / 1e9, 2), row.2]) }
        let full = self.bound(read: self.allocatedBytes, moved: self.nonzeroBytes)
        return table.text
            + "\nbound of a full copy \(fixed(full, 2)) s; reading and digesting all of it on all"
            + " cores \(fixed(self.scanBound, 2)) s"
    }
}
