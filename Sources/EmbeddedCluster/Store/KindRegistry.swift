// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// Every kind that is served at one time: the built-in ones and those of applied definitions.
///
/// A value: whoever holds one sees no change; ``ObjectStore/kinds`` is the present one.
public struct KindRegistry: Sendable {
    private var byPath: [String: ServedKind] = [:]
    private var byKind: [GroupVersionKind: String] = [:]
    private var byStorage: [String: String] = [:]

    /// A registry of these kinds.
    public init(_ kinds: [ServedKind] = []) { for kind in kinds { self.add(kind) } }

    private static func path(_ groupVersion: GroupVersion, _ plural: String) -> String {
        "\(groupVersion.apiVersion)/\(plural)"
    }

    /// Adds a kind in one version, or replaces it.
    public mutating func add(_ kind: ServedKind) {
        let path = Self.path(kind.resource.groupVersion, kind.resource.plural)
        self.byPath[path] = kind
        self.byKind[kind.resource.groupVersionKind] = path
        if !kind.isSecondary { self.byStorage[kind.storage] = path }
    }

    /// Removes every version of a kind, such as `migrations.stork.libopenstorage.org`.
    public mutating func remove(storage: String) {
        for kind in self.all where kind.storage == storage {
            self.byPath[Self.path(kind.resource.groupVersion, kind.resource.plural)] = nil
            self.byKind[kind.resource.groupVersionKind] = nil
        }
        self.byStorage[storage] = nil
    }

    /// The kind with this plural; nil where none is served.
    public func kind(_ groupVersion: GroupVersion, plural: String) -> ServedKind? {
        self.byPath[Self.path(groupVersion, plural)]
    }

    /// The kind of objects with this kind; nil where none is served.
    public func kind(_ kind: GroupVersionKind) -> ServedKind? {
        self.byKind[kind].flatMap { self.byPath[$0] }
    }

    /// The version of a kind that is stored; nil where none is served.
    public func stored(_ storage: String) -> ServedKind? {
        self.byStorage[storage].flatMap { self.byPath[$0] }
    }

    /// Every version of every kind, by group, version and plural.
    public var all: [ServedKind] {
        self.byPath.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The groups and their versions, the core group included; the preferred version comes first.
    public var groups: [(group: String, versions: [GroupVersion])] {
        var versions: [String: [GroupVersion]] = [:]
        for kind in self.all {
            let version = kind.resource.groupVersion
            guard versions[version.group]?.contains(version) != true else { continue }
            versions[version.group, default: []].append(version)
        }
        return versions.sorted { $0.key < $1.key }
            .map { ($0.key, $0.value.sorted { Self.isPreferred($0.version, to: $1.version) }) }
    }

    /// Whether a version comes before another: v2, v1, v2beta1, v1beta2, v1alpha1, others by name.
    static func isPreferred(_ left: String, to right: String) -> Bool {
        guard left != right else { return false }
        let (left, right) = (Self.rank(left), Self.rank(right))
        return left.lexicographicallyPrecedes(right)
    }

    /// Smaller numbers come first.
    private static func rank(_ version: String) -> [Int] {
        guard let match = version.wholeMatch(of: /v([1-9][0-9]*)((alpha|beta)([1-9][0-9]*))?/)
        else {
            return [3] + version.utf8.map(Int.init)
        }
        let major = -(Int(match.1) ?? 0)
        switch match.3 {
        case nil: return [0, major]
        case "beta": return [1, major, -(match.4.flatMap { Int($0) } ?? 0)]
        case .some: return [2, major, -(match.4.flatMap { Int($0) } ?? 0)]
        }
    }
}
