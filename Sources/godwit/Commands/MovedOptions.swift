// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Kinds

/// What moves, and over which pair: for one Migration, and for all of a schedule.
struct MovedOptions: ParsableArguments {
    @Option(
        name: [.customShort("c"), .long],
        help: "The ClusterPair that leads to the destination.",
        completion: ClusterCompletions.names(of: ClusterPairNoun.self)
    )
    var clusterPair: String?
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("The namespaces that move.", valueName: "a,b"),
        completion: ClusterCompletions.namespaces
    )
    var namespaces: [String] = []
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Also namespaces with one of these labels.", valueName: "k=v,…")
    )
    var namespaceSelectors: [String] = []

    func validate() throws {
        _ = try parsed { () throws(APIError) in
            try MigrationOptions.labels(self.namespaceSelectors)
        }
    }

    /// The Migration that they ask for.
    ///
    /// - Parameters:
    ///   - title: of what is created, in the words of storkctl.
    ///   - missing: the error about what is not given.
    /// - Returns: it, with defaults in all else.
    /// - Throws: `missing`, and labels that are none.
    func spec(
        of title: String,
        _ missing: (String) -> APIError
    ) throws(APIError) -> MigrationSpec {
        guard let pair = self.clusterPair, !pair.isEmpty else {
            throw missing("ClusterPair name needs to be provided for \(title)")
        }
        var spec = MigrationSpec()
        spec.clusterPair = pair
        spec.namespaces = MigrationOptions.words(self.namespaces)
        spec.namespaceSelectors = try MigrationOptions.labels(self.namespaceSelectors)
        guard !spec.namespaces.isEmpty || !spec.namespaceSelectors.isEmpty else {
            throw missing("need to provide atleast one namespace to migrate")
        }
        return spec
    }
}
