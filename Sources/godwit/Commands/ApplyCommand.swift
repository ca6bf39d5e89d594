// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import BlockTypes
import Kinds
import ObjectModel

/// Makes a cluster have what manifests say.
struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Creates or changes objects as manifests say.",
        discussion: """
            Examples:
              godwit apply -f clusterpair.yaml
              godwit apply -f manifests/ --dry-run
            All manifests are read and checked, by the cluster too, before the first one is applied. It \
            is a server-side apply: fields that somebody else owns are not taken without \
            --force-conflicts.
            """
    )

    @Option(
        name: [.short, .customLong("filename")],
        parsing: .singleValue,
        help: ArgumentHelp(
            "A file, a directory of .yaml and .json files, or - for standard input.",
            valueName: "file|dir|-"
        ),
        completion: .file()
    )
    var filename: [String]
    @Flag(help: "Let the cluster check everything and change nothing.") var dryRun = false
    @Flag(help: "Take fields that others own.") var forceConflicts = false
    @OptionGroup var options: ClusterOptions

    func run() async throws {
        let manifests = try Manifests.read(self.filename)
        try await self.options.withCluster { cluster in
            let planned = try await self.plan(manifests, cluster)
            try await self.rehearse(planned, cluster)
            for (resource, manifest) in planned {
                let word = try await self.apply(
                    manifest,
                    as: resource,
                    to: cluster,
                    isDryRun: self.dryRun
                )
                let suffix = self.dryRun ? " (dry run)" : ""
                let name = resource.qualifiedName(manifest.object.name)
                switch self.options.console.format {
                case .table, .wide: self.options.console.result("\(name) \(word)\(suffix)")
                case .name, .json, .yaml: self.options.console.result(name)
                }
            }
        }
    }

    private typealias Step = (resource: APIResource, manifest: Manifest)

    /// Which resource each object belongs to, and in which namespace it lives.
    private func plan(_ manifests: [Manifest], _ cluster: Cluster) async throws(APIError) -> [Step]
    {
        let served = try await cluster.resources()
        var steps: [Step] = []
        // A definition in these files serves its kind once it is applied, which is before its objects.
        let announced = manifests.compactMap { Self.announced($0.object) }
        for manifest in manifests {
            let kind = manifest.object.groupVersionKind
            guard
                let resource = (served + announced).first(where: { $0.groupVersionKind == kind })
            else { throw Self.unknown(kind, manifest, served) }
            if let wrong = manifest.wrong { throw wrong }
            var object = manifest.object
            if !resource.isNamespaced {
                // Manifests of old have it, also where it means nothing.
                object.set(nil, at: "metadata", "namespace")
            } else if object.namespace.isEmpty {
                object.set(.string(cluster.namespace), at: "metadata", "namespace")
            } else if let wanted = self.options.namespace, wanted != object.namespace {
                throw APIError(
                    .invalidManifest,
                    "\(manifest.place): the namespace '\(object.namespace)' of the object is not "
                        + "'\(wanted)', which -n names.",
                    try: "leave one of the two out"
                )
            }
            steps.append((resource, Manifest(object: object, place: manifest.place)))
        }
        return steps
    }

    /// Lets the cluster check all of several manifests, so that a bad one does not leave the others
    /// applied.
    ///
    /// What lives in a namespace, or is of a kind, that these manifests make cannot be tried before
    /// those are there.
    private func rehearse(_ steps: [Step], _ cluster: Cluster) async throws(APIError) {
        guard steps.count > 1, !self.dryRun else { return }
        let kinds = Set(
            steps.compactMap { Self.announced($0.manifest.object)?.groupVersionKind }
        )
        let namespaces = Set(
            steps.map(\.manifest.object)
                .filter { $0.groupVersionKind == CoreResource.namespaces.groupVersionKind }
                .map(\.name)
        )
        for (resource, manifest) in steps where !kinds.contains(resource.groupVersionKind) {
            guard !resource.isNamespaced || !namespaces.contains(manifest.object.namespace) else {
                continue
            }
            do throws(APIError) {
                _ = try await self.apply(manifest, as: resource, to: cluster, isDryRun: true)
            } catch {
                // Of a webhook that says so, it is not known what it would answer.
                guard !error.message.contains("does not support dry run") else { continue }
                throw error
            }
        }
    }

    /// The resource that a CustomResourceDefinition is for.
    private static func announced(_ object: KubeObject) -> APIResource? {
        guard object.kind == "CustomResourceDefinition",
            let group = object["spec", "group"]?.string,
            let version = object["spec", "versions"]?.array?.first?["name"]?.string,
            let kind = object["spec", "names", "kind"]?.string,
            let plural = object["spec", "names", "plural"]?.string
        else { return nil }
        return APIResource(
            GroupVersion(group, version),
            kind,
            plural: plural,
            isNamespaced: object["spec", "scope"]?.string != "Cluster"
        )
    }

    private static func unknown(
        _ kind: GroupVersionKind,
        _ manifest: Manifest,
        _ served: [APIResource]
    ) -> APIError {
        let near = Suggestion.nearest(to: kind.kind, in: served.map(\.kind))
        let other = served.first { $0.kind == (near ?? kind.kind) }
        let meant = other.map {
            "did you mean kind: \($0.kind) of apiVersion: \($0.groupVersion.apiVersion)?"
        }
        return APIError(
            .invalidManifest,
            "\(manifest.place): the cluster has no kind \"\(kind.kind)\" in version "
                + "\"\(kind.groupVersion.apiVersion)\".",
            try: meant ?? "apply its CustomResourceDefinition first"
        )
    }

    private func apply(
        _ manifest: Manifest,
        as resource: APIResource,
        to cluster: Cluster,
        isDryRun: Bool
    ) async throws(APIError) -> String {
        do throws(APIError) {
            let namespace = resource.isNamespaced ? manifest.object.namespace : nil
            let former = try await cluster.find(resource, manifest.object.name, namespace)
            let applied = try await cluster.apply(
                resource,
                manifest.object,
                force: self.forceConflicts,
                isDryRun: isDryRun
            )
            guard let former else { return "created" }
            let isSame = former.resourceVersion == applied.resourceVersion
            return isSame ? "unchanged" : "configured"
        } catch {
            // Which of many it was.
            throw APIError(
                error.id,
                error.message,
                cause: ["\(manifest.place)", error.cause].compactMap(\.self)
                    .joined(separator: ": "),
                try: error.id == .objectConflict
                    ? "add --force-conflicts to take the fields from their owner" : error.try
            )
        }
    }
}
