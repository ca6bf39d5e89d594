// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

// What a source knows of each pair it is sent to: pairs/<cluster>.json.

extension SourceVolume {
    /// What the volume knows of a pair; an empty record for one it was never sent to.
    public func pair(_ pair: ClusterID) throws(StoreError) -> PairRecord {
        try self.locked { (_) throws(StoreError) in
            try StateFile.load(PairRecord.self, from: self.path(of: pair)) ?? PairRecord(pair: pair)
        }
    }

    /// Every pair that the volume was sent to.
    public func pairs() throws(StoreError) -> [PairRecord] {
        try self.locked { (_) throws(StoreError) in try self.loadPairs() }
    }

    /// Records what the volume knows of a pair; durable when it returns.
    public func store(_ record: PairRecord) throws(StoreError) {
        try self.locked { (state) throws(StoreError) in
            guard !state.isDeleted else {
                throw StoreError(.notFound, "the volume was deleted", path: self.directory)
            }
            try self.makeDirectory("pairs", &state)
            try StateFile.store(record, to: self.path(of: record.pair))
        }
    }

    /// Forgets a pair, and with it the bases that only it needed.
    ///
    /// - Throws: `busy` while the volume is being sent to it.
    public func forget(_ pair: ClusterID) throws(StoreError) {
        try self.locked { (state) throws(StoreError) in
            guard !state.busyPairs.contains(pair) else {
                throw StoreError(
                    .busy,
                    "the volume is being sent to the pair",
                    path: self.directory
                )
            }
            try PoolDirectory.remove(self.path(of: pair))
        }
        try self.prune()
    }

    /// The records of all pairs; under the lock.
    func loadPairs() throws(StoreError) -> [PairRecord] {
        var records: [PairRecord] = []
        for name in try PoolDirectory.names(in: "\(self.directory)/pairs") {
            guard name.hasSuffix(".json"), let pair = ClusterID(name.dropLast(5)),
                let record = try StateFile.load(PairRecord.self, from: self.path(of: pair))
            else { continue }
            records.append(record)
        }
        return records
    }

    private func path(of pair: ClusterID) -> String { "\(self.directory)/pairs/\(pair).json" }
}
