// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// What a file system says about one physical extent; the values are those of FIEMAP.
public struct PhysicalExtentFlags: OptionSet, Hashable, Sendable {
    /// The bits as the kernel gives them.
    public let rawValue: UInt32

    /// The bits as the kernel gives them.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The last extent of the file.
    public static let last = Self(rawValue: 0x1)
    /// The place is not known yet.
    public static let unknown = Self(rawValue: 0x2)
    /// Not yet allocated: written but not flushed.
    public static let delayed = Self(rawValue: 0x4)
    /// Compressed or encrypted: the address is that of the whole encoded block.
    public static let encoded = Self(rawValue: 0x8)
    /// Encrypted by the file system.
    public static let encrypted = Self(rawValue: 0x80)
    /// The address is not aligned to blocks.
    public static let notAligned = Self(rawValue: 0x100)
    /// The bytes lie among the metadata.
    public static let inline = Self(rawValue: 0x200)
    /// The bytes share a block with other files.
    public static let tail = Self(rawValue: 0x400)
    /// Allocated but never written: reads as zeros.
    public static let unwritten = Self(rawValue: 0x800)
    /// Put together by the file system for this answer.
    public static let merged = Self(rawValue: 0x1000)
    /// Referred to by more than one file.
    public static let shared = Self(rawValue: 0x2000)

    /// The address does not say which bytes are there: the extent counts as changed.
    ///
    /// Encoded ones belong here: the address is that of a whole compressed unit and does not tell
    /// which part of it is meant. On btrfs (Linux 6.18) two files that refer to the first and
    /// the second half of one unit, with different bytes, get the same place, address, length and
    /// flags; copy_file_range inside a volume is enough to make that happen.
    static let doubtful: Self = [
        .unknown, .delayed, .encoded, .encrypted, .notAligned, .inline, .tail,
    ]
}

/// Where a range of a file lies on the device.
public struct PhysicalExtent: Hashable, Sendable {
    /// The range of the file.
    public let logical: Extent

    /// The address on the device, in bytes; what it counts from is the file system's affair.
    public let physical: UInt64

    /// What the file system says about it.
    public let flags: PhysicalExtentFlags

    /// The range `logical` of a file lies at `physical`.
    public init(logical: Extent, physical: UInt64, flags: PhysicalExtentFlags = []) {
        self.logical = logical
        self.physical = physical
        self.flags = flags
    }

    /// Whether the bytes are zeros for certain.
    var isZero: Bool { self.flags.contains(.unwritten) && !self.isDoubtful }

    /// Whether the address tells nothing.
    ///
    /// No file system keeps file data at address 0.
    var isDoubtful: Bool {
        !self.flags.isDisjoint(with: .doubtful)
            || (self.physical == 0 && !self.flags.contains(.unwritten))
    }

    /// What stays the same along the extent: equal for equal bytes on the device.
    ///
    /// Wraps around.
    var displacement: UInt64 { self.physical &- UInt64(self.logical.start.bytes) }
}

/// The physical extents of a file, ascending and disjoint; what lies between them is a hole.
public protocol PhysicalExtentStream {
    /// What goes wrong while asking the file system.
    associatedtype Failure: Error

    /// The next extent; nil after the last.
    mutating func next() throws(Failure) -> PhysicalExtent?
}

/// Physical extents out of an array, for tests.
public struct ListedPhysicalExtents: PhysicalExtentStream, Sendable {
    private var rest: ArraySlice<PhysicalExtent>

    /// The extents have to be ascending and disjoint.
    public init(_ extents: [PhysicalExtent]) { self.rest = extents[...] }

    /// The next extent; nil after the last.
    public mutating func next() -> PhysicalExtent? { self.rest.popFirst() }
}
