// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import ObjectModel

/// Writes what a controller found, over the version that it looked at, and nothing where nothing
/// changed.
///
/// The version in each patch makes a controller that looked at something old fail with a conflict
/// instead of taking back what another one wrote.
struct ObjectWriter: Sendable {
    let cluster: any ClusterAccess
    let resource: APIResource
    /// As `metadata.managedFields` names the writer.
    let manager: String

    /// Writes the status; the object as it is when nothing was to be written.
    func write(status: JSON, of object: KubeObject) async throws(ClusterError) -> KubeObject {
        let present = object["status"] ?? .object([:])
        guard let change = present.mergePatch(to: status) else { return object }
        var patch: JSON = ["status": change]
        self.bind(&patch, to: object)
        return try await self.cluster.merge(
            self.resource,
            object.key,
            patch,
            isStatus: true,
            manager: self.manager
        )
    }

    /// Adds or removes a finalizer.
    func write(
        finalizer: String,
        isPresent: Bool,
        on object: KubeObject
    ) async throws(ClusterError) -> KubeObject {
        guard object.finalizers.contains(finalizer) != isPresent else { return object }
        let others = object.finalizers.filter { $0 != finalizer }
        let finalizers = isPresent ? others + [finalizer] : others
        var patch = JSON.object([:])
        patch.set(finalizers.isEmpty ? .null : JSON(finalizers), at: "metadata", "finalizers")
        return try await self.merge(patch, into: object)
    }

    /// Writes an annotation; nil takes it away.
    func write(
        annotation: String,
        _ text: String?,
        on object: KubeObject
    ) async throws(ClusterError) -> KubeObject {
        guard object.annotations[annotation] != text else { return object }
        var patch = JSON.object([:])
        patch.set(text.map { .string($0) } ?? .null, at: "metadata", "annotations", annotation)
        return try await self.merge(patch, into: object)
    }

    private func merge(
        _ patch: JSON,
        into object: KubeObject
    ) async throws(ClusterError) -> KubeObject {
        var patch = patch
        self.bind(&patch, to: object)
        return try await self.cluster.merge(
            self.resource,
            object.key,
            patch,
            isStatus: false,
            manager: self.manager
        )
    }

    private func bind(_ patch: inout JSON, to object: KubeObject) {
        patch.set(.string(object.resourceVersion), at: "metadata", "resourceVersion")
    }
}
