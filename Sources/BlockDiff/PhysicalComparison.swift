// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// What differs between two reflink clones, told from where their bytes lie on the device.
///
/// Reads no data. A merge of two ascending streams, in constant memory. It never calls changed
/// bytes the same, as long as both files exist while both streams are read and nothing writes to
/// either: then two files that have the same address for a range have the same bytes there.
///
/// | base \ target | hole or unwritten | data | in doubt |
/// |---|---|---|---|
/// | hole or unwritten | same | changed | changed |
/// | data | changed: zero | same where the displacement is equal | changed |
/// | in doubt | changed: zero | changed | changed |
///
/// The displacement (address − place in the file) is compared over overlapping ranges, not extent
/// by extent: both files cut the same bytes into extents differently. Encoded (compressed) extents
/// are always in doubt, see ``PhysicalExtentFlags``.
public struct PhysicalComparison<Base: PhysicalExtentStream, Target: PhysicalExtentStream>
where Base.Failure == Target.Failure {
    private var pieces: PhysicalPieces<Base, Target>
    private var rounding: GranuleRounding
    private var ready: KindedExtent?
    private var isFinished = false

    /// Compares two files from their first byte to the end of the target.
    ///
    /// - Parameters:
    ///   - base: the extents of the base file.
    ///   - target: the extents of the target file.
    ///   - baseSize: the size of the base file; beyond it the base reads as zeros.
    ///   - size: the size of the target file.
    public init(base: Base, target: Target, baseSize: ByteCount, size: ByteCount) {
        self.pieces = PhysicalPieces(base: base, target: target, baseSize: baseSize, size: size)
        self.rounding = GranuleRounding(size: size)
    }

    /// The next extent that may differ: whole granules, coalesced, with what the target holds.
    public mutating func next() throws(Base.Failure) -> KindedExtent? {
        while true {
            if let extent = self.rounding.take() {
                guard let before = self.ready else {
                    self.ready = extent
                    continue
                }
                if before.kind == extent.kind, before.extent.end == extent.extent.start {
                    let joined = Extent(before.extent.start, extent.extent.end)
                    self.ready = KindedExtent(joined, extent.kind)
                    continue
                }
                self.ready = extent
                return before
            }
            if self.isFinished {
                defer { self.ready = nil }
                return self.ready
            }
            if let piece = try self.pieces.next() {
                self.rounding.add(piece)
            } else {
                self.rounding.finish()
                self.isFinished = true
            }
        }
    }
}

/// A range in which nothing changes its state: neither file starts or ends an extent inside it.
struct ComparedPiece: Hashable {
    var extent: Extent
    var isChanged: Bool
    /// The target reads as zeros here.
    var isZero: Bool
}

/// Cuts both files where either starts or ends an extent and compares piece by piece.
private struct PhysicalPieces<Base: PhysicalExtentStream, Target: PhysicalExtentStream>
where Base.Failure == Target.Failure {
    private var base: Base
    private var target: Target
    private var baseExtent: PhysicalExtent?
    private var targetExtent: PhysicalExtent?
    private var isStarted = false
    private var place = ByteOffset.zero
    private let end: ByteOffset
    /// The granule in which the shorter file ends, when the sizes differ: what lies behind the end
    /// of a file in its last block is not told by any address.
    private let seam: Extent?

    init(base: Base, target: Target, baseSize: ByteCount, size: ByteCount) {
        self.base = base
        self.target = target
        self.end = ByteOffset(size.bytes)
        let shorter = ByteOffset(min(baseSize, size).bytes)
        let start = shorter.roundedDown(to: Geometry.granule)
        self.seam =
            baseSize != size && start < shorter
            ? Extent(start, min(shorter.roundedUp(to: Geometry.granule), self.end)) : nil
    }

    mutating func next() throws(Base.Failure) -> ComparedPiece? {
        if !self.isStarted {
            self.isStarted = true
            self.baseExtent = try self.base.next()
            self.targetExtent = try self.target.next()
        }
        guard self.place < self.end else { return nil }
        while let extent = self.baseExtent, extent.logical.end <= self.place {
            self.baseExtent = try self.base.next()
        }
        while let extent = self.targetExtent, extent.logical.end <= self.place {
            self.targetExtent = try self.target.next()
        }
        var stop = self.end
        let old = self.covering(self.baseExtent, &stop)
        let new = self.covering(self.targetExtent, &stop)
        if let seam = self.seam {
            if self.place < seam.start {
                stop = min(stop, seam.start)
            } else if self.place < seam.end {
                stop = min(stop, seam.end)
            }
        }
        let extent = Extent(self.place, stop)
        self.place = stop
        let isSeam = self.seam?.overlaps(extent) ?? false
        return ComparedPiece(
            extent: extent,
            isChanged: isSeam || !Self.isSame(old, new),
            isZero: new.map(\.isZero) ?? true
        )
    }

    /// The extent that holds `place`, nil in a hole; `stop` becomes the end of either at most.
    private func covering(
        _ extent: PhysicalExtent?,
        _ stop: inout ByteOffset
    ) -> PhysicalExtent? {
        guard let extent else { return nil }
        if extent.logical.start > self.place {
            stop = min(stop, extent.logical.start)
            return nil
        }
        stop = min(stop, extent.logical.end)
        return extent
    }

    private static func isSame(_ old: PhysicalExtent?, _ new: PhysicalExtent?) -> Bool {
        let oldIsZero = old?.isZero ?? true
        let newIsZero = new?.isZero ?? true
        if oldIsZero || newIsZero { return oldIsZero && newIsZero }
        guard let old, let new, !old.isDoubtful, !new.isDoubtful else { return false }
        return old.displacement == new.displacement
    }
}

/// Rounds changed pieces out to whole granules.
///
/// A granule is reported as zero only when all of it reads as zeros in the target; when one byte of
/// a granule is data, the granule is read. At most one granule is open at a time.
struct GranuleRounding {
    private struct Open {
        var granule: Extent
        var isChanged: Bool
        var isZero: Bool
    }

    private let size: ByteCount
    private var open: Open?
    /// What was completed by the last piece: the open granule, whole granules; not yet taken.
    private var first: KindedExtent?
    private var second: KindedExtent?

    init(size: ByteCount) { self.size = size }

    mutating func take() -> KindedExtent? {
        if let first = self.first {
            self.first = nil
            return first
        }
        defer { self.second = nil }
        return self.second
    }

    /// Takes the piece that follows the last one.
    mutating func add(_ piece: ComparedPiece) {
        precondition(self.first == nil && self.second == nil, "a result was not taken")
        var start = piece.extent.start
        if let open = self.open {
            let common = min(open.granule.end, piece.extent.end)
            self.open?.isChanged = open.isChanged || piece.isChanged
            self.open?.isZero = open.isZero && piece.isZero
            if common < open.granule.end { return }
            self.first = self.closed()
            start = common
        }
        guard start < piece.extent.end else { return }
        let volumeEnd = ByteOffset(self.size.bytes)
        let whole =
            piece.extent.end == volumeEnd
            ? volumeEnd : piece.extent.end.roundedDown(to: Geometry.granule)
        if start < whole, piece.isChanged {
            self.second = KindedExtent(Extent(start, whole), piece.isZero ? .zero : .data)
        }
        if whole < piece.extent.end {
            let granule = Extent(max(start, whole), piece.extent.end)
                .roundedOut(to: Geometry.granule, within: self.size)
            self.open = Open(granule: granule, isChanged: piece.isChanged, isZero: piece.isZero)
        }
    }

    mutating func finish() {
        precondition(self.open == nil, "the pieces end before the volume")
    }

    private mutating func closed() -> KindedExtent? {
        defer { self.open = nil }
        guard let open = self.open, open.isChanged else { return nil }
        return KindedExtent(open.granule, open.isZero ? .zero : .data)
    }
}
