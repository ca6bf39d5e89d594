// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// Answers to what clients ask about themselves and others: who they are, what they may do.
///
/// Nothing of it is stored: the answer is the question with its status filled in.
struct Reviews: Sendable {
    let user: ClusterUser
    /// Whose token it is; nil where it is nobody's.
    let userOfToken: @Sendable (String) -> ClusterUser?

    /// The answer to a review of this kind; nil for kinds that are none.
    func answer(_ kind: String, _ body: JSON) -> JSON? {
        var answer = body
        let spec = body["spec"] ?? .object([:])
        switch kind {
        case "SelfSubjectReview": answer.set(["userInfo": self.user.json], at: "status")
        case "SelfSubjectAccessReview":
            answer.set(Self.access(self.user, spec), at: "status")
        case "SubjectAccessReview":
            let groups = spec["groups"]?.array?.compactMap(\.string) ?? []
            let user = ClusterUser(name: spec["user"]?.string ?? "", groups: groups)
            answer.set(Self.access(user, spec), at: "status")
        case "SelfSubjectRulesReview":
            let namespace = spec["namespace"]?.string ?? ""
            let everything: JSON = ["verbs": ["get"], "nonResourceURLs": ["/*"]]
            answer.set(
                [
                    "resourceRules": .array(Authorizer.rules(of: self.user, in: namespace)),
                    "nonResourceRules": [everything], "incomplete": false,
                ],
                at: "status"
            )
        case "TokenReview":
            guard let user = spec["token"]?.string.flatMap(self.userOfToken) else {
                answer.set(["authenticated": false], at: "status")
                break
            }
            answer.set(["authenticated": true, "user": user.json], at: "status")
        default: return nil
        }
        return answer
    }

    private static func access(_ user: ClusterUser, _ spec: JSON) -> JSON {
        if let path = spec["nonResourceAttributes", "verb"]?.string {
            return Self.status(user.isAdmin || path == "get", "documents are for everybody")
        }
        guard let attributes = spec["resourceAttributes"], attributes.object != nil else {
            return Self.status(false, "no attributes are given")
        }
        func text(_ field: String) -> String? {
            guard let text = attributes[field]?.string, !text.isEmpty, text != "*" else {
                return nil
            }
            return text
        }
        let request = AccessRequest(
            verb: text("verb") ?? "*",
            group: text("group") ?? "",
            resource: text("resource") ?? "*",
            subresource: text("subresource"),
            namespace: text("namespace"),
            name: text("name")
        )
        let isAllowed = Authorizer.allows(user, request)
        return Self.status(isAllowed, isAllowed ? "" : Authorizer.refusal(user, request))
    }

    private static func status(_ isAllowed: Bool, _ reason: String) -> JSON {
        var status: JSONFields = ["allowed": .bool(isAllowed)]
        if !isAllowed, !reason.isEmpty { status["reason"] = .string(reason) }
        return .object(status)
    }
}
