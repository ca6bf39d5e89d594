// SPDX-License-Identifier: Apache-2.0

/// Joins ascending extents that lie close together, for reads.
///
/// A disk that reads 600 to 1,400 MB/s and does 20,000 to 40,000 reads a second reads some 32 KiB
/// more in the time of one more read. The pages that pgbench writes in a minute lie 13 KiB apart: one
/// request for each of them took the most of the time of a run.
public struct NearExtents: Sendable {
    /// The widest gap that is read too.
    public static let gap = ByteCount.kibibytes(32)

    private var open: Extent?

    /// Nothing yet.
    public init() {}

    /// Takes an extent in; calls `body` with what nothing more can be joined to.
    ///
    /// An extent that begins before the last one ends something too.
    public mutating func add(_ extent: Extent, _ body: (Extent) -> Void) {
        guard let former = self.open else {
            self.open = extent
            return
        }
        if extent.start >= former.start, extent.start <= former.end + Self.gap {
            self.open = Extent(former.start, max(former.end, extent.end))
        } else {
            body(former)
            self.open = extent
        }
    }

    /// Calls `body` with what is left.
    public mutating func finish(_ body: (Extent) -> Void) {
        if let open = self.open { body(open) }
        self.open = nil
    }
}
