// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import WireProtocol

/// What the receiver has of the volume of an offer.
struct ReplicaFacts: Hashable, Sendable {
    var owner: ClusterID?
    var lineage: LineageID
    var key: LineageKey
    var algorithm: DigestAlgorithm
    var visible: Generation?
    /// Whether somebody has proven the bytes of the visible generation.
    var isProven = true
}

/// Decides whether an offer fits what is here (P4, P8).
///
/// Pure: reads nothing, changes nothing.
///
/// The order matters: who may not touch a volume learns nothing about it, and who comes again after
/// a lost `committed` hears that it is done rather than that it is stale.
enum OfferPolicy {
    /// The refusal of an offer; nil when it may go on.
    static func refusal(
        of offer: Offer,
        from pair: PairIdentity,
        facing facts: ReplicaFacts?
    ) -> Refusal? {
        guard let facts else {
            return offer.mode.needsBase
                ? Refusal(
                    code: .needsFull,
                    text: "there is no generation of this volume here"
                ) : nil
        }
        guard facts.owner == pair.cluster else {
            return Refusal(code: .notAuthorised, text: "the volume belongs to another pair")
        }
        let isSameHistory =
            facts.lineage == offer.lineage && facts.key == offer.lineageKey
            && facts.algorithm == offer.algorithm
        guard let visible = facts.visible else {
            return offer.mode.needsBase
                ? Refusal(
                    code: .needsFull,
                    text: "no generation of this volume was committed yet"
                ) : nil
        }
        let stamp = GenerationStamp(visible)
        guard isSameHistory else {
            return Refusal(
                code: .lineageFork,
                visible: stamp,
                text: "the volume has lineage \(facts.lineage) here, not \(offer.lineage): "
                    + "delete the replica at the destination, or send under another volume"
            )
        }
        if let refusal = Self.age(offer, stamp) { return refusal }
        if let base = offer.base, base != stamp {
            return Refusal(
                code: .wrongBase,
                visible: stamp,
                text: "generation \(visible.number.number) is visible, "
                    + "the offer builds on \(base.number.number)"
            )
        }
        guard facts.isProven || offer.mode != .incremental else {
            return Refusal(
                code: .needsFull,
                visible: stamp,
                text: "the volume was a source here, and no run has proven its bytes since"
            )
        }
        guard offer.target.size >= visible.size || offer.flags.contains(.allowShrink) else {
            return Refusal(
                code: .shrinkNotAllowed,
                visible: stamp,
                text: "the target has \(offer.target.size.bytes) bytes, the volume "
                    + "\(visible.size.bytes): allow shrinking if that is meant"
            )
        }
        return nil
    }

    private static func age(_ offer: Offer, _ visible: GenerationStamp) -> Refusal? {
        let target = offer.target
        guard target.number <= visible.number else { return nil }
        if target.number == visible.number, target.snapshot == visible.snapshot,
            target.size == visible.size
        {
            return Refusal(
                code: .alreadyCommitted,
                visible: visible,
                text: "generation \(visible.number.number) is visible already"
            )
        }
        return Refusal(
            code: .staleGeneration,
            visible: visible,
            text: "generation \(visible.number.number) is visible, "
                + "the offer brings \(target.number.number)"
        )
    }
}
