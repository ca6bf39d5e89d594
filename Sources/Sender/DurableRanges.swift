// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes

/// What the destination already made durable of this transfer, shared by the data threads.
///
/// A class, because the set may have a million extents and is only read.
final class DurableRanges: Sendable {
    private let set: ExtentSet

    init(_ extents: [Extent]) { self.set = ExtentSet(extents) }

    /// Whether nothing is; then nobody needs to look.
    var isEmpty: Bool { self.set.isEmpty }

    var byteCount: ByteCount { self.set.byteCount }

    /// Whether all of an extent is.
    func contains(_ extent: Extent) -> Bool { self.set.contains(extent) }

    /// The parts of an extent that are not.
    func gaps(in extent: Extent) -> [Extent] { self.set.gaps(in: extent) }
}
