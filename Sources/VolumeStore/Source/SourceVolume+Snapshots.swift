// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Locks

// Freezing, and letting go of what is not needed any more.
//
// Freeze, in this order, so that a kill leaves either nothing or a whole snapshot:
//   1. a number is taken;                         2. the directory that has it in its name is durable;
//   3. the image is made and synced;              4. snapshot.json is durable.
// A directory without snapshot.json is removed by the next prune. The number of the last directory that
// goes is noted in source.json before.

extension SourceVolume {
    /// Makes a frozen view of what the application has written until now.
    ///
    /// A reflink clone where the file system can, else a sparse copy of a pool volume; an attached
    /// volume that was declared frozen is read where it lies. The caller gives the snapshot back
    /// with ``release(_:)``.
    ///
    /// - Throws: `busy` when the volume is written during each copy of it; `unsupported` when
    ///   an attached volume is neither frozen nor on a file system with clones.
    public func freeze(
        _ snapshot: SnapshotID,
        isPinned: Bool = false
    ) throws(StoreError) -> SourceSnapshot {
        let begun = try self.beginFreeze(snapshot)
        do throws(StoreError) {
            return try self.settle(try self.makeImage(of: begun), isPinned: isPinned)
        } catch {
            self.release(begun.number)
            throw error
        }
    }

    /// Takes an existing snapshot into use: it is not pruned until it is released.
    ///
    /// - Returns: nil when there is no such snapshot any more.
    public func reopen(
        _ number: GenerationNumber,
        _ snapshot: SnapshotID
    ) throws(StoreError) -> SourceSnapshot? {
        try self.locked { (state) throws(StoreError) -> SourceSnapshot? in
            let name = "\(number.number)-\(snapshot)"
            guard let found = try self.load(name) else { return nil }
            state.users[number, default: 0] += 1
            return found
        }
    }

    /// Ends one use of a snapshot.
    public func release(_ snapshot: SourceSnapshot) { self.release(snapshot.number) }

    /// Every snapshot that is stored, oldest first.
    public func snapshots() throws(StoreError) -> [SourceSnapshot] {
        var found: [SourceSnapshot] = []
        for name in try PoolDirectory.names(in: "\(self.directory)/generations") {
            if let snapshot = try self.load(name) { found.append(snapshot) }
        }
        return found.sorted { $0.number < $1.number }
    }

    /// Removes what no pair, no user and nobody's wish holds.
    ///
    /// Of a committed base the clone is kept, so that its blocks are not used for other bytes
    /// while their addresses are compared; of any other base only the digests are.
    public func prune() throws(StoreError) {
        try self.locked { (state) throws(StoreError) in
            guard !state.isDeleted, !state.isChanging else { return }
            let pairs = try self.loadPairs()
            let bases = Set(pairs.compactMap { $0.committed?.snapshot })
            let pending = Set(pairs.compactMap { $0.pending?.snapshot })
            var names = try PoolDirectory.names(in: "\(self.directory)/generations")
            for name in names {
                guard let snapshot = try self.load(name) else {
                    if !Self.isInUse(name, state) { try self.discard(name, of: &names, &state) }
                    continue
                }
                guard state.users[snapshot.number] == nil, !snapshot.record.isPinned,
                    !pending.contains(snapshot.snapshot)
                else { continue }
                if bases.contains(snapshot.snapshot) {
                    try self.releaseImage(of: snapshot)
                } else {
                    try self.discard(name, of: &names, &state)
                }
            }
        }
    }

    /// Removes the clones that lie beside an attached file; the volume is being deleted.
    func removeClones() throws(StoreError) {
        guard case .attached(let path, _) = self.record.backing else { return }
        for snapshot in try self.snapshots() {
            try PoolDirectory.remove(Self.clonePath(beside: path, snapshot.snapshot))
        }
    }

    /// Whether the live volume is still what it was when a snapshot was made of it.
    ///
    /// - Returns: false also where nothing tells, as with devices.
    public func isUnchanged(since snapshot: SourceSnapshot) throws(StoreError) -> Bool {
        guard let stamp = snapshot.record.liveStamp else { return false }
        let live = try BlockFile.open(self.livePath, writable: false)
        return try SparseCopy.stamp(of: live)?.description == stamp
    }
}

// MARK: - Images

extension SourceVolume {
    /// A view that has its number and its directory.
    struct BegunFreeze {
        let number: GenerationNumber
        let snapshot: SnapshotID
        let directory: String
    }

    /// A view whose image is there and may not be durable.
    struct MadeImage {
        var record: SnapshotRecord
        let directory: String
        let image: BlockFile
    }

    /// Steps 1 and 2; who gives up calls ``abandon(_:)``.
    func beginFreeze(_ snapshot: SnapshotID) throws(StoreError) -> BegunFreeze {
        let number = try self.takeNumber()
        do throws(StoreError) {
            let directory = "\(self.directory)/generations/\(number.number)-\(snapshot)"
            // Durable before the image, whose place beside an attached file only it tells.
            try self.locked { (state) throws(StoreError) in
                try self.makeDirectory("generations", &state)
            }
            try DurableFile.makeDirectory(directory)
            return BegunFreeze(number: number, snapshot: snapshot, directory: directory)
        } catch {
            self.release(number)
            throw error
        }
    }

    /// Makes a directory of the volume; under the lock.
    ///
    /// It stays as long as the volume, so once in a process is enough.
    func makeDirectory(_ name: String, _ state: inout State) throws(StoreError) {
        guard !state.directories.contains(name) else { return }
        try DurableFile.makeDirectory("\(self.directory)/\(name)")
        state.directories.insert(name)
    }

    /// Gives up a view that was begun; the next prune removes what there is of it.
    func abandon(_ begun: BegunFreeze) { self.release(begun.number) }

    /// Step 3, up to where the application's next write does not matter any more.
    func makeImage(of begun: BegunFreeze) throws(StoreError) -> MadeImage {
        let (snapshot, directory) = (begun.snapshot, begun.directory)
        let live = try BlockFile.open(self.livePath, writable: false)
        try live.sync()
        var record = SnapshotRecord(
            number: begun.number,
            snapshot: snapshot,
            size: .zero,
            backing: .clone,
            imagePath: "image",
            liveStamp: try SparseCopy.stamp(of: live)?.description,
            isPinned: false
        )
        let image: BlockFile
        switch self.record.backing {
        case .attached(let path, isFrozen: true):
            record.backing = .inPlace
            record.imagePath = path
            image = live
        case .attached(let path, isFrozen: false):
            let beside = Self.clonePath(beside: path, snapshot)
            if let clone = try Self.clone(live, to: "\(directory)/image") {
                image = clone
            } else if let clone = try Self.clone(live, to: beside) {
                image = clone
                record.imagePath = beside
            } else {
                throw Self.cannotFreeze(path)
            }
        case .pool:
            if let clone = try Self.clone(live, to: "\(directory)/image") {
                image = clone
            } else {
                image = try SparseCopy.copy(live, to: "\(directory)/image")
                record.backing = .copy
            }
        }
        // What is attached can have grown since: no tree of digests is that large.
        record.size = try image.size()
        try SourceStore.check(record.size)
        return MadeImage(record: record, directory: directory, image: image)
    }

    /// The rest of step 3, and step 4.
    func settle(_ made: MadeImage, isPinned: Bool) throws(StoreError) -> SourceSnapshot {
        var record = made.record
        record.isPinned = isPinned
        if record.backing == .clone {
            try made.image.sync()
            try DurableFile.syncDirectory(
                record.imagePath == "image" ? made.directory : Self.parent(of: self.livePath)
            )
        }
        try StateFile.store(record, to: SourceSnapshot.recordPath(in: made.directory))
        try self.noteSize(record.size)
        return SourceSnapshot(record: record, directory: made.directory)
    }

    /// A clone of a file; nil where its file system has none, or the path is on another one.
    static func clone(_ file: BlockFile, to path: String) throws(StoreError) -> BlockFile? {
        guard !file.isBlockDevice else { return nil }
        do throws(StoreError) {
            return try file.clone(to: path)
        } catch {
            guard error.code == .unsupported else { throw error }
            return nil
        }
    }

    /// The error for an attached volume of which no snapshot can be made, with the ways out.
    static func cannotFreeze(_ path: String) -> StoreError {
        StoreError(
            .unsupported,
            "no snapshot can be made here, so a writer could change the volume while it is read; "
                + "attach it frozen (--frozen) while nothing writes it, or keep the file on XFS "
                + "or btrfs, or copy it into the pool (--from)",
            path: path
        )
    }

    static func clonePath(beside path: String, _ snapshot: SnapshotID) -> String {
        "\(path).godwit-\(snapshot)"
    }

    private func load(_ name: String) throws(StoreError) -> SourceSnapshot? {
        let directory = "\(self.directory)/generations/\(name)"
        let path = SourceSnapshot.recordPath(in: directory)
        guard var record = try StateFile.load(SnapshotRecord.self, from: path),
            record.directory == name
        else { return nil }
        // What was read where it lies is its image for as long as nobody writes it.
        let found = SourceSnapshot(record: record, directory: directory)
        if (try? found.isUnwritten()) != true { record.imagePath = nil }
        return SourceSnapshot(record: record, directory: directory)
    }

    /// Keeps the digests of a base; its image too where that is a clone.
    private func releaseImage(of snapshot: SourceSnapshot) throws(StoreError) {
        guard let path = snapshot.imagePath else { return }
        switch snapshot.record.backing {
        case .clone: return
        case .inPlace:
            // Its stamp tells whether it is still there; a device has none.
            if snapshot.record.liveStamp != nil { return }
        case .copy: try PoolDirectory.remove(path)
        }
        var record = snapshot.record
        record.imagePath = nil
        try StateFile.store(record, to: SourceSnapshot.recordPath(in: snapshot.directory))
    }

    /// Removes a directory of those that are left; under the lock.
    private func discard(
        _ name: String,
        of left: inout [String],
        _ state: inout State
    ) throws(StoreError) {
        left.removeAll { $0 == name }
        try self.keepNumber(of: name, among: left, &state)
        // Beside an attached file a clone may lie without a record: its name tells.
        if case .attached(let path, _) = state.volume.backing,
            let hyphen = name.firstIndex(of: "-"),
            let snapshot = SnapshotID(name[name.index(after: hyphen)...])
        {
            try PoolDirectory.remove(Self.clonePath(beside: path, snapshot))
        }
        try PoolDirectory.remove("\(self.directory)/generations/\(name)")
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func isInUse(_ name: String, _ state: State) -> Bool {
        guard let number = Self.number(in: name) else { return false }
        return state.users[GenerationNumber(number)] != nil
    }

    private func release(_ number: GenerationNumber) {
        self.state.withLock { state in
            let left = (state.users[number] ?? 1) - 1
            state.users[number] = left > 0 ? left : nil
        }
    }
}
