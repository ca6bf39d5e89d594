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
        let review = reviews.accessReview([:], verb, resource, in: namespace)
        return try await self.write(reviews, review)["status", "allowed"]?.bool
    }
}

extension APIResource {
    /// A review of this kind: whether the subject may do something with a resource.
    func accessReview(
        _ subject: JSON,
        _ verb: String,
        _ resource: APIResource,
        in namespace: String?
    ) -> KubeObject {
        var spec = subject
        var attributes: JSON = [
            "verb": .string(verb), "group": .string(resource.groupVersion.group),
            "resource": .string(resource.plural),
        ]
        if let namespace { attributes.set(.string(namespace), at: "namespace") }
        spec.set(attributes, at: "resourceAttributes")
        return KubeObject(self.groupVersionKind, ObjectKey("", ""), ["spec": spec])
    }
}
