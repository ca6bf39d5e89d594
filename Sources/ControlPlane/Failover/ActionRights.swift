// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// What the controllers may not do, and what would let them.
struct MissingRight: Hashable, Sendable {
    /// A ClusterRole of deploy/.
    enum Role: String {
        case destination = "godwit-destination"
        case rehearsal = "godwit-rehearsal"
    }

    /// Such as `create namespaces`.
    let what: String
    let role: Role
}

/// What the controllers have to be allowed here before an Action touches anything.
///
/// Not all that it may need: the kinds of an application are known only by their objects. What is refused
/// later is taken back.
struct ActionRights {
    let cluster: any ResourceCluster

    private static let applications = ["StatefulSet", "Deployment"]
        .map {
            APIResource(GroupVersion("apps", "v1"), $0, plural: "\($0.lowercased())s")
        }

    /// The first right that is missing; nil where none is.
    ///
    /// Asks twice where the rights hold everywhere, else twice for each namespace; for a rehearsal four times.
    func missing(
        for type: ActionType,
        in namespaces: [String]
    ) async throws(ClusterError) -> MissingRight? {
        switch type {
        case .drill:
            // Its namespaces are not there yet: only rights everywhere reach into them.
            for (verb, resource) in [
                ("create", BuiltIn.namespaces), ("delete", BuiltIn.namespaces),
            ] + Self.applications.map({ ("create", $0) })
            where try await self.lacks(verb, resource, nil) {
                return MissingRight(
                    what: "\(verb) \(resource.qualifiedPlural)",
                    role: verb == "delete" ? .rehearsal : .destination
                )
            }
        case .failover, .failback, .nearsyncFailover:
            for resource in Self.applications where try await self.lacks("patch", resource, nil) {
                for namespace in namespaces
                where try await self.lacks("patch", resource, namespace) {
                    return MissingRight(
                        what: "patch \(resource.qualifiedPlural) in namespace \(namespace)",
                        role: .destination
                    )
                }
            }
        }
        return nil
    }

    /// Where the server does not say, the attempt will tell.
    private func lacks(
        _ verb: String,
        _ resource: APIResource,
        _ namespace: String?
    ) async throws(ClusterError) -> Bool {
        try await self.cluster.isAllowed(verb, resource, in: namespace) == false
    }
}

extension StageOutcome {
    /// What a failure of the API server of this cluster means for a stage.
    init(here error: ClusterError) {
        self =
            error.isRetryable ? .waiting("this cluster: \(error)") : .failed(Trouble(here: error))
    }
}

extension Trouble {
    /// A right that the controllers do not have in the cluster of an Action.
    static func lacking(_ right: MissingRight) -> Self {
        Self(
            .notAllowed,
            "the controllers of this cluster may not \(right.what)",
            remedy: Self.binding(right.role),
            isPassing: false
        )
    }

    /// What a failure of the API server of an Action's cluster means.
    init(here error: ClusterError) {
        let isDenied = error.reason == .forbidden
        self.init(
            isDenied ? .notAllowed : .clusterFailed,
            "this cluster: \(error)",
            remedy: isDenied ? Self.binding(.destination) : nil,
            isPassing: error.isRetryable
        )
    }

    private static func binding(_ role: MissingRight.Role) -> String {
        let name =
            switch role {
            case .destination: "godwit-failover"
            case .rehearsal: role.rawValue
            }
        return
            "give them the rights of \(role.rawValue) here, then perform it again: kubectl create "
            + "clusterrolebinding \(name) --clusterrole \(role.rawValue) --serviceaccount "
            + "godwit-system:godwit-controller"
    }
}
