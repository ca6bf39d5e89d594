// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Locks

/// A volume that shows, at each instant, exactly one generation of a paired source (P1).
///
/// ```
///  (nothing) ──first commit──▶ visible ──commit──▶ visible ──▶ …
///       └───────── stage ─────────┘└─── stage ─────┘         at most one stage at a time
/// ```
/// One object for each volume of a store. Readers open a generation, one session at a time stages the
/// next one; on a target that is changed in place the switch and the readers exclude each other.
public final class ReplicaVolume: Sendable {
    /// The identity, as the source gave it.
    public let id: VolumeID

    /// The volume's directory in the pool.
    public let directory: String

    let options: ReplicaOptions
    let paths: ReplicaPaths
    let state: Locked<State>

    struct State {
        var record: VolumeRecord
        var commit: CommitRecord
        /// The stage of the open session, or one that an earlier session left and somebody keeps.
        weak var stage: Stage?
        var isStaging = false
        var readers = 0
        /// The bytes of the visible generation are being changed in place.
        var isSwitching = false
        var isDeleted = false
        /// What this process has proven and sealed, and a group holds back.
        var prepared: PreparedRecord?
        /// The generation that the spare clone is one of; nil where there is none.
        var spare: GenerationRecord?
    }

    init(
        directory: String,
        record: VolumeRecord,
        commit: CommitRecord,
        options: ReplicaOptions
    ) {
        self.id = record.volume
        self.directory = directory
        self.paths = ReplicaPaths(directory: directory)
        self.options = options
        self.state = Locked(State(record: record, commit: commit))
    }

    /// What is stored of the volume.
    public var record: VolumeRecord { self.state.withLock { $0.record } }

    /// The name that the source gave it.
    public var name: String { self.record.name }

    /// The generation that the volume has; nil before the first commit.
    ///
    /// Once a commit record is durable that is its target, also while the switch is not finished.
    public var visible: Generation? {
        self.state.withLock { ($0.commit.pending?.target ?? $0.commit.visible)?.generation }
    }

    /// Whether the bytes are those of the visible generation; see ``CommitRecord/unproven``.
    public var isProven: Bool { self.state.withLock { $0.commit.isProven } }

    /// All generations that can be read, newest first.
    public var generations: [Generation] {
        self.state.withLock { state in
            guard state.commit.isProven else { return [] }
            return ([state.commit.visible] + state.commit.kept).compactMap { $0?.generation }
        }
    }

    /// Whether a decided switch waits to be finished: nothing can be read until ``recover()`` can.
    public var needsRecovery: Bool { self.state.withLock { $0.commit.pending != nil } }

    /// What the volume's directory holds of a transfer that is not committed; nil when nothing.
    public func stagedTransfer() throws(StoreError) -> StageRecord? {
        try StateFile.load(StageRecord.self, from: self.paths.stage.record)
    }

    // MARK: Reading

    /// Opens the visible generation for reading.
    ///
    /// - Returns: a reader that sees this generation for as long as it lives.
    /// - Throws: `notFound` before the first commit; `busy` while a switch is under way.
    public func openVisible() throws(StoreError) -> ReplicaReader {
        try self.open(nil)
    }

    /// Opens a stored generation for reading.
    ///
    /// - Returns: a reader that sees this generation for as long as it lives.
    /// - Throws: `notFound` when it is not kept; `busy` while a switch is under way.
    public func open(_ number: GenerationNumber) throws(StoreError) -> ReplicaReader {
        try self.open(number as GenerationNumber?)
    }

    private func open(_ number: GenerationNumber?) throws(StoreError) -> ReplicaReader {
        let found = try self.beginReading(number)
        do throws(StoreError) {
            let factory = self.factory(for: found.record)
            return ReplicaReader(
                of: found.generation.generation,
                volume: self,
                file: try factory.openInPlace(found.generation, writable: false),
                digests: try DigestFile.open(
                    self.paths.digests(of: found.generation),
                    writable: false
                )
            )
        } catch {
            self.endReading()
            throw error
        }
    }

    private func beginReading(
        _ number: GenerationNumber?
    ) throws(StoreError) -> (record: VolumeRecord, generation: GenerationRecord) {
        try self.state.withLock { (state) throws(StoreError) in
            guard !state.isSwitching, state.commit.pending == nil else {
                throw StoreError(
                    .busy,
                    "the volume is being switched to its next generation",
                    path: self.directory
                )
            }
            guard state.commit.isProven else {
                throw StoreError(
                    .busy,
                    "the volume was a source before, and no run has proven its bytes since",
                    path: self.directory
                )
            }
            let stored = [state.commit.visible].compactMap(\.self) + state.commit.kept
            let wanted = stored.first { number == nil || $0.generation.number == number }
            guard let wanted, !state.isDeleted else {
                throw StoreError(
                    .notFound,
                    "the volume has no such generation",
                    path: self.directory
                )
            }
            state.readers += 1
            return (state.record, wanted)
        }
    }

    func endReading() {
        self.state.withLock { state in
            precondition(state.readers > 0, "a reader closes that was not counted")
            state.readers -= 1
        }
    }

    func factory(for record: VolumeRecord, spare: GenerationRecord? = nil) -> StageFactory {
        StageFactory(
            volume: record,
            paths: self.paths,
            reflink: self.options.reflink,
            trackedExtents: self.options.trackedExtents,
            spare: spare,
            hook: self.options.hook
        )
    }
}

/// How the replicas of a store are kept.
public struct ReplicaOptions: Sendable {
    /// Generations that are kept where clones make that cheap, the visible one included.
    ///
    /// Asked at each commit, so that it can change while the store is open.
    public var keptGenerations: @Sendable () -> Int
    /// Whether stages are clones where the file system can.
    public var reflink: ReflinkUse
    /// The extents that a stage remembers one by one.
    public var trackedExtents: Int
    /// Called at each crash point; for tests.
    public var hook: CrashHook

    /// The options that an agent uses, unless something else is said.
    public init(
        keptGenerations: @autoclosure @escaping @Sendable () -> Int =
            ReplicaLimits.keptGenerations,
        reflink: ReflinkUse = .automatic,
        trackedExtents: Int = ReplicaLimits.trackedExtents,
        hook: @escaping CrashHook = { (_) throws(StoreError) in }
    ) {
        self.keptGenerations = { max(1, keptGenerations()) }
        self.reflink = reflink
        self.trackedExtents = trackedExtents
        self.hook = hook
    }
}
