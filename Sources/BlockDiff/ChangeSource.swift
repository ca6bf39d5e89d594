// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// Which means tells what may differ from the base.
public enum ChangeSourceKind: String, Hashable, Sendable, CaseIterable {
    /// The holes and data of the volume itself: for full transfers.
    case allocationMap
    /// Physical addresses of two reflink clones: reads no data.
    case physicalExtents
    /// Leaf digests of the last committed generation: reads the volume.
    case storedDigests
}

/// How much a change source reports.
public enum ChangeCertainty: Hashable, Sendable {
    /// Exactly what differs.
    case exact
    /// What differs, and perhaps more; never less.
    case superset
}

/// What tells which extents may differ from the base.
///
/// Extents come ascending, disjoint, and granule aligned except at the volume's end. What is not
/// reported is unchanged: a source may report too much, never too little. Each run audits that
/// (P9, ``AuditPlan``).
public protocol ChangeSource {
    /// What goes wrong while looking.
    associatedtype Failure: Error

    /// What this source looks at.
    var kind: ChangeSourceKind { get }

    /// Whether it may report more than what differs.
    var certainty: ChangeCertainty { get }

    /// The next extent that may differ, and what the target holds there; nil after the last.
    mutating func next() throws(Failure) -> KindedExtent?
}

extension ChangeSource {
    /// Everything that is left, at once.
    ///
    /// For tests and small volumes: memory grows with it.
    public mutating func remaining() throws(Failure) -> [KindedExtent] {
        var extents: [KindedExtent] = []
        while let extent = try self.next() { extents.append(extent) }
        return extents
    }
}
