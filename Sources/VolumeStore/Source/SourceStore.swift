// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Locks

/// The source volumes of a pool: made, found by name or id, deleted.
///
/// One store for each pool and process; the pool's lock keeps other processes out. A volume appears
/// and disappears with one rename of its directory, so a kill leaves it whole or not at all.
public final class SourceStore: Sendable {
    /// The volumes that could not be opened; a damaged `volume.json` does not say of which role.
    public let faults: [VolumeFault]

    let volumes: String
    let open: Locked<[VolumeID: SourceVolume]>

    /// Opens the source volumes of a pool, and removes what killed creations and deletions left.
    ///
    /// A volume whose records cannot be believed is left as it is and listed in ``faults``.
    ///
    /// - Throws: when the pool itself cannot be read.
    public init(pool: String) throws(StoreError) {
        self.volumes = "\(pool)/volumes"
        try DurableFile.makeDirectory(self.volumes)
        var open: [VolumeID: SourceVolume] = [:]
        var faults: [VolumeFault] = []
        for name in try PoolDirectory.names(in: self.volumes) {
            let directory = "\(self.volumes)/\(name)"
            guard !name.hasPrefix(Self.hiddenPrefix) else {
                try PoolDirectory.remove(directory)
                continue
            }
            do throws(StoreError) {
                guard let volume = try Self.load(directory) else { continue }
                // A copy of a directory, or a name that was given again while this one was damaged.
                guard open.values.allSatisfy({ $0.id != volume.id && $0.name != volume.name })
                else { throw StoreError(.alreadyExists, "another volume is \(volume.name)") }
                open[volume.id] = volume
            } catch {
                faults.append(VolumeFault(directory: directory, error: error))
            }
        }
        self.open = Locked(open)
        self.faults = faults
    }

    private static func load(_ directory: String) throws(StoreError) -> SourceVolume? {
        let path = SourceVolume.volumePath(in: directory)
        guard let record = try StateFile.load(VolumeRecord.self, from: path),
            record.role == .source
        else { return nil }
        let source = try StateFile.load(
            SourceRecord.self,
            from: SourceVolume.sourcePath(in: directory)
        )
        guard let source else {
            throw StoreError(.corrupt, "the volume has no source.json", path: directory)
        }
        return SourceVolume(
            directory: directory,
            volume: record,
            source: source,
            generations: try PoolDirectory.names(in: "\(directory)/generations"),
            fence: try StateFile.load(
                FenceRecord.self,
                from: SourceVolume.fencePath(in: directory)
            )
        )
    }

    /// All source volumes, by name.
    public func list() -> [SourceVolume] {
        self.open.withLock { Array($0.values) }.sorted { $0.name < $1.name }
    }

    /// The volume with a name; nil where there is none.
    public func volume(named name: String) -> SourceVolume? {
        self.open.withLock { open in open.values.first { $0.name == name } }
    }

    /// The volume with an identity; nil where there is none.
    public func volume(_ id: VolumeID) -> SourceVolume? { self.open.withLock { $0[id] } }

    /// Makes an empty volume that reads as zeros.
    public func create(
        _ name: VolumeName,
        size: ByteCount,
        using generator: inout some RandomNumberGenerator
    ) throws(StoreError) -> SourceVolume {
        try Self.check(size)
        return try self.add(name, .pool, size, &generator) { (path) throws(StoreError) in
            try BlockFile.create(path, size: size).sync()
        }
    }

    /// Makes a volume from an image, which is not changed: a clone where possible, else a copy.
    ///
    /// - Throws: `busy` when the image is written while it is copied.
    public func create(
        _ name: VolumeName,
        from image: String,
        using generator: inout some RandomNumberGenerator
    ) throws(StoreError) -> SourceVolume {
        let original = try BlockFile.open(image, writable: false)
        try original.sync()
        let size = try original.size()
        try Self.check(size)
        return try self.add(name, .pool, size, &generator) { (path) throws(StoreError) in
            if let clone = try SourceVolume.clone(original, to: path) {
                try clone.sync()
            } else {
                _ = try SparseCopy.copy(original, to: path)
            }
        }
    }

    /// Makes a volume of a file or block device where it lies.
    ///
    /// - Parameters:
    ///   - name: what people call it.
    ///   - path: absolute, and not inside the pool's own volumes.
    ///   - isFrozen: the caller makes sure that nothing writes it while it is sent.
    ///   - generator: where identities and the key come from.
    /// - Returns: the volume.
    /// - Throws: `unsupported` when it is not frozen and no snapshot can be made there; the message
    ///   says the ways out.
    public func attach(
        _ name: VolumeName,
        _ path: String,
        isFrozen: Bool,
        using generator: inout some RandomNumberGenerator
    ) throws(StoreError) -> SourceVolume {
        guard path.hasPrefix("/") else {
            throw StoreError(.invalid, "an attached path is absolute", path: path)
        }
        let file = try BlockFile.open(path, writable: false)
        let size = try file.size()
        try Self.check(size)
        if !isFrozen {
            let trial = SourceVolume.clonePath(beside: path, SnapshotID.random(using: &generator))
            guard try SourceVolume.clone(file, to: trial) != nil else {
                throw SourceVolume.cannotFreeze(path)
            }
            try PoolDirectory.remove(trial)
        }
        let backing = VolumeBacking.attached(path: path, isFrozen: isFrozen)
        return try self.add(name, backing, size, &generator) { (_) throws(StoreError) in }
    }

    /// Deletes a volume with its snapshots; what was attached stays where it is.
    ///
    /// - Throws: `busy` while it is being sent.
    public func delete(_ volume: SourceVolume) throws(StoreError) {
        try volume.locked { (state) throws(StoreError) in
            guard state.busyPairs.isEmpty, state.users.isEmpty, !state.isChanging else {
                throw StoreError(.busy, "the volume is being sent", path: volume.directory)
            }
            state.isDeleted = true
        }
        try volume.removeClones()
        let hidden = "\(self.volumes)/\(Self.hiddenPrefix)\(volume.id)"
        try PoolDirectory.rename(volume.directory, to: hidden)
        try DurableFile.syncDirectory(self.volumes)
        self.open.withLock { $0[volume.id] = nil }
        try PoolDirectory.remove(hidden)
    }

    // MARK: Private

    /// Directories with this prefix are no volumes yet, or no longer.
    static let hiddenPrefix = ".source-"

    /// Throws `invalid` for a size that no volume can have.
    static func check(_ size: ByteCount) throws(StoreError) {
        guard size <= Geometry.maximumVolume else {
            throw StoreError(
                .invalid,
                "\(size.bytes) bytes are more than the largest volume, "
                    + "\(Geometry.maximumVolume.bytes)"
            )
        }
    }

    func add(
        _ name: VolumeName,
        _ backing: VolumeBacking,
        _ size: ByteCount,
        copiedFrom: CopyRecord? = nil,
        _ generator: inout some RandomNumberGenerator,
        _ fill: (_ livePath: String) throws(StoreError) -> Void
    ) throws(StoreError) -> SourceVolume {
        let record = VolumeRecord(
            volume: .random(using: &generator),
            name: name.text,
            role: .source,
            size: size,
            lineage: .random(using: &generator),
            key: .random(using: &generator),
            algorithm: .ph128,
            backing: backing,
            copiedFrom: copiedFrom
        )
        try self.refuseTaken(name)
        let hidden = "\(self.volumes)/\(Self.hiddenPrefix)\(record.volume)"
        let directory = "\(self.volumes)/\(record.volume)"
        do throws(StoreError) {
            try PoolDirectory.make(hidden)
            try fill("\(hidden)/live.img")
            try StateFile.store(SourceRecord(), to: SourceVolume.sourcePath(in: hidden))
            try StateFile.store(record, to: SourceVolume.volumePath(in: hidden))
            let volume = SourceVolume(
                directory: directory,
                volume: record,
                source: SourceRecord()
            )
            // Checked again under the lock: filling may have taken minutes.
            try self.open.withLock { (open) throws(StoreError) in
                guard !open.values.contains(where: { $0.name == name.text }) else {
                    throw Self.taken(name)
                }
                try PoolDirectory.rename(hidden, to: directory)
                try DurableFile.syncDirectory(self.volumes)
                open[record.volume] = volume
            }
            return volume
        } catch {
            try? PoolDirectory.remove(hidden)
            throw error
        }
    }

    func refuseTaken(_ name: VolumeName) throws(StoreError) {
        guard self.volume(named: name.text) == nil else { throw Self.taken(name) }
    }

    private static func taken(_ name: VolumeName) -> StoreError {
        StoreError(.alreadyExists, "there is already a volume named \(name)")
    }
}
