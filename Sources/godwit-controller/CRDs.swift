// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Foundation
import Kinds

/// Writes the CustomResourceDefinitions.
struct CRDs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crds",
        abstract: "Writes the CustomResourceDefinitions of the kinds.",
        discussion: "Example: godwit-controller crds | kubectl apply -f -"
    )

    @Option(
        help: "A directory for one file each; standard output without it.",
        completion: .directory
    )
    var output: String?

    @Flag(help: "Leaves out the rules that API servers before 1.25 do not know.")
    var withoutRules = false

    func run() throws {
        let files = crdManifests(withRules: !self.withoutRules).sorted { $0.key < $1.key }
        guard let output else {
            for (index, file) in files.enumerated() {
                Composition.show(index == 0 ? file.value : "---\n\(file.value)")
            }
            return
        }
        do {
            try FileManager.default.createDirectory(
                atPath: output,
                withIntermediateDirectories: true
            )
            for (name, text) in files {
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(output)/\(name)"))
            }
        } catch {
            throw APIError(
                .invalidConfiguration,
                "The definitions cannot be written to \(output).",
                cause: "\(error.localizedDescription)",
                try: "give a directory that you may write"
            )
        }
    }
}
