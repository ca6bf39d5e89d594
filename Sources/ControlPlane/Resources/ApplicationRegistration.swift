// SPDX-License-Identifier: Apache-2.0

import Kinds
public import KubernetesClient
public import ObjectModel

/// A field that stops an application when it has a certain value.
public struct Suspension: Hashable, Sendable {
    /// Where the field is.
    public let path: FieldPath
    /// What it is set to.
    public let value: JSON

    init(_ path: FieldPath, _ value: JSON) {
        self.path = path
        self.value = value
    }

    /// `spec.suspend: true`, as CronJobs and Jobs have it.
    static let suspend = Self(FieldPath(keys: ["spec", "suspend"]), true)

    /// Reads an entry of `suspendOptions`.
    ///
    /// - Throws: ``RegistrationError`` where the type is unknown or the path has no dot.
    public init(_ json: JSON) throws(RegistrationError) {
        let text = json["path"]?.string ?? ""
        guard let path = FieldPath(text), path.keys.count > 1 else {
            throw RegistrationError("invalid path \"\(text)\" to suspend cr")
        }
        self.path = path
        let value = json["value"]?.string ?? ""
        switch json["type"]?.string ?? "" {
        case "bool": self.value = .bool(Bool(value) ?? true)
        case "int": self.value = 0
        case "string": self.value = .string(value)
        case let type: throw RegistrationError("invalid type \(type) to suspend cr")
        }
    }

    /// The annotation that keeps what the field was.
    public var annotation: String {
        StorkNames.suspendedField(self.path.keys.joined(separator: "."))
    }

    /// Stops the application and keeps what the field was.
    ///
    /// What was kept before stays where the application is stopped already: it may have come here
    /// from a third cluster.
    public func suspend(_ object: inout KubeObject) {
        let current = self.path.value(in: object.json)
        if current == self.value, object.annotations[self.annotation] != nil { return }
        guard self.path.set(self.value, in: &object.json) else { return }
        let kept = "\(Self.text(current)),\(Self.text(self.value))"
        object.set(.string(kept), at: "metadata", "annotations", self.annotation)
    }

    /// Sets the field back to what was kept, where it was stopped.
    ///
    /// - Returns: whether there was something kept; then the field has that value now.
    @discardableResult
    public func resume(_ object: inout KubeObject) -> Bool {
        guard let kept = object.annotations[self.annotation], let comma = kept.lastIndex(of: ",")
        else { return false }
        if self.path.value(in: object.json) == self.value {
            self.path.set(self.read(String(kept[..<comma])), in: &object.json)
        }
        return true
    }

    /// A field that was absent is an empty text.
    private static func text(_ value: JSON?) -> String {
        switch value {
        case .string(let text): text
        case .number(let number): number.text
        case .bool(let flag): "\(flag)"
        case nil, .null, .array, .object: ""
        }
    }

    private func read(_ text: String) -> JSON? {
        switch self.value {
        case .bool: Bool(text).map(JSON.bool)
        case .number: JSONNumber(text: text).map(JSON.number)
        case .string: text.isEmpty ? nil : .string(text)
        case .null, .array, .object: nil
        }
    }
}

/// Why an ApplicationRegistration cannot be used.
public struct RegistrationError: Error, Hashable, CustomStringConvertible {
    /// What is wrong.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// How applications of one custom kind are stopped, and whether their status moves.
public struct ApplicationRegistration: Hashable, Sendable {
    /// The kind; its version does not count.
    public let kind: GroupKind
    /// Whether the status moves with the object.
    public let keepStatus: Bool
    /// The fields that stop it; empty where it is not stopped.
    public let suspensions: [Suspension]
    /// Whether it is not made before it is activated, because its operator would start it at once.
    public let isStashed: Bool

    /// How applications of a kind are stopped.
    public init(
        _ kind: GroupKind,
        keepStatus: Bool = false,
        suspensions: [Suspension] = [],
        isStashed: Bool = false
    ) {
        self.kind = kind
        self.keepStatus = keepStatus
        self.suspensions = suspensions
        self.isStashed = isStashed
    }

    /// Reads the entries of an ApplicationRegistration object.
    ///
    /// - Throws: ``RegistrationError`` where an entry cannot be read.
    public static func read(_ object: KubeObject) throws(RegistrationError) -> [Self] {
        var registrations: [Self] = []
        for entry in object["resources"]?.array ?? [] {
            var suspensions: [Suspension] = []
            let custom = entry["customSuspendOptions"]?.array ?? []
            for option in [entry["suspendOptions"]].compactMap({ $0 }) + custom
            where option["path"]?.string?.isEmpty == false {
                suspensions.append(try Suspension(option))
            }
            registrations.append(
                Self(
                    GroupKind(entry["group"]?.string ?? "", entry["kind"]?.string ?? ""),
                    keepStatus: entry["keepStatus"]?.bool ?? false,
                    suspensions: suspensions,
                    isStashed: entry["stashStrategy", "stashCR"]?.bool ?? false
                )
            )
        }
        return registrations
    }

    /// Those that are known, and those that a cluster's administrator has added, which count more.
    ///
    /// - Parameters:
    ///   - cluster: whose registrations count.
    ///   - isOptional: whether who may not see them goes on without: not where an application that
    ///     is registered would start unasked.
    /// - Returns: in the order in which the last one of a kind counts.
    /// - Throws: ``ClusterError`` where the cluster does not answer, and where one cannot be read.
    public static func known(
        in cluster: any ResourceCluster,
        isOptional: Bool = false
    ) async throws(ClusterError) -> [Self] {
        let objects: [KubeObject]
        do { objects = try await cluster.listed(StorkResource.registrations, namespace: nil) } catch
        {
            // The kind is one of Stork's that a cluster need not have.
            let isHidden = isOptional && error.reason == .forbidden
            guard error.reason == .notFound || isHidden else { throw error }
            return Self.builtIn
        }
        var registrations = Self.builtIn
        for object in objects {
            do { registrations += try Self.read(object) } catch {
                throw ClusterError(.invalid, "applicationregistration \(object.name): \(error)")
            }
        }
        return registrations
    }

    private init(_ group: String, _ kind: String, _ path: String..., to value: JSON) {
        self.init(
            GroupKind(group, kind),
            suspensions: [Suspension(FieldPath(keys: path), value)]
        )
    }

    /// The kinds that are known without a registration.
    public static let builtIn: [Self] = [
        Self("couchbase.com", "CouchbaseCluster", "spec", "paused", to: true),
        Self("cassandra.datastax.com", "CassandraDatacenter", "spec", "stopped", to: true),
        Self("weblogic.oracle", "Domain", "spec", "serverStartPolicy", to: "NEVER"),
        Self("rabbitmq.com", "RabbitmqCluster", "spec", "replicas", to: 0),
        Self("pxc.percona.com", "PerconaXtraDBCluster", "spec", "pause", to: true),
        Self("monitoring.coreos.com", "Prometheus", "spec", "replicas", to: 0),
        Self("kafka.strimzi.io", "Kafka", "spec", "kafka", "replicas", to: 0),
        Self("acid.zalan.do", "postgresql", "spec", "numberOfInstances", to: 0),
        Self("mongodbcommunity.mongodb.com", "MongoDBCommunity", "spec", "members", to: 0),
        Self("kubevirt.io", "VirtualMachine", "spec", "runStrategy", to: "Halted"),
        Self(GroupKind("redis.redis.opstreelabs.in", "Redis")),
    ]
}
