// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import WireProtocol

// Where the destination's own bytes decide: leaf digests in a full verify, and the granules of
// leaves that differ, wherever there is no clone of the base to compare with.

extension StreamWorker {
    // MARK: Leaves

    /// Compares whole leaves with what the destination computes from its bytes.
    ///
    /// The question goes out first: both sides read at the same time.
    mutating func compareWithPeer(_ extent: Extent) throws(StreamFailure) {
        let leaves = extent.touchedLeaves
        let query = LeafQuery(first: LeafIndex(leaves.lowerBound), count: leaves.count)
        _ = try self.perform(self.stream.ask(query))
        self.digests.removeAll(keepingCapacity: true)
        var place = extent.start
        while place < extent.end {
            let end = min(place + Geometry.maximumChunk, extent.end)
            let granules = try self.load(Extent(place, end))
            self.appendLeaves(granules)
            place = end
        }
        try self.exchangeDigests(from: query.first)
        guard case .leaves(let peers) = try self.answer() else {
            preconditionFailure("the stream let another answer through")
        }
        self.countDrift(peers, first: query.first)
        try self.send(differingFrom: peers, first: query.first)
    }

    /// Sends leaves of which one side is zero at once; asks about the granules of the others.
    private mutating func send(
        differingFrom peers: [LeafDigest],
        first: LeafIndex
    ) throws(StreamFailure) {
        for index in peers.indices where self.digests[index] != peers[index] {
            let leaf = LeafIndex(first.index + index)
            if self.digests[index] == .zero {
                try self.send(zeros: leaf.extent(in: self.context.size))
            } else if peers[index] == .zero {
                try self.sendLeaf(leaf, shares: nil)
            } else {
                self.dirty.append(leaf)
                if self.dirty.count == Limits.leavesPerGranuleQuery { try self.resolveDirty() }
            }
        }
    }

    /// Counts leaves of the destination's base that are not what was committed.
    private func countDrift(_ peers: [LeafDigest], first: LeafIndex) {
        guard self.context.hasBaseDigests else { return }
        var drifted = 0
        for index in peers.indices
        where peers[index] != self.formerDigests[index]
            && first.index + index != self.context.cutLeaf?.index
        {
            drifted += 1
        }
        guard drifted > 0 else { return }
        self.context.state.update { state in state.drifted += drifted }
    }

    // MARK: Granules

    /// Asks about the granules of all leaves that were put aside, and sends those that differ.
    mutating func resolveDirty() throws(StreamFailure) {
        guard !self.dirty.isEmpty else { return }
        if !self.durable.isEmpty {
            // What is durable in whole need not be asked for.
            let size = self.context.size
            let durable = self.durable
            self.dirty.removeAll { durable.contains($0.extent(in: size)) }
            guard !self.dirty.isEmpty else { return }
        }
        _ = try self.perform(self.stream.ask(GranuleQuery(self.dirty)))
        guard case .granules(let leaves) = try self.answer() else {
            preconditionFailure("the stream let another answer through")
        }
        self.dirty.removeAll(keepingCapacity: true)
        for leaf in leaves { try self.sendLeaf(leaf.leaf, shares: leaf.shares) }
    }

    /// Sends the granules of a leaf whose shares are not these; nil stands for zeros.
    private mutating func sendLeaf(
        _ leaf: LeafIndex,
        shares: [LeafDigest]?
    ) throws(StreamFailure) {
        let extent = leaf.extent(in: self.context.size)
        let granules = try self.load(extent)
        for slot in 0..<granules {
            let range = Self.range(slot)
            let isZero = ZeroTest.isZero(self.target, range)
            let share: LeafDigest = isZero ? .zero : self.share(ofGranule: slot, at: range)
            let isSame = share == shares?[slot] ?? .zero
            self.kinds[slot] = isSame ? .same : isZero ? .zero : .data
        }
        try self.sendRuns(at: extent.start, granules: granules)
    }
}
