// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import VolumeStore

/// Where a transfer reads, asked from the disk ahead of its data threads.
struct ReadAhead {
    let target: BlockFile
    /// Nil where nothing is compared with a clone.
    let base: BlockFile?

    /// Asks for what the units will read; what lies close together in one request.
    func prefetch(_ units: some Sequence<WorkUnit>, of size: ByteCount) {
        var target = NearExtents()
        var base = NearExtents()
        for unit in units {
            switch unit.task {
            case .zero: break
            // Of an allocation map holes are audited: there is nothing to read in.
            case .audit:
                if self.base != nil { target.add(unit.extent) { self.target.prefetch($0) } }
            case .data:
                target.add(unit.extent) { self.target.prefetch($0) }
                base.add(unit.extent) { self.base?.prefetch($0) }
            case .replaced:
                target.add(unit.extent) { self.target.prefetch($0) }
                let (head, tail) = unit.extent.edges(around: unit.extent.wholeLeaves(in: size))
                if let head { base.add(head) { self.base?.prefetch($0) } }
                if let tail { base.add(tail) { self.base?.prefetch($0) } }
            }
        }
        target.finish { self.target.prefetch($0) }
        base.finish { self.base?.prefetch($0) }
    }
}

/// A batch of work for one data thread; its memory is used again for the next one.
struct WorkBatch {
    /// The most units of one batch: as many granules as a chunk has.
    static let limit = 256
    /// Leaves that are audited together.
    static let audits = 16

    /// What to do.
    var units: [WorkUnit] = []
    /// What came into the line behind it, and is to be read ahead.
    var added: [WorkUnit] = []

    /// An empty batch.
    init() {
        self.units.reserveCapacity(Self.limit)
        self.added.reserveCapacity(Self.limit)
    }

    mutating func removeAll() {
        self.units.removeAll(keepingCapacity: true)
        self.added.removeAll(keepingCapacity: true)
    }
}
