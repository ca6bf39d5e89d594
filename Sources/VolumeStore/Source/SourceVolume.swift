// SPDX-License-Identifier: Apache-2.0

public import BlockDiff
public import BlockTypes
import Locks

/// A volume that an application writes here and that is sent from here.
///
/// One object for each volume of a store: it holds what must not happen twice at once. Files
/// (docs/state-files.md): `volume.json`, `source.json`, `live.img` where the pool holds the bytes,
/// `generations/`, `pairs/`.
public final class SourceVolume: Sendable {
    /// The identity, on every agent that holds a copy.
    public let id: VolumeID

    /// The name that people use; it stays.
    public let name: String

    /// The volume's directory in the pool.
    public let directory: String

    // Held while files are written: who looks for a volume must not need it.
    let state: Locked<State>

    struct State {
        var volume: VolumeRecord
        /// What is stored.
        var source: SourceRecord
        /// The last number that was given to a generation, by `source` or the name of a directory.
        var lastNumber: UInt64
        /// Why the volume is not replicated; nil where it is.
        var fence: FenceRecord?
        /// Pairs to which the volume is being sent.
        var busyPairs: Set<ClusterID> = []
        /// Snapshots that are being made or read, by the number of their users.
        var users: [GenerationNumber: Int] = [:]
        /// The directories that this process has made durable, by their names.
        var directories: Set<String> = []
        /// The volume was deleted, or is no source any more.
        var isDeleted = false
        /// The volume is about to become something else.
        var isChanging = false
    }

    /// - Parameters:
    ///   - directory: where it lies.
    ///   - volume: its record.
    ///   - source: what it must not forget.
    ///   - generations: the names of the directories of its generations.
    ///   - fence: why it is not replicated.
    init(
        directory: String,
        volume: VolumeRecord,
        source: SourceRecord,
        generations: [String] = [],
        fence: FenceRecord? = nil
    ) {
        self.id = volume.volume
        self.name = volume.name
        self.directory = directory
        let lastNumber = max(source.lastNumber, Self.lastNumber(in: generations))
        self.state = Locked(
            State(volume: volume, source: source, lastNumber: lastNumber, fence: fence)
        )
    }

    /// What is stored of the volume.
    public var record: VolumeRecord { self.state.withLock { $0.volume } }

    /// The unbroken history that its generations belong to.
    public var lineage: LineageID { self.record.lineage }

    /// The secret under which its digests are made.
    public var key: LineageKey { self.record.key }

    /// Where the application writes: a file in the pool, or what was attached.
    public var livePath: String {
        switch self.record.backing {
        case .pool: "\(self.directory)/live.img"
        case .attached(let path, _): path
        }
    }

    /// The size of what the application writes, at this moment.
    public func liveSize() throws(StoreError) -> ByteCount {
        try BlockFile.open(self.livePath, writable: false).size()
    }

    /// Grows or shrinks a volume that lies in the pool; what is cut off is lost.
    public func resize(to size: ByteCount) throws(StoreError) {
        guard self.record.backing == .pool else {
            throw StoreError(
                .unsupported,
                "an attached volume is resized where it lies",
                path: self.livePath
            )
        }
        guard size <= Geometry.maximumVolume else {
            throw StoreError(.invalid, "\(size.bytes) bytes are more than the largest volume")
        }
        let file = try BlockFile.open(self.livePath, writable: true)
        try file.resize(to: size)
        try file.sync()
        try self.noteSize(size)
    }

    // MARK: Change sources

    /// The change sources that were caught missing a change (P9).
    public var distrusted: [ChangeSourceKind] { self.state.withLock { $0.source.distrusted } }

    /// Stops using a change source for this volume, durably.
    public func distrust(_ kind: ChangeSourceKind) throws(StoreError) {
        try self.changeSource { source in
            if !source.distrusted.contains(kind) { source.distrusted.append(kind) }
        }
    }

    /// Uses a change source again, after its file system was repaired.
    public func trust(_ kind: ChangeSourceKind) throws(StoreError) {
        try self.changeSource { source in source.distrusted.removeAll { $0 == kind } }
    }

    // MARK: One run at a time for each pair

    /// Takes the right to send the volume to a pair; false when somebody has it.
    public func beginRun(to pair: ClusterID) -> Bool {
        self.state.withLock { state in
            !state.isDeleted && !state.isChanging && state.busyPairs.insert(pair).inserted
        }
    }

    /// Gives the right back.
    public func endRun(to pair: ClusterID) {
        self.state.withLock { state in _ = state.busyPairs.remove(pair) }
    }

    // MARK: Stored state

    func noteSize(_ size: ByteCount) throws(StoreError) {
        try self.locked { (state) throws(StoreError) in
            guard state.volume.size != size, !state.isDeleted else { return }
            var volume = state.volume
            volume.size = size
            try StateFile.store(volume, to: Self.volumePath(in: self.directory))
            state.volume = volume
        }
    }

    /// A number that no generation of the lineage ever had.
    ///
    /// Nobody may be told of it before a directory with it in its name is durable.
    func takeNumber() throws(StoreError) -> GenerationNumber {
        try self.locked { (state) throws(StoreError) in
            try self.checkPresent(state)
            guard let next = GenerationNumber(state.lastNumber).next else {
                throw StoreError(.invalid, "the lineage has used up its generation numbers")
            }
            state.lastNumber = next.number
            state.users[next, default: 0] += 1
            return next
        }
    }

    /// Notes the number of a directory that is about to go, where no other one and no record tells that
    /// it was used; under the lock.
    func keepNumber(
        of name: String,
        among left: [String],
        _ state: inout State
    ) throws(StoreError) {
        let number = Self.lastNumber(in: [name])
        guard number > max(state.source.lastNumber, Self.lastNumber(in: left)) else { return }
        var source = state.source
        source.lastNumber = number
        try StateFile.store(source, to: Self.sourcePath(in: self.directory))
        state.source = source
    }

    /// The number in the name of a generation's directory; nil for a name that has none.
    static func number(in name: String) -> UInt64? {
        name.split(separator: "-").first.flatMap { UInt64($0) }
    }

    /// The highest number that one of the names has; 0 where none has any.
    private static func lastNumber(in names: [String]) -> UInt64 {
        names.compactMap(Self.number).max() ?? 0
    }

    private func changeSource(_ body: (inout SourceRecord) -> Void) throws(StoreError) {
        try self.locked { (state) throws(StoreError) in
            try self.checkPresent(state)
            var source = state.source
            body(&source)
            try StateFile.store(source, to: Self.sourcePath(in: self.directory))
            state.source = source
        }
    }

    /// Runs `body` under the lock; it only touches small state files.
    func locked<Result: Sendable>(
        _ body: (inout State) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try self.state.withLock { (state) throws(StoreError) -> Result in try body(&state) }
    }

    static func volumePath(in directory: String) -> String { "\(directory)/volume.json" }
    static func sourcePath(in directory: String) -> String { "\(directory)/source.json" }
    static func fencePath(in directory: String) -> String { "\(directory)/fence.json" }
}
