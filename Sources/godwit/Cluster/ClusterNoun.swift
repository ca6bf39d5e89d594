// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Kinds
import ObjectModel

/// A kind that has a word on the command line.
protocol ClusterNoun: Sendable {
    /// What `get` takes beside names.
    associatedtype Filter: ObjectFilter

    static var resource: APIResource { get }
    /// The word of the help; ``aliases`` work too.
    static var word: String { get }
    static var aliases: [String] { get }
    /// The kind, for people.
    static var title: String { get }
    /// As the sentences of storkctl name it: `Schedule policy x deleted successfully`.
    static var sentenceName: String { get }
    /// An object's name for the examples of the help.
    static var example: String { get }
    /// What the table shows, and at the right of it what `-o wide` adds.
    static var columns: [ObjectColumn] { get }
    /// Whether an object of the resource is one of these: a failover and a failback are both Actions.
    static func owns(_ object: KubeObject) -> Bool
    /// Refuses to delete what others need.
    static func checkDeletion(of name: String, in cluster: Cluster) async throws(APIError)
}

extension ClusterNoun {
    static var sentenceName: String { Self.title }
    static func owns(_ object: KubeObject) -> Bool { true }
    static func checkDeletion(of name: String, in cluster: Cluster) async throws(APIError) {}

    /// One of these by its name.
    ///
    /// - Throws: `GW6002` where there is none, also where the resource has another one of that name.
    static func get(
        _ name: String,
        _ namespace: String?,
        in cluster: Cluster
    ) async throws(APIError) -> KubeObject {
        let object = try await cluster.get(Self.resource, name, namespace)
        guard Self.owns(object) else { throw Cluster.notFound(Self.resource, name) }
        return object
    }
}

/// What narrows a list besides names.
protocol ObjectFilter: ParsableArguments, Sendable {
    /// Whether it would leave something out.
    var isSet: Bool { get }
    func accepts(_ object: KubeObject) -> Bool
}

/// Nothing is left out.
struct NoFilter: ObjectFilter {
    var isSet: Bool { false }
    func accepts(_ object: KubeObject) -> Bool { true }
}

/// Only what goes to one pair.
struct PairFilter: ObjectFilter {
    @Option(
        name: [.customShort("c"), .long],
        help: "Only those of this ClusterPair.",
        completion: ClusterCompletions.names(of: ClusterPairNoun.self)
    )
    var clusterPair: String?

    var isSet: Bool { self.clusterPair != nil }

    func accepts(_ object: KubeObject) -> Bool {
        guard let pair = self.clusterPair else { return true }
        // A schedule has it in what its Migrations are made of.
        let spec = object["spec", "template", "spec"] ?? object["spec"]
        return spec?["clusterPair"]?.string == pair
    }
}

/// One column of a table of objects.
struct ObjectColumn: Sendable {
    let title: String
    /// Only with `-o wide`.
    let isWide: Bool
    let cell: @Sendable (KubeObject, Timestamp) -> String

    /// A column whose cell is made from the object and the present time.
    init(
        _ title: String,
        isWide: Bool = false,
        _ cell: @escaping @Sendable (KubeObject, Timestamp) -> String
    ) {
        self.title = title
        self.isWide = isWide
        self.cell = cell
    }

    /// A column that shows a text of the object.
    init(_ title: String, isWide: Bool = false, path: String...) {
        self.init(title, isWide: isWide) { object, _ in object.json.at(path)?.string ?? "" }
    }

    static let name = ObjectColumn("NAME", path: "metadata", "name")
    static let created = ObjectColumn("CREATED") { object, _ in
        object.creationTimestamp.flatMap { Timestamp($0)?.rfc822 } ?? ""
    }
}
