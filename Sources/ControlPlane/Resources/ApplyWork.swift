// SPDX-License-Identifier: Apache-2.0

import Kinds
public import ObjectModel

/// All that a Migration brings to a destination, prepared: pure, from what the source has.
public struct ApplyWork: Sendable {
    /// Definitions of custom kinds, namespaces and storage classes that the rest needs.
    public var support: [PreparedResource] = []
    /// What is moved.
    public var resources: [PreparedResource] = []
    /// What could not be prepared.
    public var failures: [ResourceOutcome] = []
    /// The namespaces that are migrated.
    public var namespaces: Set<String>
    /// Whether volumes get the reclaim policy of the source back at the end: not where their data was
    /// not moved (`includeVolumes: false`).
    public var restoresReclaimPolicy = true

    /// Prepares what was collected.
    ///
    /// - Parameters:
    ///   - collected: what moves.
    ///   - support: the source's CustomResourceDefinitions, Namespaces and StorageClasses; those that
    ///     nothing needs are left out.
    ///   - namespaces: what is migrated.
    ///   - preparation: how.
    public init(
        _ collected: CollectedResources,
        support: [KubeObject],
        namespaces: Set<String>,
        _ preparation: ResourcePreparation
    ) {
        self.namespaces = namespaces.subtracting([CollectionOptions.neverMoved])
        let claims = Self.ownedClaims(collected.moved)
        for object in collected.moved {
            do {
                let owned = claims[object.uid] ?? []
                self.resources.append(try preparation.prepare(object, owning: owned))
            } catch {
                self.failures.append(
                    ResourceOutcome(
                        object.groupVersionKind,
                        object.key,
                        .failed,
                        reason: "Error applying resource: \(error)"
                    )
                )
            }
        }
        self.support = self.needed(of: support, preparation)
    }

    /// The claims by the UIDs of their owners.
    private static func ownedClaims(
        _ objects: [KubeObject]
    ) -> [String: [StashedResource.OwnedClaim]] {
        var owned: [String: [StashedResource.OwnedClaim]] = [:]
        for object in objects
        where MovedKind(object.groupVersionKind) == .persistentVolumeClaim {
            for owner in object.ownerReferences {
                let claim = StashedResource.OwnedClaim(name: object.name, reference: owner)
                owned[owner.uid, default: []].append(claim)
            }
        }
        return owned
    }

    private func needed(
        of support: [KubeObject],
        _ preparation: ResourcePreparation
    ) -> [PreparedResource] {
        var kinds: Set<GroupKind> = []
        var classes: Set<String> = []
        for prepared in self.resources {
            let object = prepared.object
            kinds.insert(prepared.stashedKind ?? GroupKind(object.groupVersionKind))
            for name in [
                object["spec", "storageClassName"]?.string,
                object.noted(.currentStorageClassName),
                object.annotations["volume.beta.kubernetes.io/storage-class"],
            ] { if let name { classes.insert(name) } }
        }
        return support.compactMap { object in
            switch GroupKind(object.groupVersionKind) {
            case SupportKind.definition:
                guard let kind = CustomKinds.kind(definedBy: object), kinds.contains(kind) else {
                    return nil
                }
                return preparation.definition(object)
            case SupportKind.namespace:
                guard self.namespaces.contains(object.name) else { return nil }
                return preparation.namespace(object)
            case SupportKind.storageClass:
                return classes.contains(object.name) ? preparation.storageClass(object) : nil
            default: return nil
            }
        }
    }

    /// The claims that move, each with its volume.
    var pairs: [VolumePair] {
        let volumes = Dictionary(
            self.resources
                .filter {
                    MovedKind($0.object.groupVersionKind) == .persistentVolume
                }
                .map { ($0.object.name, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        return self.resources.compactMap { prepared in
            guard MovedKind(prepared.object.groupVersionKind) == .persistentVolumeClaim,
                let volume = volumes[prepared.object["spec", "volumeName"]?.string ?? ""]
            else { return nil }
            return VolumePair(volume: volume, claim: prepared)
        }
    }

    /// What moves beside volumes and claims, by the phase in which it is made.
    var byPhase: [(phase: ApplyPhase, resources: [PreparedResource])] {
        let grouped = Dictionary(grouping: self.resources) {
            ApplyPhase($0.object.groupVersionKind)
        }
        return ApplyPhase.allCases.compactMap { phase in
            phase == .volumes || phase == .claims ? nil : grouped[phase].map { (phase, $0) }
        }
    }
}
