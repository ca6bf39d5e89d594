// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Locks

// The commit in two parts, for volumes that become visible together:
//
//   prepare   steps 1 to 4 of the commit, then prepared.json: nothing of it is visible
//   release   steps 5 to 8, without the sender and without the stage's session
//
// Between the two anything may be killed. What this process has not proven itself is read again
// before a release is decided (P2); once it is decided, prepared.json is as good as a commit record.

/// A stage that is a whole generation and waits for the release of its group: the record of
/// `stage/prepared.json`.
public struct PreparedRecord: StateRecord, Hashable {
    /// The version of the form of the file.
    public static let format = 1

    /// The switch that the release will decide.
    public var pending: CommitRecord.Pending
    /// Whether `durable.log` names everything that was staged, so that reading what it names is
    /// enough to prove the stage again.
    public var isLogWhole: Bool

    /// The generation that waits.
    public var generation: Generation { self.pending.target.generation }

    /// A record of all its parts.
    public init(_ pending: CommitRecord.Pending, isLogWhole: Bool) {
        self.pending = pending
        self.isLogWhole = isLogWhole
    }
}

extension ReplicaVolume {
    /// Proves a stage and makes it ready to be shown, and shows nothing of it (P2, P3).
    ///
    /// No writer may be at work. The stage survives a kill from here on, and can be released without
    /// its sender.
    ///
    /// - Parameters:
    ///   - stage: what was staged.
    ///   - expected: the sender's root.
    /// - Returns: the generation that waits.
    /// - Throws: as ``commit(_:expecting:whenVisible:)``; what was visible stays so.
    @discardableResult
    public func prepare(
        _ stage: Stage,
        expecting expected: RootDigest
    ) throws(StageError) -> Generation {
        let found = try stage.prove(isShownNext: false)
        guard found == expected else {
            throw .rootMismatch(expected: expected, found: found)
        }
        let generation = stage.record.target.generation(root: found)
        let isLogWhole = stage.ledger.withLock { !$0.isTruncated }
        try storing { () throws(StoreError) in
            try self.options.hook(.rootProven)
            let pending = try self.seal(stage, as: generation)
            let record = PreparedRecord(pending, isLogWhole: isLogWhole)
            try StateFile.store(record, to: self.paths.stage.prepared)
            self.state.withLock { $0.prepared = record }
            try self.options.hook(.prepared)
        }
        return generation
    }

    /// Whether this process has proven the stage of this snapshot, which waits for its release.
    public func hasProven(_ snapshot: SnapshotID) -> Bool {
        self.state.withLock { $0.prepared?.generation.snapshot == snapshot }
    }

    /// The generation that waits for its release; nil where none does.
    ///
    /// - Throws: what reading its record failed with; a record that cannot be believed counts as none.
    public func preparedGeneration() throws(StoreError) -> Generation? {
        if let known = self.state.withLock({ $0.prepared }) { return known.generation }
        return try self.storedPrepared()?.generation
    }

    /// Makes sure that what waits is what was proven: at once where this process has proven it, else
    /// by reading everything that was staged (P2).
    ///
    /// - Returns: the generation that waits.
    /// - Throws: `store` with `notFound` where nothing of the snapshot waits, with `busy` while a
    ///   session has the stage; `rootMismatch` when the disk has other bytes.
    @discardableResult
    public func proveAgain(_ snapshot: SnapshotID) throws(StageError) -> Generation {
        if let known = self.state.withLock({ $0.prepared }), known.generation.snapshot == snapshot {
            return known.generation
        }
        let volume = try storing { () throws(StoreError) in try self.beginStaging().0 }
        defer { self.state.withLock { $0.isStaging = false } }
        // One that somebody kept would go on with files that are made anew here.
        self.state.withLock { $0.stage = nil }
        let found = try storing { () throws(StoreError) in
            (try self.storedPrepared(), try self.stagedTransfer())
        }
        guard let record = found.0, let stored = found.1, record.generation.snapshot == snapshot
        else {
            throw .store(
                StoreError(.notFound, "nothing of the snapshot is prepared", path: self.directory)
            )
        }
        if record.isLogWhole {
            let stage = try self.factory(for: volume).resume(stored)
            return try self.prepare(stage, expecting: record.generation.root)
        }
        try self.verifyPrepared(record, volume)
        self.state.withLock { $0.prepared = record }
        return record.generation
    }

    /// Shows what waits; the decision to do so is durable elsewhere.
    ///
    /// May be called again after a failure or a kill, and does what is left then.
    ///
    /// - Parameter snapshot: what the decision names.
    /// - Returns: the generation, which is visible and durable.
    /// - Throws: `busy` while readers hold a target that is changed in place, or a session has the
    ///   stage; `notFound` where nothing of the snapshot waits.
    @discardableResult
    public func showPrepared(_ snapshot: SnapshotID) throws(StoreError) -> Generation {
        if self.needsRecovery { try self.recover() }
        if let visible = self.visible, visible.snapshot == snapshot { return visible }
        let known = self.state.withLock { $0.prepared }
        _ = try self.beginStaging()
        defer { self.state.withLock { $0.isStaging = false } }
        var waiting = known
        if waiting == nil { waiting = try self.storedPrepared() }
        guard let record = waiting, record.generation.snapshot == snapshot else {
            throw StoreError(.notFound, "nothing of the snapshot is prepared", path: self.directory)
        }
        do throws(StoreError) {
            try self.beginSwitch(record.pending)
        } catch {
            // Nothing was begun: what was proven is still so.
            if !self.needsRecovery { self.state.withLock { $0.prepared = known } }
            throw error
        }
        try self.finish(record.pending)
        return record.generation
    }

    /// Throws away what waits of a snapshot, or what an ended session of it left.
    ///
    /// - Returns: whether there was something.
    /// - Throws: when its files could not be removed.
    @discardableResult
    public func discardStage(of snapshot: SnapshotID) throws(StoreError) -> Bool {
        guard try self.stagedTransfer()?.target.snapshot == snapshot else { return false }
        return try self.discardLeftover()
    }

    /// The record of the stage that lies here, if the two belong together and to what is visible.
    private func storedPrepared() throws(StoreError) -> PreparedRecord? {
        do throws(StoreError) {
            let record = try StateFile.load(PreparedRecord.self, from: self.paths.stage.prepared)
            guard let record, let stage = try self.stagedTransfer() else { return nil }
            let visible = self.state.withLock { $0.commit.visible }
            let target = stage.target.generation(root: record.generation.root)
            return target == record.generation && stage.visible == visible ? record : nil
        } catch {
            switch error.code {
            case .corrupt, .unsupported: return nil
            case .noSpace, .ioFailed, .notFound, .alreadyExists, .busy, .wrongBase, .permission,
                .invalid:
                throw error
            }
        }
    }

    /// Reads a whole staged image of which the log does not name everything.
    private func verifyPrepared(
        _ record: PreparedRecord,
        _ volume: VolumeRecord
    ) throws(StageError) {
        try storing { () throws(StoreError) in
            let image: BlockFile
            switch record.pending.method {
            case .rename: image = try BlockFile.open(self.paths.stage.image, writable: false)
            case .adopt: image = try self.factory(for: volume).openInPlace(nil, writable: false)
            case .apply:
                throw StoreError(
                    .unsupported,
                    "a journal with more extents than are remembered cannot be proven again; "
                        + "the sender has to come again",
                    path: self.directory
                )
            }
            let digests = try DigestFile.open(self.paths.stage.digests, writable: false)
            // Counted, because the reader counts itself out when it goes.
            self.state.withLock { $0.readers += 1 }
            let reader = ReplicaReader(
                of: record.generation,
                volume: self,
                file: image,
                digests: digests
            )
            guard try reader.verify()?.isIntact == true else {
                throw StoreError(
                    .corrupt,
                    "the prepared stage has other bytes than were proven",
                    path: self.directory
                )
            }
        }
    }
}

extension PreparedRecord: Codable {
    private enum Keys: String, CodingKey {
        case pending
        case logWhole
    }

    /// The form in the file.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        self.pending = try values.decode(CommitRecord.Pending.self, forKey: .pending)
        self.isLogWhole = try values.decode(Bool.self, forKey: .logWhole)
    }

    /// The form in the file.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(self.pending, forKey: .pending)
        try values.encode(self.isLogWhole, forKey: .logWhole)
    }
}
