// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel

/// What the path of a request names: a document about the API, or objects.
enum RequestTarget: Hashable, Sendable {
    /// `/version`.
    case version
    /// `/livez`, `/readyz`, `/healthz`.
    case health(String)
    /// `/api`.
    case coreVersions
    /// `/apis`.
    case groups
    /// `/apis/GROUP`.
    case group(String)
    /// `/api/v1`, `/apis/GROUP/VERSION`.
    case resources(GroupVersion)
    /// `/openapi/v2`.
    case formerSchemas
    /// `/openapi/v3`.
    case schemaIndex
    /// `/openapi/v3/api/v1`, `/openapi/v3/apis/GROUP/VERSION`.
    case schemas(GroupVersion)
    /// Objects of one resource.
    case objects(ObjectPath)
}

/// A path to objects: `/api/v1/namespaces/a/pods/b/status` and its shorter forms.
struct ObjectPath: Hashable, Sendable {
    let groupVersion: GroupVersion
    /// Nil for all namespaces, and for kinds that have none.
    let namespace: String?
    /// The plural name.
    let resource: String
    /// Nil for the collection.
    let name: String?
    /// Such as `status`.
    let subresource: String?
}

extension RequestTarget {
    /// Reads a path, whose parts may be percent-encoded; nil where it names nothing.
    init?(path: String) {
        let decoded = path.split(separator: "/").map { String($0).removingPercentEncoding }
        let parts = decoded.compactMap(\.self)
        // An encoded slash would make two names of one.
        guard parts.count == decoded.count, parts.allSatisfy({ !$0.contains("/") }) else {
            return nil
        }
        switch parts.first {
        case "version": self.init(parts, is: .version)
        case "livez", "readyz", "healthz": self = .health(parts[0])
        case "openapi": self.init(openAPI: parts.dropFirst())
        case "api": self.init(core: parts.dropFirst())
        case "apis": self.init(groups: parts.dropFirst())
        default: return nil
        }
    }

    private init?(_ parts: [String], is target: Self) {
        guard parts.count == 1 else { return nil }
        self = target
    }

    private init?(openAPI parts: ArraySlice<String>) {
        if Array(parts) == ["v2"] {
            self = .formerSchemas
            return
        }
        guard parts.first == "v3" else { return nil }
        let rest = Array(parts.dropFirst())
        switch (rest.count, rest.first) {
        case (0, _): self = .schemaIndex
        case (2, "api"): self = .schemas(GroupVersion("", rest[1]))
        case (3, "apis"): self = .schemas(GroupVersion(rest[1], rest[2]))
        default: return nil
        }
    }

    private init?(core parts: ArraySlice<String>) {
        guard let version = parts.first else {
            self = .coreVersions
            return
        }
        self.init(GroupVersion("", version), Array(parts.dropFirst()))
    }

    private init?(groups parts: ArraySlice<String>) {
        let parts = Array(parts)
        switch parts.count {
        case 0: self = .groups
        case 1: self = .group(parts[0])
        default: self.init(GroupVersion(parts[0], parts[1]), Array(parts.dropFirst(2)))
        }
    }

    private init?(_ groupVersion: GroupVersion, _ parts: [String]) {
        guard !parts.isEmpty else {
            self = .resources(groupVersion)
            return
        }
        guard let path = ObjectPath(groupVersion, parts) else { return nil }
        self = .objects(path)
    }
}

extension ObjectPath {
    /// What stands behind group and version; nil where there is too much of it.
    fileprivate init?(_ groupVersion: GroupVersion, _ parts: [String]) {
        var rest = parts[...]
        var namespace: String?
        // `namespaces/a/status` is the status of a namespace, `namespaces/a/pods` is in it.
        if rest.first == "namespaces", rest.count > 2, !Self.ofNamespaces.contains(parts[2]) {
            namespace = parts[1]
            rest = rest.dropFirst(2)
        }
        guard let resource = rest.popFirst(), rest.count <= 2 else { return nil }
        self.init(
            groupVersion: groupVersion,
            namespace: namespace,
            resource: resource,
            name: rest.popFirst(),
            subresource: rest.popFirst()
        )
    }

    private static let ofNamespaces: Set<String> = ["status", "finalize"]
}
