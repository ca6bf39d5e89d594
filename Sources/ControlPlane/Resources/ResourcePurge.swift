// SPDX-License-Identifier: Apache-2.0

import Kinds
public import KubernetesClient
import ObjectModel

/// Decides what of a destination is deleted because the source has it no more: pure.
struct PurgePlan: Sendable {
    let namespaces: Set<String>
    private let names: Set<ResourceName>
    private let listed: Set<GroupKind>

    private static let stash = StorkNames.Annotation.stashedResource.key

    /// What the source has counts, not what was collected of it: who excludes a kind from a migration
    /// does not ask for its deletion.
    init(_ source: SourceSnapshot, namespaces: Set<String>) {
        self.namespaces = namespaces.subtracting([CollectionOptions.neverMoved])
        self.names = Set(source.objects.map(ResourceName.init))
        self.listed = source.listed
    }

    /// Whether an object of the destination is deleted: one that a migration made, in a namespace that
    /// is migrated, of a kind that was seen whole at the source, and that nothing here makes again.
    func isObsolete(_ object: KubeObject) -> Bool {
        let kind = GroupKind(object.groupVersionKind)
        let isExempt = MovedKind(object.groupVersionKind) == .serviceAccount
        let isMade = object.ownerReferences.contains(where: \.isController)
        return object.isMigrated && !isExempt && !isMade && !object.isBeingDeleted
            && object.labels[Self.stash] == nil && self.namespaces.contains(object.namespace)
            && self.listed.contains(kind) && !self.names.contains(ResourceName(object))
    }

    /// The kinds whose objects may be obsolete.
    func resources(_ kinds: ServedKinds) -> [APIResource] {
        let moved = self.listed.sorted { ($0.group, $0.kind) < ($1.group, $1.kind) }
        return moved.compactMap { kinds.resource($0) }.filter(\.isNamespaced)
    }
}

extension ResourceApplier {
    /// Deletes at the destination what migrations made there and the source has no more.
    ///
    /// Applications go first, claims and configuration after them. The volume of a claim stays, with
    /// its data: it is kept from being deleted with its claim.
    ///
    /// - Parameters:
    ///   - source: what the source has.
    ///   - namespaces: what is migrated.
    /// - Returns: one outcome for each deleted object, and for each that could not be deleted.
    /// - Throws: ``ClusterError`` where the destination cannot be used; what is deleted is deleted, and
    ///   the next purge goes on from there.
    public func purge(
        _ source: SourceSnapshot,
        namespaces: Set<String>
    ) async throws(ClusterError) -> [ResourceOutcome] {
        let plan = PurgePlan(source, namespaces: namespaces)
        let kinds = ServedKinds(try await self.destination.served())
        var obsolete: [KubeObject] = []
        for resource in plan.resources(kinds) {
            for namespace in plan.namespaces.sorted() {
                do {
                    obsolete += try await self.destination.listed(resource, namespace: namespace)
                        .filter(plan.isObsolete)
                } catch {
                    guard error.reason == .notFound else { throw error }
                }
            }
        }
        var outcomes: [ResourceOutcome] = []
        for object in obsolete.sorted(by: { ApplyPhase.comesBefore($1, $0) }) {
            outcomes.append(try await self.purge(object, kinds))
        }
        return outcomes
    }

    private func purge(
        _ object: KubeObject,
        _ kinds: ServedKinds
    ) async throws(ClusterError) -> ResourceOutcome {
        let kind = object.groupVersionKind
        guard let resource = kinds.resource(kind) else {
            return ResourceOutcome(kind, object.key, .failed, reason: "its kind is gone")
        }
        do {
            if MovedKind(kind) == .persistentVolumeClaim {
                try await self.keepVolume(object, kinds)
            }
            try await self.destination.remove(resource, object.key, uid: object.uid)
            return ResourceOutcome(kind, object.key, .purged, reason: "")
        } catch {
            if ServerRefusal(error) == .interruption { throw error }
            return ResourceOutcome(
                kind,
                object.key,
                .failed,
                reason: "Error purging resource: \(error)" + Self.advice(error, resource)
            )
        }
    }

    private func keepVolume(
        _ claim: KubeObject,
        _ kinds: ServedKinds
    ) async throws(ClusterError) {
        guard let volumes = VolumeKinds(kinds)?.volumes,
            let name = claim["spec", "volumeName"]?.string, !name.isEmpty,
            try await self.admin.find(volumes, ObjectKey("", name)) != nil
        else { return }
        _ = try await self.admin.change(
            volumes,
            ObjectKey("", name),
            ["spec": ["persistentVolumeReclaimPolicy": "Retain"]],
            isStatus: false
        )
    }
}
