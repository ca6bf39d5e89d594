// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// A kind without its version, which differs between servers.
public struct GroupKind: Hashable, Sendable {
    /// Empty for the core group.
    public let group: String
    /// Such as `Deployment`.
    public let kind: String

    /// A kind of a group; the core group is empty.
    public init(_ group: String, _ kind: String) {
        self.group = group
        self.kind = kind
    }

    /// Of an object.
    public init(_ kind: GroupVersionKind) { self.init(kind.group, kind.kind) }
}

/// The kinds that the source's users have defined, and which of them move.
public struct CustomKinds: Hashable, Sendable {
    /// The namespaced kinds whose objects move.
    public let moved: Set<GroupKind>

    /// What never moves: what steers migrations, what snapshots hold, what another object drives.
    private static let neverMovedGroups: Set<String> = [
        "stork.libopenstorage.org", "snapshot.storage.k8s.io", "groupsnapshot.storage.k8s.io",
        "volumesnapshot.external-storage.k8s.io",
    ]
    private static let neverMovedKinds: Set<GroupKind> = [
        GroupKind("cdi.kubevirt.io", "DataVolume"),
        GroupKind("kubevirt.io", "VirtualMachineInstance"),
        GroupKind("kubevirt.io", "VirtualMachineInstanceMigration"),
    ]

    /// None.
    public static let none = Self(moved: [])

    /// These kinds.
    public init(moved: Set<GroupKind>) { self.moved = moved }

    /// The namespaced kinds of these CustomResourceDefinitions but for those that never move.
    public init(definitions: [KubeObject]) {
        self.moved = Set(
            definitions.filter { $0["spec", "scope"]?.string == "Namespaced" }
                .compactMap(Self.kind(definedBy:))
                .filter {
                    !Self.neverMovedGroups.contains($0.group)
                        && !Self.neverMovedKinds.contains($0)
                }
        )
    }

    /// The kind that a CustomResourceDefinition defines; nil where the object is none.
    public static func kind(definedBy definition: KubeObject) -> GroupKind? {
        guard let group = definition["spec", "group"]?.string,
            let kind = definition["spec", "names", "kind"]?.string
        else { return nil }
        return GroupKind(group, kind)
    }
}
