// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// What a promoted volume's agent asks of the former source.
public struct TakeOver: Sendable {
    /// The cluster that asks, and will own the replica (P8).
    public let owner: ClusterID
    /// What a fence may call that cluster.
    public let ownerNames: Set<String>
    /// The generation that was promoted, as the former source knows it.
    public let former: Generation
    /// The history from now on.
    public let lineage: LineageID
    /// The root of the same bytes in it.
    public let root: RootDigest
    /// The key of both histories: who asks must know it.
    public let key: LineageKey

    /// A request of all its parts.
    public init(
        owner: ClusterID,
        ownerNames: Set<String>,
        former: Generation,
        lineage: LineageID,
        root: RootDigest,
        key: LineageKey
    ) {
        self.owner = owner
        self.ownerNames = ownerNames.union(["\(owner)"])
        self.former = former
        self.lineage = lineage
        self.root = root
        self.key = key
    }

    /// The promoted generation in the history from now on.
    var common: Generation { self.former.inLineage(self.lineage, root: self.root) }
}

/// Why a former source does not become a replica.
public enum TakeOverError: Error, Sendable {
    /// The volume was never sent to who asks: it is none of its business (P8).
    case notOfThisPair
    /// Nobody has fenced it: an application may be writing it.
    case notFenced
    /// It is fenced for another cluster.
    case fencedFor(String)
    /// Its history is not the one that was forked (P4).
    case otherHistory(String)
    /// What the disk refused.
    case store(StoreError)
}

extension TakeOver {
    /// What the former source has of the promoted generation.
    enum Common {
        /// It is the pair's common generation, with its digests.
        case known(SourceSnapshot)
        /// The pair has gone on from it: the promoted one is older than the common one.
        case passed(SourceSnapshot?)
    }

    /// Decides whether a source may become the replica (P4, P8); changes nothing.
    ///
    /// The order matters: who may not touch the volume learns nothing about it.
    func check(_ volume: SourceVolume) throws(TakeOverError) -> Common {
        let pair = try taking { () throws(StoreError) in try volume.pair(self.owner) }
        guard pair.committed != nil || pair.pending != nil, volume.key == self.key else {
            throw .notOfThisPair
        }
        guard let fence = volume.fence else { throw .notFenced }
        if let by = fence.by, !self.ownerNames.contains(by) { throw .fencedFor(by) }
        guard volume.lineage == self.former.lineage else {
            throw .otherHistory("it has lineage \(volume.lineage) here")
        }
        if let found = try self.known(volume, pair) { return .known(found) }
        guard let committed = pair.committed, committed.number > self.former.number else {
            let last = pair.committed.map { "\($0.number.number)" } ?? "none"
            throw .otherHistory(
                "the last generation that both sides have is \(last), and \(self.former.number.number) "
                    + "with root \(self.former.root) is not known here"
            )
        }
        let newest = try taking { () throws(StoreError) in
            try volume.snapshots()
                .first { $0.number == committed.number && $0.snapshot == committed.snapshot }
        }
        return .passed(newest)
    }

    /// The snapshot of the promoted generation, if both sides know it as committed there.
    private func known(
        _ volume: SourceVolume,
        _ pair: PairRecord
    ) throws(TakeOverError) -> SourceSnapshot? {
        // The acknowledgement of what is pending may be what was lost with this side.
        let isPending =
            pair.pending?.number == self.former.number
            && pair.pending?.snapshot == self.former.snapshot
        guard pair.committed == self.former || isPending else { return nil }
        return try taking { () throws(StoreError) -> SourceSnapshot? in
            let found = try volume.snapshots()
                .first { $0.number == self.former.number && $0.snapshot == self.former.snapshot }
            guard let found, try found.generation() == self.former else {
                // Committed there without its digests here: a verifying run needs none.
                return nil
            }
            return found
        }
    }
}

/// Runs an operation of the store.
func taking<Result>(
    _ body: () throws(StoreError) -> Result
) throws(TakeOverError) -> Result {
    do throws(StoreError) {
        return try body()
    } catch {
        throw .store(error)
    }
}
