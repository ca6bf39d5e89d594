// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

extension ApplicationActivation {
    /// Makes the custom resources of a namespace that waited for being activated.
    ///
    /// One that is there already is left alone: its application runs. The ConfigMap stays, and the next
    /// migration finds in it what it would write.
    ///
    /// - Returns: the namespaces of the Migrations that brought them.
    func unstash(
        _ namespace: String,
        _ kinds: ServedKinds,
        _ result: inout ActivationResult
    ) async throws(ClusterError) -> Set<String> {
        var origins: Set<String> = []
        guard let maps = kinds.resource(GroupKind("", "ConfigMap")) else { return origins }
        let found: [KubeObject]
        do { found = try await self.cluster.listed(maps, namespace: namespace) } catch {
            try Self.note(error, "\(maps.qualifiedPlural) of \(namespace)", &result)
            return origins
        }
        for map in found.sorted(by: { $0.name < $1.name }) {
            guard let stash = StashedResource(map) else { continue }
            if let origin = map.noted(.migrationNamespace) { origins.insert(origin) }
            let what = "\(stash.object.kind.lowercased()) \(stash.object.key)"
            do throws(ClusterError) {
                try await self.make(stash, of: map, kinds)
                result.lines.append("Updated CR for \(what)")
            } catch { try Self.note(error, what, &result) }
        }
        return origins
    }

    private func make(
        _ stash: StashedResource,
        of map: KubeObject,
        _ kinds: ServedKinds
    ) async throws(ClusterError) {
        guard let resource = kinds.resource(stash.object.groupVersionKind) else {
            throw ClusterError(.notFound, "its kind is not served here: install the definition")
        }
        var object = stash.object
        for stamp in StorkNames.Annotation.stamps where stamp != .resourceHash {
            if let value = map.noted(stamp) {
                object.set(.string(value), at: "metadata", "annotations", stamp.key)
            }
        }
        let made: KubeObject
        if let present = try await self.cluster.find(resource, object.key) {
            made = present
        } else {
            made = try await self.cluster.write(resource, object)
        }
        guard let claims = kinds.resource(GroupKind("", "PersistentVolumeClaim")) else { return }
        for claim in stash.claims { try await self.own(claim, made, claims) }
    }

    /// Enters the resource as an owner of a claim, as it was one at the source.
    private func own(
        _ claim: StashedResource.OwnedClaim,
        _ owner: KubeObject,
        _ claims: APIResource
    ) async throws(ClusterError) {
        let key = ObjectKey(owner.namespace, claim.name)
        guard let present = try await self.cluster.find(claims, key) else { return }
        var owners = present.ownerReferences
        guard !owners.contains(where: { $0.uid == owner.uid }) else { return }
        var entry = claim.reference
        entry.uid = owner.uid
        entry.isController = entry.isController && !owners.contains(where: \.isController)
        owners.append(entry)
        let patch: JSON = [
            "metadata": [
                "uid": .string(present.uid), "ownerReferences": .array(owners.map(\.json)),
            ]
        ]
        _ = try await self.cluster.change(claims, key, patch, isStatus: false)
    }
}
