// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// What the server answers to whom: documents about the API, reviews, and objects.
///
/// Knows nothing of connections; ``ClusterResponder`` is around it.
struct ClusterAPI: Sendable {
    let store: ObjectStore
    let tokens: TokenFile
    /// The version of this release, as `/version` tells it.
    let version: String

    /// The version of Kubernetes whose API this is like; clients decide by it what they ask for.
    static let kubernetesVersion = (major: "1", minor: "32")

    func answer(_ request: APIRequest) async throws(APIStatus) -> APIAnswer {
        switch request.target {
        case .version, .health, .coreVersions, .groups, .group, .resources, .formerSchemas,
            .schemaIndex, .schemas:
            guard request.method == "GET" else { throw .methodNotAllowed(request.method) }
            return try self.document(request)
        case .objects(let path):
            return try await self.objects(request, path)
        }
    }

    // MARK: Documents

    private func document(_ request: APIRequest) throws(APIStatus) -> APIAnswer {
        switch request.target {
        case .version: return .document(self.versionDocument)
        case .coreVersions, .groups: return try self.discovery(request)
        case .group(let name):
            guard let group = self.served.group(name) else { throw .noResource }
            return .document(group)
        case .resources(let groupVersion):
            guard let list = self.served.resourceList(groupVersion) else { throw .noResource }
            return .document(list)
        case .formerSchemas: return try Self.formerSchemas(request)
        case .schemaIndex: return .document(OpenAPI(self.schemas).index)
        case .schemas(let groupVersion):
            guard let document = OpenAPI(self.schemas).document(groupVersion) else {
                throw .noResource
            }
            return .document(document)
        case .health, .objects: throw .noResource
        }
    }

    /// kubectl before 1.27 refuses to apply anything without OpenAPI v2, which it reads in protobuf.
    ///
    /// A document that knows no kind makes it leave the checking to the server.
    private static func formerSchemas(_ request: APIRequest) throws(APIStatus) -> APIAnswer {
        guard request.accepted.contains(where: { APIAnswer.schemasNames.contains($0.name) }) else {
            throw .noResource
        }
        return .emptySchemas
    }

    var versionDocument: JSON {
        let (major, minor) = Self.kubernetesVersion
        return [
            "major": .string(major), "minor": .string(minor),
            "gitVersion": .string("v\(major).\(minor).0+godwit-\(self.version)"),
            "platform": "linux/amd64",
        ]
    }

    private func discovery(_ request: APIRequest) throws(APIStatus) -> APIAnswer {
        guard let form = DiscoveryForm(accepting: request.accepted) else {
            throw .notAcceptable("application/json")
        }
        let isCore = request.target == .coreVersions
        let document =
            switch form {
            case .aggregated(let version):
                self.served.aggregated(isCore: isCore, version: version)
            case .plain:
                isCore ? self.served.coreVersions(address: request.address) : self.served.groupList
            }
        return .document(code: 200, document, contentType: form.contentType, warnings: [])
    }

    /// What is served now: definitions come and go.
    private var served: Discovery {
        Discovery(self.store.kinds.all.map(Self.entry) + DiscoveryEntry.reviews)
    }

    private var schemas: [OpenAPIEntry] {
        self.store.kinds.all.map { OpenAPIEntry(entry: Self.entry($0), schema: $0.schema?.json) }
            + DiscoveryEntry.reviews.map { OpenAPIEntry(entry: $0, schema: nil) }
    }

    private static func entry(_ kind: ServedKind) -> DiscoveryEntry {
        DiscoveryEntry(
            resource: kind.resource,
            categories: kind.categories,
            hasStatus: kind.hasStatus,
            hasScale: kind.scale != nil
        )
    }

    // MARK: Objects

    private func objects(
        _ request: APIRequest,
        _ path: ObjectPath
    ) async throws(APIStatus) -> APIAnswer {
        let verb = try Self.verb(request, path)
        let access = AccessRequest(
            verb: verb,
            group: path.groupVersion.group,
            resource: path.resource,
            subresource: path.subresource,
            namespace: path.namespace,
            name: path.name
        )
        guard Authorizer.allows(request.user, access) else {
            var status = APIStatus(.forbidden, Authorizer.refusal(request.user, access))
            status.name = path.name ?? ""
            status.group = path.groupVersion.group
            status.kind = path.resource
            throw status
        }
        if let kind = Self.review(path) { return try self.review(request, kind) }
        guard let kind = self.store.kinds.kind(path.groupVersion, plural: path.resource),
            path.namespace == nil || kind.resource.isNamespaced
        else { throw .noResource }
        return try await ObjectRequest(
            store: self.store,
            kind: kind,
            path: path,
            request: request,
            verb: verb
        )
        .answer()
    }

    private static func verb(
        _ request: APIRequest,
        _ path: ObjectPath
    ) throws(APIStatus) -> String {
        switch (request.method, path.name == nil) {
        case ("GET", true): return try request.options.flag("watch") ? "watch" : "list"
        case ("GET", false): return "get"
        case ("POST", true): return "create"
        case ("PUT", false): return "update"
        case ("PATCH", false): return "patch"
        case ("DELETE", true): return "deletecollection"
        case ("DELETE", false): return "delete"
        default: throw .methodNotAllowed(request.method)
        }
    }

    private static func review(_ path: ObjectPath) -> String? {
        DiscoveryEntry.reviews
            .first {
                $0.resource.groupVersion == path.groupVersion && $0.resource.plural == path.resource
            }?
            .resource.kind
    }

    private func review(_ request: APIRequest, _ kind: String) throws(APIStatus) -> APIAnswer {
        guard request.method == "POST" else { throw .methodNotAllowed(request.method) }
        let tokens = self.tokens
        let reviews = Reviews(user: request.user) { tokens.user(of: $0) }
        guard let answer = reviews.answer(kind, try request.document()) else { throw .noResource }
        return .document(answer, code: 201)
    }
}
