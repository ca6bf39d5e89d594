// SPDX-License-Identifier: Apache-2.0

/// The names of the files of a replica (docs/state-files.md).
struct ReplicaPaths: Sendable {
    let directory: String

    var volume: String { "\(self.directory)/volume.json" }
    var commit: String { "\(self.directory)/commit.json" }
    var stage: StagePaths { StagePaths(directory: "\(self.directory)/stage") }
    var generations: String { "\(self.directory)/generations" }
    /// A clone of the visible image, for the next stage.
    var spare: String { "\(self.directory)/spare.img" }

    /// What the names of the files of verifications begin with.
    static let verificationPrefix = "verify-"

    func directory(of generation: GenerationRecord) -> String {
        "\(self.generations)/\(generation.directory)"
    }

    func image(of generation: GenerationRecord) -> String {
        "\(self.directory(of: generation))/image"
    }

    func digests(of generation: GenerationRecord) -> String {
        "\(self.directory(of: generation))/digests"
    }

    func record(of generation: GenerationRecord) -> String {
        "\(self.directory(of: generation))/generation.json"
    }

    /// What the replica shows; without a record, nothing was ever committed.
    ///
    /// - Throws: `corrupt` also when the record is gone and generations are there: taken for a
    ///   replica that shows nothing, it would lose them.
    func loadCommit() throws(StoreError) -> CommitRecord {
        if let record = try StateFile.load(CommitRecord.self, from: self.commit) { return record }
        guard try PoolDirectory.names(in: self.generations).isEmpty else {
            throw StoreError(
                .corrupt,
                "the record of what the replica shows is missing and its generations are not; put "
                    + "the record back, or move the volume's directory out of the pool",
                path: self.commit
            )
        }
        return CommitRecord()
    }
}
