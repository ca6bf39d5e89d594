// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import TestSupport

/// Two random files, block by block, and what their comparison has to say.
struct PhysicalModel {
    /// What one block of a file is.
    enum Block: Hashable {
        case hole
        case unwritten(UInt64)
        case data(UInt64)
        case doubt(UInt64, PhysicalExtentFlags)

        var isZero: Bool {
            switch self {
            case .hole, .unwritten: true
            case .data, .doubt: false
            }
        }

        func isSame(as new: Self) -> Bool {
            switch (self, new) {
            case (.hole, .hole), (.hole, .unwritten), (.unwritten, .hole),
                (.unwritten, .unwritten):
                true
            case (.data(let old), .data(let new)): old == new
            case (.doubt, _), (_, .doubt), (.hole, _), (.unwritten, _), (.data, _): false
            }
        }
    }

    let blockSize: Int
    let size: Int
    let baseSize: Int
    private(set) var base: [Block] = []
    private(set) var target: [Block] = []

    init(using generator: inout SeededGenerator) {
        self.blockSize = [512, 1024, 4096, 16_384].randomElement(using: &generator) ?? 4096
        let blocks = Int.random(in: 1...40, using: &generator)
        self.size = blocks * self.blockSize - Int.random(in: 0..<self.blockSize, using: &generator)
        // Not grown or shrunk, half of the time.
        self.baseSize =
            Bool.random(using: &generator)
            ? self.size
            : Int.random(in: 0...2 * blocks * self.blockSize, using: &generator)
        let baseBlocks = (self.baseSize + self.blockSize - 1) / self.blockSize
        self.base = Self.file(blocks: baseBlocks, using: &generator)
        self.target = Array(self.base.prefix(blocks))
        self.target += Array(repeating: .hole, count: blocks - self.target.count)
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
            let start = Int.random(in: 0..<blocks, using: &generator)
            let end = Int.random(in: start + 1...min(blocks, start + 6), using: &generator)
            let new = Self.file(blocks: end - start, using: &generator)
            self.target.replaceSubrange(start..<end, with: new)
        }
    }

    private static func file(
        blocks: Int,
        from first: Int = 0,
        using generator: inout SeededGenerator
    ) -> [Block] {
        var file: [Block] = []
        while file.count < blocks {
            let count = min(Int.random(in: 1...8, using: &generator), blocks - file.count)
            let address = UInt64.random(in: 1..<1000, using: &generator)
            let flags: [PhysicalExtentFlags] = [
                .unknown, .delayed, .inline, .tail, .notAligned, .encoded,
            ]
            let flag = flags.randomElement(using: &generator) ?? .unknown
            switch Int.random(in: 0..<9, using: &generator) {
            case 0, 1: file += Array(repeating: .hole, count: count)
            case 2: file += (0..<count).map { .unwritten(address + UInt64($0)) }
            case 3: file += Array(repeating: .doubt(address, flag), count: count)
            default: file += (0..<count).map { .data(address + UInt64($0)) }
            }
        }
        return file
    }

    /// The file as a file system would list it; where it may cut extents, it does so at random.
    func extents(of file: [Block], using generator: inout SeededGenerator) -> [PhysicalExtent] {
        var extents: [PhysicalExtent] = []
        var index = 0
        while index < file.count {
            var end = index + 1
            while end < file.count, self.continues(file, index, end),
                Int.random(in: 0..<4, using: &generator) != 0
            {
                end += 1
            }
            let flags: PhysicalExtentFlags
            let address: UInt64
            switch file[index] {
            case .hole:
                index = end
                continue
            case .unwritten(let block): (address, flags) = (block, .unwritten)
            case .data(let block): (address, flags) = (block, [])
            case .doubt(let block, let doubt): (address, flags) = (block, doubt)
            }
            extents.append(
                PhysicalExtent(
                    logical: extent(index * self.blockSize, end * self.blockSize),
                    physical: address * UInt64(self.blockSize),
                    flags: flags
                )
            )
            index = end
        }
        return extents
    }

    private func continues(_ file: [Block], _ start: Int, _ next: Int) -> Bool {
        let count = UInt64(next - start)
        switch (file[start], file[next]) {
        case (.hole, .hole): return true
        case (.unwritten(let first), .unwritten(let then)): return then == first + count
        case (.data(let first), .data(let then)): return then == first + count
        case (.doubt, .doubt): return file[start] == file[next]
        case (.hole, _), (.unwritten, _), (.data, _), (.doubt, _): return false
        }
    }

    /// What has to be reported, granule by granule.
    var expected: [KindedExtent] {
        var found: [KindedExtent] = []
        let shorter = min(self.size, self.baseSize)
        let seam =
            self.size != self.baseSize && shorter % 4096 != 0 ? shorter / 4096 : nil
        for granule in 0..<(self.size + 4095) / 4096 {
            let end = min(granule * 4096 + 4096, self.size)
            let blocks =
                granule * 4096 / self.blockSize..<(end + self.blockSize - 1) / self.blockSize
            let isChanged =
                granule == seam
                || blocks.contains { index in
                    let old = index < self.base.count ? self.base[index] : .hole
                    return !old.isSame(as: self.target[index])
                }
            guard isChanged else { continue }
            let kind: ExtentKind = blocks.allSatisfy { self.target[$0].isZero } ? .zero : .data
            if let last = found.last, last.kind == kind, last.extent.end.bytes == granule * 4096 {
                found[found.count - 1] = KindedExtent(
                    Extent(last.extent.start, ByteOffset(end)),
                    kind
                )
            } else {
                found.append(KindedExtent(extent(granule * 4096, end), kind))
            }
        }
        return found
    }
}
