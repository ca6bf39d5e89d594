// SPDX-License-Identifier: Apache-2.0

/// A group and a version of an API; the core group is the empty text.
public struct GroupVersion: Hashable, Sendable, CustomStringConvertible {
    /// Empty for the core group.
    public let group: String
    /// Such as `v1`.
    public let version: String

    /// A group, which may be empty, and a version.
    public init(_ group: String, _ version: String) {
        self.group = group
        self.version = version
    }

    /// Of an `apiVersion`: `v1` or `apps/v1`; nil where it is neither.
    public init?(apiVersion: String) {
        let parts = apiVersion.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        switch parts.count {
        case 1: self.init("", String(parts[0]))
        case 2: self.init(String(parts[0]), String(parts[1]))
        default: return nil
        }
    }

    /// As in the field `apiVersion`.
    public var apiVersion: String {
        self.group.isEmpty ? self.version : "\(self.group)/\(self.version)"
    }

    /// The path of its resources on an API server: `/api/v1` or `/apis/apps/v1`.
    public var path: String {
        self.group.isEmpty ? "/api/\(self.version)" : "/apis/\(self.group)/\(self.version)"
    }

    /// As ``apiVersion``.
    public var description: String { self.apiVersion }
}

/// What kind an object is.
public struct GroupVersionKind: Hashable, Sendable, CustomStringConvertible {
    /// Where the kind lives.
    public let groupVersion: GroupVersion
    /// Such as `Deployment`.
    public let kind: String

    /// A kind of a group and version.
    public init(_ groupVersion: GroupVersion, _ kind: String) {
        self.groupVersion = groupVersion
        self.kind = kind
    }

    /// A kind by its three names; the core group is empty.
    public init(_ group: String, _ version: String, _ kind: String) {
        self.init(GroupVersion(group, version), kind)
    }

    /// Of ``groupVersion``.
    public var group: String { self.groupVersion.group }
    /// Of ``groupVersion``.
    public var version: String { self.groupVersion.version }

    /// As events name it: `apps/v1, Kind=Deployment`, `/v1, Kind=Service`.
    public var description: String { "\(self.group)/\(self.version), Kind=\(self.kind)" }
}

/// A kind as an API server serves it.
public struct APIResource: Hashable, Sendable {
    /// Where the resource lives.
    public let groupVersion: GroupVersion
    /// As in URLs: `deployments`.
    public let plural: String
    /// The kind in lower case, as the command line takes it.
    public let singular: String
    /// Such as `Deployment`.
    public let kind: String
    /// Whether its objects live in namespaces.
    public let isNamespaced: Bool
    /// Abbreviations for the command line.
    public let shortNames: [String]

    /// A resource by its names.
    public init(
        _ groupVersion: GroupVersion,
        _ kind: String,
        plural: String,
        isNamespaced: Bool = true,
        shortNames: [String] = []
    ) {
        self.groupVersion = groupVersion
        self.kind = kind
        self.plural = plural
        self.singular = kind.lowercased()
        self.isNamespaced = isNamespaced
        self.shortNames = shortNames
    }

    /// The kind with its group and version.
    public var groupVersionKind: GroupVersionKind { GroupVersionKind(self.groupVersion, self.kind) }

    /// As errors and `-o name` name it: `deployments.apps`, `services`.
    public var qualifiedPlural: String {
        self.groupVersion.group.isEmpty ? self.plural : "\(self.plural).\(self.groupVersion.group)"
    }

    /// The path of the collection, or of one object in it.
    ///
    /// - Parameters:
    ///   - namespace: nil for all namespaces, and for kinds that have none.
    ///   - name: nil for the collection.
    ///   - subresource: such as `status`; nil for the object itself.
    /// - Returns: the path from the server's root, without a query.
    public func path(
        namespace: String? = nil,
        name: String? = nil,
        subresource: String? = nil
    ) -> String {
        var path = self.groupVersion.path
        if let namespace, self.isNamespaced { path += "/namespaces/\(namespace)" }
        path += "/\(self.plural)"
        if let name { path += "/\(name)" }
        if let subresource { path += "/\(subresource)" }
        return path
    }
}

/// Which object of a kind: unique in a cluster at one time.
public struct ObjectKey: Hashable, Sendable, CustomStringConvertible {
    /// Empty for kinds without a namespace.
    public let namespace: String
    /// Unique in the namespace.
    public let name: String

    /// A key; the namespace is empty for kinds without one.
    public init(_ namespace: String, _ name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// `namespace/name`, with a leading slash where there is no namespace, as Stork's events have it.
    public var description: String { "\(self.namespace)/\(self.name)" }
}

/// What names may look like.
public enum NameRule {
    /// Labels of RFC 1123 that are joined by dots: at most 253 bytes.
    public static let subdomain =
        "lower-case letters, digits, '-' and '.', at most 253, "
        + "beginning and ending with a letter or a digit"

    /// Whether `name` is a DNS subdomain (RFC 1123), as most objects' names are.
    public static func isSubdomain(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 253
            && name.split(separator: ".", omittingEmptySubsequences: false)
                .allSatisfy { Self.isLabel(String($0), limit: 253) }
    }

    /// Whether `name` is a DNS label (RFC 1123), as namespaces' names are: at most 63 bytes.
    public static func isLabel(_ name: String) -> Bool { Self.isLabel(name, limit: 63) }

    private static func isLabel(_ name: String, limit: Int) -> Bool {
        let bytes = Array(name.utf8)
        func isPlain(_ byte: UInt8) -> Bool {
            (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte)
        }
        guard let first = bytes.first, let last = bytes.last, bytes.count <= limit else {
            return false
        }
        return isPlain(first) && isPlain(last)
            && bytes.allSatisfy { isPlain($0) || $0 == UInt8(ascii: "-") }
    }
}
