// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// The words of `status.schedulerStatus` and `status.storageStatus`.
public enum PairStatus: String, Hashable, Sendable, CaseIterable {
    case initial = ""
    case pending = "Pending"
    case ready = "Ready"
    case error = "Error"
    case degraded = "Degraded"
    case deleting = "Deleting"
    case notProvided = "NotProvided"
}

/// The option `mode` of a pair: when copies of volumes are full.
public enum PairMode: String, Hashable, Sendable, CaseIterable {
    /// Every seventh copy is full.
    case standard = "Default"
    /// Never full while there is a base.
    case disasterRecovery = "DisasterRecovery"
    case oneTimeMigration = "OneTimeMigration"
}

/// The specification of a ClusterPair; what is missing has its default.
public struct ClusterPairSpec: Hashable, Sendable {
    /// The kubeconfig of the destination, with maps by name in place of the lists of a file.
    public var config: JSON?
    /// The options of the storage: `ip`, `port`, `token`, `mode`, `backuplocation`.
    public var options: [String: String]
    /// A Secret in the pair's namespace with the keys `kubeconfig` and `token`, which then need not
    /// stand in the pair.
    public var secretName: String?
    /// Rancher projects of the source by those of the destination.
    public var projectMappings: [String: String]

    /// A specification with these parts.
    public init(config: JSON? = nil, options: [String: String] = [:], secretName: String? = nil) {
        self.config = config
        self.options = options
        self.secretName = secretName
        self.projectMappings = [:]
    }

    /// Reads the field `spec`.
    public init(_ json: JSON?) {
        let config = json?["config"]
        self.config = config?.object?.isEmpty == false ? config : nil
        self.options =
            (json?["options"]?.object ?? [:])
            .compactMapValues { value in
                // A port without quotes is a number.
                if case .number(let number) = value { number.text } else { value.string }
            }
            .dictionary
        self.secretName = json?["secretRef", "name"]?.string
        let rancher = json?["platformOptions", "rancher"]
        self.projectMappings = rancher?["projectMappings"]?.strings ?? [:]
    }

    /// As it is written.
    public var json: JSON {
        var json: JSON = ["options": JSON(self.options)]
        json.set(self.config, at: "config")
        json.set(self.secretName.map(JSON.string), at: "secretRef", "name")
        if !self.projectMappings.isEmpty {
            let mappings = JSON(self.projectMappings)
            json.set(mappings, at: "platformOptions", "rancher", "projectMappings")
        }
        return json
    }

    /// The port of the agents' API when none is given.
    public static let defaultPort = 9001
    /// The key in the Secret that holds a kubeconfig file.
    public static let kubeconfigKey = "kubeconfig"
    /// The key in the Secret that holds the token.
    public static let tokenKey = "token"

    private func option(_ name: String) -> String? {
        self.options[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The address of an agent of the destination.
    public var ip: String? { self.option("ip") }
    /// The token of the destination; without one no storage is paired.
    public var token: String? { self.option("token") }
    /// The name of a place for copies; nil where they go directly.
    public var backupLocation: String? { self.option("backuplocation") }
    /// What cannot be understood counts as the default, as in Stork.
    public var mode: PairMode { self.option("mode").flatMap(PairMode.init(rawValue:)) ?? .standard }

    /// The port of the agents' API.
    ///
    /// - Throws: ``FieldError`` where it is no port, worded as Stork words it.
    public func port() throws(FieldError) -> Int {
        guard let text = self.option("port") else { return Self.defaultPort }
        guard let port = Int(text), (1...65535).contains(port) else {
            throw FieldError(
                "spec.options.port",
                .invalid,
                .string(text),
                "invalid port (\(text)) specified for cluster pair"
            )
        }
        return port
    }
}

// MARK: The kubeconfig inside

extension ClusterPairSpec {
    private static let lists = [
        ("clusters", "cluster"), ("contexts", "context"), ("users", "user"),
    ]

    /// ``config`` in the form of a kubeconfig file; nil where there is none.
    public var kubeconfig: JSON? {
        guard var file = self.config else { return nil }
        file.set("v1", at: "apiVersion")
        file.set("Config", at: "kind")
        for (list, entry) in Self.lists {
            guard let named = file[list]?.object else { continue }
            let entries = named.sorted { $0.key < $1.key }
                .map { name, value -> JSON in
                    var value = value
                    // Where the generator found it; no part of the file's format.
                    value.set(nil, at: "LocationOfOrigin")
                    return .object(["name": .string(name), entry: value])
                }
            file.set(.array(entries), at: list)
        }
        return file
    }

    /// The current context of a kubeconfig file, in the form of ``config``.
    ///
    /// - Parameters:
    ///   - file: a kubeconfig with lists.
    ///   - origin: where it was read, which generated pairs say; nil leaves it out.
    /// - Returns: nil where the file has no current context, or the context no cluster.
    public static func config(ofKubeconfig file: JSON, origin: String? = nil) -> JSON? {
        func entry(_ list: String, _ kind: String, _ name: String) -> JSON? {
            let found = file[list]?.array?.first { $0["name"]?.string == name }
            guard var value = found?[kind] else { return nil }
            value.set(origin.map(JSON.string), at: "LocationOfOrigin")
            return .object([name: value])
        }
        guard let current = file["current-context"]?.string,
            let context = entry("contexts", "context", current),
            let cluster = context[current, "cluster"]?.string,
            let clusters = entry("clusters", "cluster", cluster)
        else { return nil }
        let user = context[current, "user"]?.string ?? ""
        return [
            "clusters": clusters, "contexts": context, "current-context": .string(current),
            "preferences": [:], "users": entry("users", "user", user) ?? [:],
        ]
    }
}

/// The status of a ClusterPair.
public struct ClusterPairStatus: Hashable, Sendable {
    /// Of the API server of the destination.
    public var schedulerStatus: PairStatus
    /// Of its storage.
    public var storageStatus: PairStatus
    /// The identity of the destination's storage; empty before it is paired.
    public var remoteStorageID: String
    /// Which generation of the pair was looked at.
    public var observedGeneration: Int
    /// `Ready`, and what else the controller says.
    public var conditions: [Condition]

    /// Reads the field `status`; nothing is the initial status.
    public init(_ json: JSON? = nil) {
        func word(_ name: String) -> PairStatus {
            json?[name]?.string.flatMap(PairStatus.init(rawValue:)) ?? .initial
        }
        self.schedulerStatus = word("schedulerStatus")
        self.storageStatus = word("storageStatus")
        self.remoteStorageID = json?["remoteStorageId"]?.string ?? ""
        self.observedGeneration = json?["observedGeneration"]?.int ?? 0
        self.conditions = [Condition](json?["conditions"])
    }

    /// As it is written.
    public var json: JSON {
        [
            "schedulerStatus": .string(self.schedulerStatus.rawValue),
            "storageStatus": .string(self.storageStatus.rawValue),
            "remoteStorageId": .string(self.remoteStorageID),
            "observedGeneration": JSON(self.observedGeneration),
            "conditions": .array(self.conditions.map(\.json)),
        ]
    }
}
