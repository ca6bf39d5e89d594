// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// What a server serves.
public struct Discovery: Sendable {
    /// A kind in one version, with what can be done with it.
    public struct Served: Sendable, Hashable {
        /// The kind.
        public let resource: APIResource
        /// Such as `get`, `list`, `watch`, `create`, `patch`, `delete`.
        public let verbs: Set<String>
        /// Such as `all`.
        public let categories: [String]
        /// Whether its group prefers this version, or has it in no other.
        public let isPreferred: Bool
    }

    /// Every kind in every version, without subresources; sorted, preferred versions first.
    public let all: [Served]
    /// Groups whose server did not answer, and why: an extension that is down takes only its own away.
    public let failures: [GroupVersion: ClusterError]

    /// The kinds whose objects can be listed, each in one version.
    public var resources: [APIResource] {
        self.all.filter { $0.isPreferred && $0.verbs.contains("list") }.map(\.resource)
    }

    /// The kind of objects with this `apiVersion` and `kind`; nil where it is not served.
    public func resource(of kind: GroupVersionKind) -> APIResource? {
        self.all.first { $0.resource.groupVersionKind == kind }?.resource
    }

    /// The kind that a person calls `name`: plural, singular, abbreviation or kind, in any case, also
    /// with the group or version and group after a point (`deploy`, `Deployment.apps`).
    public func resource(named name: String) -> APIResource? {
        let name = name.lowercased()
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        return self.all.first { served in
            let resource = served.resource
            func isName(_ text: String) -> Bool {
                resource.plural == text || resource.singular == text
                    || resource.kind.lowercased() == text || resource.shortNames.contains(text)
            }
            if isName(name) { return true }
            guard parts.count == 2, isName(parts[0]) else { return false }
            let (group, version) = (resource.groupVersion.group, resource.groupVersion.version)
            return parts[1] == group || parts[1] == "\(version).\(group)"
        }?
        .resource
    }
}

extension KubernetesClient {
    /// The kinds whose objects can be listed, each in the version that its group prefers.
    ///
    /// - Throws: ``ClusterError`` where the server cannot be asked, or where nothing of it answers.
    public func discover() async throws(ClusterError) -> [APIResource] {
        try await self.discovery().resources
    }

    /// All that the server serves, as this client has learned it at most
    /// ``ClientLimits/discoveryAge`` ago: a dozen requests less for each piece of work.
    ///
    /// - Parameter isNew: whether it must be asked for now, since something is missing.
    /// - Returns: what is served.
    /// - Throws: ``ClusterError`` where the server cannot be asked.
    public func knownDiscovery(isNew: Bool = false) async throws(ClusterError) -> Discovery {
        try await self.known.value(isNew: isNew) { () throws(ClusterError) in
            try await self.discovery()
        }
    }

    /// All that the server serves.
    ///
    /// Asks group by group, which every version of Kubernetes understands.
    ///
    /// - Throws: ``ClusterError`` where the server cannot be asked; a single group that does not answer
    ///   is in ``Discovery/failures``.
    public func discovery() async throws(ClusterError) -> Discovery {
        let core = try await self.read("/api")
        let groups = try await self.read("/apis")
        var versions: [(GroupVersion, isPreferred: Bool)] = []
        for version in core["versions"]?.array?.compactMap(\.string) ?? [] {
            versions.append((GroupVersion("", version), version == "v1"))
        }
        for group in groups["groups"]?.array ?? [] {
            let preferred = group["preferredVersion", "groupVersion"]?.string
            for version in group["versions"]?.array ?? [] {
                guard let text = version["groupVersion"]?.string,
                    let groupVersion = GroupVersion(apiVersion: text)
                else { continue }
                versions.append((groupVersion, text == preferred))
            }
        }
        return Self.discovery(versions, try await self.resourceLists(versions.map(\.0)))
    }

    private typealias Lists = [GroupVersion: Result<JSON, ClusterError>]

    /// What each version says; the gate bounds how many are asked at once.
    private func resourceLists(
        _ versions: [GroupVersion]
    ) async throws(ClusterError) -> Lists {
        let lists = await withTaskGroup(
            of: (GroupVersion, Result<JSON, ClusterError>).self
        ) { group in
            for version in versions {
                group.addTask {
                    do throws(ClusterError) {
                        return (version, .success(try await self.read(version.path)))
                    } catch { return (version, .failure(error)) }
                }
            }
            var lists: Lists = [:]
            for await (version, list) in group { lists[version] = list }
            return lists
        }
        if Task.isCancelled { throw ClusterError(.cancelled, "the discovery was cancelled") }
        return lists
    }

    private static func discovery(
        _ versions: [(GroupVersion, isPreferred: Bool)],
        _ lists: Lists
    ) -> Discovery {
        var served: [Discovery.Served] = []
        var failures: [GroupVersion: ClusterError] = [:]
        /// Group and plural, of which one version is preferred already.
        var known: Set<[String]> = []
        // Preferred versions first: what they lack is preferred in the next one that has it.
        for (version, _) in versions.filter(\.isPreferred) + versions.filter({ !$0.isPreferred }) {
            switch lists[version] {
            case nil: continue
            case .failure(let error): failures[version] = error
            case .success(let list):
                for entry in list["resources"]?.array ?? [] {
                    guard let resource = APIResource(entry, version) else { continue }
                    let isFirst = known.insert([version.group, resource.plural]).inserted
                    served.append(
                        Discovery.Served(
                            resource: resource,
                            verbs: Set(entry["verbs"]?.array?.compactMap(\.string) ?? []),
                            categories: entry["categories"]?.array?.compactMap(\.string) ?? [],
                            isPreferred: isFirst
                        )
                    )
                }
            }
        }
        let order = served.sorted { first, second in
            if first.isPreferred != second.isPreferred { return first.isPreferred }
            return Self.sortKey(first).lexicographicallyPrecedes(Self.sortKey(second))
        }
        return Discovery(all: order, failures: failures)
    }

    private static func sortKey(_ served: Discovery.Served) -> [String] {
        let resource = served.resource
        return [resource.groupVersion.group, resource.plural, resource.groupVersion.version]
    }
}

extension APIResource {
    /// An entry of an APIResourceList; nil for subresources.
    fileprivate init?(_ entry: JSON, _ list: GroupVersion) {
        guard let name = entry["name"]?.string, !name.contains("/"),
            let kind = entry["kind"]?.string
        else { return nil }
        self.init(
            list,
            kind,
            plural: name,
            isNamespaced: entry["namespaced"]?.bool ?? false,
            shortNames: entry["shortNames"]?.array?.compactMap(\.string) ?? []
        )
    }
}
