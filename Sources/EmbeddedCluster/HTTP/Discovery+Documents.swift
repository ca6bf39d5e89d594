// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// The documents by which clients learn what a server has.
///
/// Source: the Kubernetes API concepts, "API discovery"; fields as client-go reads them.
extension Discovery {
    /// `/api`.
    func coreVersions(address: String) -> JSON {
        [
            "kind": "APIVersions",
            "versions": JSON(self.groups.first { $0.name.isEmpty }?.versions ?? []),
            "serverAddressByClientCIDRs": [
                ["clientCIDR": "0.0.0.0/0", "serverAddress": .string(address)]
            ],
        ]
    }

    /// `/apis`: all groups but the core one, which has a path of its own.
    var groupList: JSON {
        [
            "kind": "APIGroupList", "apiVersion": "v1",
            "groups": .array(self.groups.filter { !$0.name.isEmpty }.map(Self.document)),
        ]
    }

    /// `/apis/GROUP`; nil where there is no such group.
    func group(_ name: String) -> JSON? {
        guard let group = self.groups.first(where: { $0.name == name }), !name.isEmpty else {
            return nil
        }
        return Self.document(group).merged(with: ["kind": "APIGroup", "apiVersion": "v1"])
    }

    private static func document(_ group: Group) -> JSON {
        let versions = group.versions.map { version -> JSON in
            [
                "groupVersion": .string("\(group.name)/\(version)"),
                "version": .string(version),
            ]
        }
        return [
            "name": .string(group.name), "versions": .array(versions),
            "preferredVersion": versions.first ?? .object([:]),
        ]
    }

    /// `/api/v1`, `/apis/GROUP/VERSION`; nil where there is no such version.
    func resourceList(_ groupVersion: GroupVersion) -> JSON? {
        let entries = self.entries(of: groupVersion)
        guard !entries.isEmpty else { return nil }
        return [
            "kind": "APIResourceList", "apiVersion": "v1",
            "groupVersion": .string(groupVersion.apiVersion),
            "resources": .array(entries.flatMap(Self.resources)),
        ]
    }

    private static func resources(_ entry: DiscoveryEntry) -> [JSON] {
        let resource = entry.resource
        var fields: JSONFields = [
            "name": .string(resource.plural), "singularName": .string(resource.singular),
            "namespaced": .bool(resource.isNamespaced), "kind": .string(resource.kind),
            "verbs": JSON(entry.verbs),
        ]
        if !resource.shortNames.isEmpty { fields["shortNames"] = JSON(resource.shortNames) }
        if !entry.categories.isEmpty { fields["categories"] = JSON(entry.categories) }
        let parts = entry.parts.map { part -> JSON in
            [
                "name": .string("\(resource.plural)/\(part.name)"), "singularName": "",
                "namespaced": .bool(resource.isNamespaced), "kind": .string(part.kind.kind),
                "group": .string(part.kind.group), "version": .string(part.kind.version),
                "verbs": JSON(DiscoveryEntry.partVerbs),
            ]
        }
        return [.object(fields)] + parts
    }
}

/// The aggregated form: everything below `/api` or `/apis` in one answer.
extension Discovery {
    /// Both versions of the form have the same fields.
    func aggregated(isCore: Bool, version: String) -> JSON {
        [
            "kind": "APIGroupDiscoveryList",
            "apiVersion": .string("apidiscovery.k8s.io/\(version)"),
            "metadata": .object([:]),
            "items": .array(
                self.groups.filter { $0.name.isEmpty == isCore }.map(self.aggregated)
            ),
        ]
    }

    private func aggregated(_ group: Group) -> JSON {
        let versions = group.versions.map { version -> JSON in
            let entries = self.entries(of: GroupVersion(group.name, version))
            return [
                "version": .string(version), "freshness": "Current",
                "resources": .array(entries.map(Self.aggregated)),
            ]
        }
        var metadata: JSONFields = [:]
        if !group.name.isEmpty { metadata["name"] = .string(group.name) }
        return ["metadata": .object(metadata), "versions": .array(versions)]
    }

    private static func aggregated(_ entry: DiscoveryEntry) -> JSON {
        let resource = entry.resource
        var fields: JSONFields = [
            "resource": .string(resource.plural),
            "responseKind": Self.document(resource.groupVersionKind),
            "scope": resource.isNamespaced ? "Namespaced" : "Cluster",
            "singularResource": .string(resource.singular), "verbs": JSON(entry.verbs),
        ]
        if !resource.shortNames.isEmpty { fields["shortNames"] = JSON(resource.shortNames) }
        if !entry.categories.isEmpty { fields["categories"] = JSON(entry.categories) }
        let parts = entry.parts.map { part -> JSON in
            [
                "subresource": .string(part.name), "responseKind": Self.document(part.kind),
                "verbs": JSON(DiscoveryEntry.partVerbs),
            ]
        }
        if !parts.isEmpty { fields["subresources"] = .array(parts) }
        return .object(fields)
    }

    private static func document(_ kind: GroupVersionKind) -> JSON {
        [
            "group": .string(kind.group), "version": .string(kind.version),
            "kind": .string(kind.kind),
        ]
    }
}
