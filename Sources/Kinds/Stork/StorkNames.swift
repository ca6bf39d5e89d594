// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// The names that manifests, objects on both sides and other tools rely on.
public enum StorkNames {
    /// The API group of the kinds.
    public static let group = "stork.libopenstorage.org"
    /// The group with its version.
    public static let groupVersion = GroupVersion(Self.group, "v1alpha1")
    /// Keeps a ClusterPair or Migration until what it did elsewhere is released.
    public static let finalizer = "\(Self.group)/finalizer-cleanup"
    /// The source of events.
    public static let eventSource = "stork"
    /// The namespace whose Migrations may move any namespace, unless another one is configured.
    public static let defaultAdminNamespace = "kube-system"
    /// Holds what tools need to know about the controller, in ``defaultAdminNamespace``.
    public static let controllerConfigMap = "stork-controller-config"
    /// The key in ``controllerConfigMap`` that names the admin namespace.
    public static let adminNamespaceKey = "admin-ns"

    private static let prefixes = ["stork.libopenstorage.org/", "stork.openstorage.org/"]

    /// Annotations and labels of objects; the raw value stands behind the prefix.
    public enum Annotation: String, Hashable, Sendable, CaseIterable {
        /// The replicas of an application that was stopped.
        case migrationReplicas
        /// `true` on everything that a migration brought; also a label on stopped applications.
        case migrated
        case migrationName
        case migrationNamespace
        /// When, in the form `2006-01-02-150405`.
        case migrationTime
        case reclaimPolicy
        case currentStorageClassName = "current-storage-class-name"
        case resourceHash = "resource-hash"
        case skipResource = "skip-resource"
        case formerSkipResource = "skipresource"
        case includeResource = "include-resource"
        case skipOwnerReferencesCheck = "skip-owner-ref-check"
        case skipModifyResource = "skip-modify-resource"
        case staticCopy = "static-copy"
        case migrationScheduleName = "migration-schedule-name"
        /// Of a schedule: a new value asks for a run now.
        case syncNow = "sync-now"
        case lastMileScheduleName = "lastmile-migration-schedule-name"
        case createdByStork = "created-by-stork"
        case transformationName = "resourcetransformation-name"
        case stashedResource = "stash-cr"
        case podsWithRunningCommands = "pods-with-running-cmds"

        /// What is written.
        public var key: String { StorkNames.prefixes[0] + self.rawValue }
        /// What is read: objects of early versions carry another prefix.
        public var keys: [String] { StorkNames.prefixes.map { $0 + self.rawValue } }

        /// The value among annotations or labels, under either prefix.
        public func value(in texts: [String: String]) -> String? {
            self.keys.lazy.compactMap { texts[$0] }.first
        }
    }

    /// The annotation that remembers `<old>,<suspended>` of a field of a custom resource.
    public static func suspendedField(_ path: String) -> String { Self.prefixes[0] + path }
}
