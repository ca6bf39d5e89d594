// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A set of a volume's granules, the unit of what is sent.
struct Granules {
    static let bytes = 4096
    private(set) var contains: [Bool]

    init(volumeBytes: Int) {
        self.contains = [Bool](repeating: false, count: volumeBytes / Self.bytes)
    }

    /// The granules in which two images of a volume differ.
    init(differing left: Data, _ right: Data) {
        self.init(volumeBytes: left.count)
        left.withUnsafeBytes { left in
            right.withUnsafeBytes { right in
                for index in self.contains.indices {
                    let place = index * Self.bytes
                    guard let one = left.baseAddress, let other = right.baseAddress else { return }
                    self.contains[index] = memcmp(one + place, other + place, Self.bytes) != 0
                }
            }
        }
    }

    /// What a stage's log names as durable data (docs/state-files.md).
    ///
    /// Read as a stranger would: the first 48-byte record of another kind of content ends it. A log
    /// that is not there names nothing.
    init(durableIn log: String, volumeBytes: Int) {
        self.init(volumeBytes: volumeBytes)
        guard let data = FileManager.default.contents(atPath: log) else { return }
        data.withUnsafeBytes { bytes in
            for place in stride(from: 0, to: bytes.count / 48 * 48, by: 48) {
                let kind = bytes[place]
                guard (1...3).contains(kind) else { return }
                let start = bytes.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self)
                let end = bytes.loadUnaligned(fromByteOffset: place + 16, as: UInt64.self)
                guard kind == 1, start < end, end <= volumeBytes else { continue }
                for index in Int(start) / Self.bytes..<Int(end) / Self.bytes {
                    self.contains[index] = true
                }
            }
        }
    }

    var byteCount: Int { self.contains.count { $0 } * Self.bytes }

    func subtracting(_ other: Granules) -> Granules {
        var rest = self
        for index in rest.contains.indices where other.contains[index] {
            rest.contains[index] = false
        }
        return rest
    }

    func intersection(_ other: Granules) -> Granules {
        self.subtracting(self.subtracting(other))
    }
}
