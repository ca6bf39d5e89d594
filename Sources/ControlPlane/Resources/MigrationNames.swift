// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// The annotations and labels that a migration reads and writes on the objects that it moves.
///
/// Written with today's prefix; read with the prefix of the first releases too, which the documents
/// of that time show.
public enum MigrationNames {
    static let prefix = "stork.libopenstorage.org/"
    static let formerPrefix = "stork.openstorage.org/"

    /// The replicas that a scaled-down workload had.
    public static let replicas = prefix + "migrationReplicas"
    static let formerReplicas = formerPrefix + "migrationReplicas"
    /// `"true"` on everything that a migration made; a label on what it scaled down.
    public static let migrated = prefix + "migrated"
    /// The Migration that made the object first, or changed it last.
    public static let migrationName = prefix + "migrationName"
    /// The namespace of that Migration.
    public static let migrationNamespace = prefix + "migrationNamespace"
    /// When that was: `2006-01-02-150405`.
    public static let migrationTime = prefix + "migrationTime"
    /// What the object was made of, so that an equal one is left alone.
    public static let resourceHash = prefix + "resource-hash"
    /// The reclaim policy of the source's volume.
    public static let reclaimPolicy = prefix + "reclaimPolicy"
    /// The storage class of the source's volume.
    public static let storageClass = prefix + "current-storage-class-name"
    /// `"true"`: this object is not moved.
    public static let skipResource = prefix + "skip-resource"
    static let formerSkipResource = prefix + "skipresource"
    /// `"true"`: these endpoints are moved although they look generated.
    public static let includeResource = prefix + "include-resource"
    /// `"true"`: the object is moved although another one owns it.
    public static let skipOwnerCheck = prefix + "skip-owner-ref-check"
    /// `"true"`: the Service is moved with its addresses.
    public static let skipModify = prefix + "skip-modify-resource"
    /// The ResourceTransformation that changed the object.
    public static let transformation = prefix + "resourcetransformation-name"

    /// What a migration writes, in the hash and out of it.
    static let stamps: Set<String> = [
        migrated, migrationName, migrationNamespace, migrationTime, resourceHash,
    ]

    /// The annotation that keeps what a suspended field was: `<old value>,<suspend value>`.
    public static func suspended(_ path: String) -> String { prefix + path }
}

extension KubeObject {
    /// Whether an annotation is `"true"`.
    func isMarked(_ annotation: String) -> Bool { self.annotations[annotation] == "true" }

    /// Whether a migration made it.
    var isMigrated: Bool { self.isMarked(MigrationNames.migrated) }

    /// The replicas that were saved when it was scaled down; nil where none were, or no number.
    var savedReplicas: Int? {
        let saved = self.annotations[MigrationNames.replicas]
        return (saved ?? self.annotations[MigrationNames.formerReplicas]).flatMap { Int($0) }
    }
}
