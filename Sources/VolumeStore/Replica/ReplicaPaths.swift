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
    var verification: String { "\(self.directory)/verify" }

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
}
