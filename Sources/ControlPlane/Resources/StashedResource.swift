// SPDX-License-Identifier: Apache-2.0

import BlockTypes
internal import Crypto
import Kinds
import ObjectModel

/// A custom resource that waits in a ConfigMap of the destination until its application is activated.
///
/// For kinds whose operator starts the application as soon as the resource is there, and that no field
/// of it can stop. Keys and label are those of Stork, so that people find them.
struct StashedResource: Hashable, Sendable {
    /// A claim that the resource owns at the source, and how.
    struct OwnedClaim: Hashable, Sendable {
        let name: String
        let reference: OwnerReference
    }

    private static let objectKey = "cr-runtime-object"
    private static let claimsKey = "ownedPVCs"
    private static let nameKey = "name"
    /// Of the name of an object of Kubernetes.
    private static let nameLimit = 253

    /// The resource, prepared but not stopped.
    let object: KubeObject
    /// The claims that get it as their owner again.
    let claims: [OwnedClaim]

    init(_ object: KubeObject, claims: [OwnedClaim]) {
        self.object = object
        self.claims = claims
    }

    /// Reads a ConfigMap; nil where it is no stash, or cannot be read.
    init?(_ configMap: KubeObject) {
        guard configMap.labels[StorkNames.Annotation.stashedResource.key] == "true",
            let text = configMap["data", Self.objectKey]?.string,
            let json = try? JSON(parsing: text)
        else { return nil }
        let owned = configMap["data", Self.claimsKey]?.string.flatMap { try? JSON(parsing: $0) }
        self.object = KubeObject(json)
        self.claims = (owned?.array ?? [])
            .compactMap { entry in
                guard let name = entry["name"]?.string, let owner = entry["ownerReference"] else {
                    return nil
                }
                return OwnedClaim(name: name, reference: OwnerReference(owner))
            }
    }

    /// The ConfigMap that holds it.
    var configMap: KubeObject {
        let claims: [JSON] = self.claims.map {
            ["name": .string($0.name), "ownerReference": $0.reference.json]
        }
        var map = KubeObject(
            GroupVersionKind("", "v1", "ConfigMap"),
            ObjectKey(self.object.namespace, self.mapName),
            [
                "data": [
                    Self.objectKey: .string(self.object.json.compact),
                    Self.claimsKey: .string(JSON.array(claims).compact),
                    Self.nameKey: .string(self.object.name),
                ]
            ]
        )
        map.labels[StorkNames.Annotation.stashedResource.key] = "true"
        return map
    }

    /// `<kind>-<group>-<name>`; where that is too long its end is a digest, so that two differ.
    private var mapName: String {
        let kind = self.object.groupVersionKind
        let whole = "\(kind.kind)-\(kind.group)-\(self.object.name)".lowercased()
        guard whole.utf8.count > Self.nameLimit else { return whole }
        let digest = Hexadecimal.text(of: SHA256.hash(data: Array(whole.utf8)).prefix(8))
        return whole.prefix(Self.nameLimit - digest.count - 1) + "-" + digest
    }
}
