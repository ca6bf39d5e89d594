// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Kinds
import ObjectModel

/// The ClusterPair that is applied on the source and leads to a destination.
enum PairManifest {
    /// What stands where the options belong, until somebody writes them.
    static let placeholder = "<insert_storage_options_here>"

    /// The object as it will be on the source, with the pruned kubeconfig of the destination and, where
    /// there are any, the options of its storage.
    static func object(
        _ key: ObjectKey,
        config: JSON,
        options: [String: String]?,
        projectMappings: [String: String] = [:]
    ) -> KubeObject {
        var spec = ClusterPairSpec(config: config, options: options ?? [:])
        spec.projectMappings = projectMappings
        return KubeObject(ClusterPairNoun.resource.groupVersionKind, key, ["spec": spec.json])
    }

    /// An object with the fields that the documents show beside it.
    static func template(_ object: KubeObject) -> JSON {
        var json = object.json
        json.set(.null, at: "metadata", "creationTimestamp")
        json.set(
            ["remoteStorageId": "", "schedulerStatus": "", "storageStatus": ""],
            at: "status"
        )
        return json
    }

    /// Reads `k=v,k=v`, as storkctl takes it.
    ///
    /// - Throws: `invalid storage options`, as storkctl says it; with which part it is.
    static func options(_ text: String) throws(APIError) -> [String: String] {
        var options: [String: String] = [:]
        for part in text.split(separator: ",") {
            guard let equals = part.firstIndex(of: "="), equals > part.startIndex else {
                throw APIError(
                    .invalidRequest,
                    "invalid storage options",
                    cause: "'\(part)' is no KEY=VALUE",
                    try: "write them as ip=192.168.56.74,port=9001"
                )
            }
            options[String(part[..<equals])] = String(part[part.index(after: equals)...])
        }
        return options
    }

    /// What would not work from where the pair is used, in words; empty where all does.
    static func warnings(_ config: JSON) -> [String] {
        var warnings: [String] = []
        for (name, user) in config["users"]?.object ?? [:] {
            guard let program = user["exec", "command"]?.string else { continue }
            warnings.append(
                "the user \(name) gets its credentials from the program '\(program)': it must be "
                    + "installed where the source's controller runs"
            )
        }
        for (_, cluster) in config["clusters"]?.object ?? [:] {
            let server = cluster["server"]?.string ?? ""
            guard ["//127.", "//localhost", "//[::1]"].contains(where: server.contains) else {
                continue
            }
            warnings.append(
                "the server \(server) can only be reached from this machine: where the source runs "
                    + "on another one, write an address that it can reach"
            )
        }
        return warnings
    }
}
