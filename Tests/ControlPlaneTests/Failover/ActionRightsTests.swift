// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

/// What is asked before an Action touches anything.
@Suite struct ActionRightsTests {
    @Test(arguments: [ActionType.failover, .nearsyncFailover, .failback])
    func aRightThatIsMissingInOneNamespaceIsNamed(_ type: ActionType) async throws {
        let cluster = AskedCluster { $0.namespace == "a" || $0.resource == "statefulsets" }
        let missing = try await ActionRights(cluster: cluster).missing(for: type, in: ["a", "b"])
        #expect(missing?.what == "patch deployments.apps in namespace b")
        #expect(missing?.role == .destination)
    }

    @Test func rightsEverywhereAreAskedForOnce() async throws {
        let cluster = AskedCluster { _ in true }
        let rights = ActionRights(cluster: cluster)
        #expect(try await rights.missing(for: .failover, in: ["a", "b", "c"]) == nil)
        #expect(
            cluster.asked.withLock { $0 } == [
                AskedCluster.Question("patch", "statefulsets", nil),
                AskedCluster.Question("patch", "deployments", nil),
            ]
        )
    }

    @Test func aRehearsalNeedsToMakeNamespacesAndWhatIsInThem() async throws {
        func missing(
            where isAllowed: @escaping @Sendable (AskedCluster.Question) -> Bool
        ) async throws -> MissingRight? {
            let cluster = AskedCluster(isAllowed)
            return try await ActionRights(cluster: cluster).missing(for: .drill, in: ["a"])
        }
        #expect(
            try await missing { $0.resource != "namespaces" }
                == MissingRight(what: "create namespaces", role: .destination)
        )
        #expect(
            try await missing { $0.verb != "delete" }
                == MissingRight(what: "delete namespaces", role: .rehearsal)
        )
        #expect(
            try await missing { $0.resource == "namespaces" || $0.namespace != nil }
                == MissingRight(what: "create statefulsets.apps", role: .destination)
        )
    }

    @Test func whereTheServerDoesNotSayTheAttemptTells() async throws {
        let cluster = AskedCluster { _ in nil }
        #expect(try await ActionRights(cluster: cluster).missing(for: .drill, in: ["a"]) == nil)
    }

    @Test func aRefusalHereSaysWhatToBindAndAPauseIsWaitedFor() {
        let refused = ClusterError(.forbidden, "no")
        guard case .failed(let trouble) = StageOutcome(here: refused) else {
            Issue.record("it does not pass by itself")
            return
        }
        #expect(trouble.reason == .notAllowed && trouble.text.contains("godwit-destination"))
        guard case .waiting(let words) = StageOutcome(here: ClusterError(.unreachable, "down"))
        else {
            Issue.record("it may pass")
            return
        }
        #expect(words.hasPrefix("this cluster: "))
    }
}

/// A cluster that answers nothing but what its user may do.
private struct AskedCluster: ResourceCluster {
    struct Question: Hashable {
        let verb: String
        let resource: String
        let namespace: String?

        init(_ verb: String, _ resource: String, _ namespace: String?) {
            self.verb = verb
            self.resource = resource
            self.namespace = namespace
        }
    }

    let asked = Locked<[Question]>([])
    let answer: @Sendable (Question) -> Bool?

    init(_ answer: @escaping @Sendable (Question) -> Bool?) { self.answer = answer }

    func write(
        _ resource: APIResource,
        _ object: KubeObject
    ) async throws(ClusterError) -> KubeObject {
        guard resource.plural == "selfsubjectaccessreviews",
            let attributes = object["spec", "resourceAttributes"]
        else { throw Self.unexpected }
        let question = Question(
            attributes["verb"]?.string ?? "",
            attributes["resource"]?.string ?? "",
            attributes["namespace"]?.string
        )
        self.asked.withLock { $0.append(question) }
        var reviewed = object
        if let isAllowed = self.answer(question) {
            reviewed.set(.bool(isAllowed), at: "status", "allowed")
        }
        return reviewed
    }

    private static let unexpected = ClusterError(.badRequest, "nobody asks for this")

    func served(isNew: Bool) async throws(ClusterError) -> [APIResource] { throw Self.unexpected }

    func find(
        _ resource: APIResource,
        _ key: ObjectKey
    ) async throws(ClusterError) -> KubeObject? { throw Self.unexpected }

    func listed(
        _ resource: APIResource,
        namespace: String?
    ) async throws(ClusterError) -> [KubeObject] { throw Self.unexpected }

    func apply(
        _ resource: APIResource,
        _ object: KubeObject
    ) async throws(ClusterError) -> KubeObject { throw Self.unexpected }

    func rehearse(
        _ resource: APIResource,
        _ object: KubeObject
    ) async throws(ClusterError) { throw Self.unexpected }

    func change(
        _ resource: APIResource,
        _ key: ObjectKey,
        _ patch: JSON,
        isStatus: Bool
    ) async throws(ClusterError) -> KubeObject { throw Self.unexpected }

    func remove(
        _ resource: APIResource,
        _ key: ObjectKey,
        uid: String
    ) async throws(ClusterError) { throw Self.unexpected }
}
