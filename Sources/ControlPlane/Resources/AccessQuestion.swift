// SPDX-License-Identifier: Apache-2.0

public import KubernetesClient
public import ObjectModel

extension ResourceCluster {
    /// Whether whoever asks may do something with a kind, as a SelfSubjectAccessReview tells.
    ///
    /// - Parameters:
    ///   - verb: of the API, such as `patch`.
    ///   - resource: the kind.
    ///   - namespace: where; nil for everywhere, and for kinds without namespaces.
    /// - Returns: nil where the server did not say.
    /// - Throws: ``ClusterError`` where it could not be asked.
    public func isAllowed(
        _ verb: String,
        _ resource: APIResource,
        in namespace: String?
    ) async throws(ClusterError) -> Bool? {
        let reviews = APIResource(
            GroupVersion("authorization.k8s.io", "v1"),
            "SelfSubjectAccessReview",
            plural: "selfsubjectaccessreviews",
            isNamespaced: false
        )
        var attributes: JSON = [
            "verb": .string(verb), "group": .string(resource.groupVersion.group),
            "resource": .string(resource.plural),
        ]
        if let namespace { attributes.set(.string(namespace), at: "namespace") }
        let review = KubeObject(
            reviews.groupVersionKind,
            ObjectKey("", ""),
            ["spec": ["resourceAttributes": attributes]]
        )
        return try await self.write(reviews, review)["status", "allowed"]?.bool
    }
}
