// SPDX-License-Identifier: Apache-2.0

/// Cuts a stream of bytes into lines.
struct LineSplitter {
    /// Bytes before this place have been given out.
    private var start = 0
    /// Bytes before this place hold no line end.
    private var searched = 0
    private var bytes: [UInt8] = []

    /// Bytes that are not given out yet.
    var pending: Int { self.bytes.count - self.start }

    mutating func append(_ chunk: some Sequence<UInt8>) {
        // Else every line of a large chunk would move all that follows it.
        if self.start > 0 {
            self.bytes.removeFirst(self.start)
            self.searched -= self.start
            self.start = 0
        }
        self.bytes.append(contentsOf: chunk)
    }

    /// The next line that is not empty, without its end; nil until the end of one has come.
    mutating func next() -> [UInt8]? {
        while self.searched < self.bytes.count {
            guard let end = self.bytes[self.searched...].firstIndex(of: UInt8(ascii: "\n")) else {
                self.searched = self.bytes.count
                return nil
            }
            let line = self.bytes[self.start..<end]
            self.start = end + 1
            self.searched = end + 1
            if line.contains(where: { $0 != UInt8(ascii: "\r") }) { return Array(line) }
        }
        return nil
    }
}
