// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// A frozen view of a source volume, from which one generation is read.
public struct SourceSnapshot: Sendable {
    /// What is stored of it.
    public let record: SnapshotRecord

    /// Its directory below `generations/`.
    public let directory: String

    /// The number of the generation.
    public var number: GenerationNumber { self.record.number }

    /// The identity of the view.
    public var snapshot: SnapshotID { self.record.snapshot }

    /// The size when it was frozen.
    public var size: ByteCount { self.record.size }

    /// Where the leaf digests of the generation are kept.
    public var digestsPath: String { "\(self.directory)/digests" }

    /// Where the image lies; nil once only the digests are left.
    public var imagePath: String? {
        guard let path = self.record.imagePath else { return nil }
        return path.hasPrefix("/") ? path : "\(self.directory)/\(path)"
    }

    /// Whether its blocks can be compared with those of another clone.
    public var isClone: Bool {
        switch self.record.backing {
        case .clone: self.record.imagePath != nil
        case .copy, .inPlace: false
        }
    }

    /// Opens the image for reading.
    ///
    /// - Throws: `notFound` once the image was released, or when somebody removed it.
    public func openImage() throws(StoreError) -> BlockFile {
        guard let path = self.imagePath else {
            throw StoreError(
                .notFound,
                "the image of snapshot \(self.snapshot) was released",
                path: self.directory
            )
        }
        return try BlockFile.open(path, writable: false)
    }

    /// Whether a volume that is read where it lies is still what it was when it was frozen.
    ///
    /// - Returns: true also for clones and copies, which nobody writes, and for devices, of which
    ///   nothing tells.
    public func isUnwritten() throws(StoreError) -> Bool {
        guard self.record.backing == .inPlace, let stamp = self.record.liveStamp else {
            return true
        }
        return try SparseCopy.stamp(of: self.openImage())?.description == stamp
    }

    /// Throws `busy` when a volume that was declared frozen has been written.
    public func checkUnwritten() throws(StoreError) {
        guard try !self.isUnwritten() else { return }
        throw StoreError(
            .busy,
            "the volume was declared frozen and was written while it was read; stop the writer",
            path: self.imagePath
        )
    }

    /// The generation with its root; nil while the root is not known, or its digests are gone.
    public func generation() throws(StoreError) -> Generation? {
        guard PoolDirectory.exists(self.digestsPath) else { return nil }
        return try StateFile.load(GenerationRecord.self, from: self.generationPath)?.generation
    }

    /// Where the digests are made, beside those that an earlier attempt may have completed: only its
    /// acknowledgement may be missing.
    public var workingDigestsPath: String { "\(self.directory)/digests.new" }

    /// Makes room for new working digests.
    public func clearWorkingDigests() throws(StoreError) {
        try PoolDirectory.remove(self.workingDigestsPath)
    }

    /// Records the root of the generation, and with it the working digests, which are durable.
    ///
    /// Without a root the digests stand for nothing: it goes first and comes last, so that a kill in
    /// between leaves a base without digests, not one with wrong ones.
    public func record(_ generation: Generation, _ algorithm: DigestAlgorithm) throws(StoreError) {
        precondition(
            generation.number == self.number && generation.snapshot == self.snapshot,
            "generation \(generation.number.number) is not snapshot \(self.number.number)"
        )
        try DurableFile.remove(self.generationPath)
        // Durable with the root, in the same directory. Should only the root survive a crash, the
        // digests are missing, and their base is none.
        try PoolDirectory.rename(self.workingDigestsPath, to: self.digestsPath)
        try StateFile.store(
            GenerationRecord(generation, algorithm: algorithm),
            to: self.generationPath
        )
    }

    /// Forgets the digests and the root.
    public func forgetDigests() throws(StoreError) {
        try DurableFile.remove(self.generationPath)
        try PoolDirectory.remove(self.digestsPath)
    }

    private var generationPath: String { "\(self.directory)/generation.json" }

    static func recordPath(in directory: String) -> String { "\(directory)/snapshot.json" }
}
