// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

extension KubernetesClient {
    /// One page of a list.
    ///
    /// - Parameters:
    ///   - resource: the kind.
    ///   - namespace: nil for all namespaces, and for kinds that have none.
    ///   - selection: which objects.
    ///   - limit: the most objects; nil for all at once.
    ///   - continuing: the token of the page before; empty for the first page.
    /// - Returns: the page.
    /// - Throws: ``ClusterError``, `gone` where the token is too old: begin again.
    public func list(
        _ resource: APIResource,
        namespace: String? = nil,
        _ selection: ObjectSelection = .all,
        limit: Int?,
        continuing: String = ""
    ) async throws(ClusterError) -> ObjectList {
        var call = Call(method: .get, path: try Self.path(resource, namespace: namespace))
        call.reading = .list
        call.query = selection.query
        if let limit { call.query.append(("limit", "\(limit)")) }
        if !continuing.isEmpty { call.query.append(("continue", continuing)) }
        return ObjectList(try await self.json(call), resource)
    }

    /// All objects of a list, page by page, as they were at one time.
    ///
    /// Pages that are larger than an answer may be are asked for with fewer objects. Where the server
    /// forgets the time of the first page before the last is read, the list begins again, in the end
    /// in one piece.
    ///
    /// - Parameters:
    ///   - resource: the kind.
    ///   - namespace: nil for all namespaces, and for kinds that have none.
    ///   - selection: which objects.
    /// - Returns: the objects, and where a watch goes on.
    /// - Throws: ``ClusterError``.
    public func list(
        _ resource: APIResource,
        namespace: String? = nil,
        _ selection: ObjectSelection = .all
    ) async throws(ClusterError) -> ObjectList {
        var limit: Int? = self.limits.pageObjects
        var list: ObjectList?
        while true {
            do {
                let page = try await self.list(
                    resource,
                    namespace: namespace,
                    selection,
                    limit: limit,
                    continuing: list?.continueToken ?? ""
                )
                let whole = Self.join(list, page)
                if whole.continueToken.isEmpty { return whole }
                list = whole
            } catch {
                switch (error.reason, limit) {
                case (.gone, .some) where list != nil:
                    list = nil
                    limit = nil
                case (.tooLarge, .some(let objects)) where objects > 1:
                    limit = objects / 2
                default: throw error
                }
            }
        }
    }

    private static func join(_ first: ObjectList?, _ next: ObjectList) -> ObjectList {
        guard var joined = first else { return next }
        joined.items += next.items
        joined.continueToken = next.continueToken
        joined.remaining = next.remaining
        // Every page is of the same time.
        if joined.resourceVersion.isEmpty { joined.resourceVersion = next.resourceVersion }
        return joined
    }

    /// The JSON of any path that is read, such as `/openapi/v3`, or a list as a Table.
    ///
    /// - Parameters:
    ///   - path: from the server's root, with its query.
    ///   - accept: the forms to answer in.
    /// - Returns: the answer.
    /// - Throws: ``ClusterError``.
    public func read(
        _ path: String,
        accept: String = "application/json"
    ) async throws(ClusterError) -> JSON {
        try await self.json(Call(method: .get, path: path, accept: accept))
    }

    /// What the server says of itself at `/version`.
    public func version() async throws(ClusterError) -> ServerVersion {
        ServerVersion(try await self.read("/version"))
    }
}

/// The version of an API server.
public struct ServerVersion: Sendable, Hashable, CustomStringConvertible {
    /// Such as 1.
    public let major: Int
    /// Such as 32; some servers write `32+`, whose sign is left out.
    public let minor: Int
    /// Such as `v1.32.1`.
    public let gitVersion: String

    init(_ json: JSON) {
        func number(_ field: String) -> Int {
            Int((json[field]?.string ?? "").prefix { $0.isNumber }) ?? 0
        }
        self.major = number("major")
        self.minor = number("minor")
        self.gitVersion = json["gitVersion"]?.string ?? ""
    }

    /// As ``gitVersion``.
    public var description: String { self.gitVersion }
}
