// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
public import ObjectModel

/// What a list asks for.
public struct ListQuery: Sendable, Hashable {
    /// Which objects.
    public var selection: ObjectSelection
    /// The most objects of one page; nil for all of them.
    public var limit: Int?
    /// The token of the former page; nil for the first.
    public var continueToken: String?
    /// The version that the list must have at least, or exactly; nil for the newest.
    public var resourceVersion: String?
    /// Whether `resourceVersion` is meant exactly.
    public var isExact = false

    /// A list of a selection; everything by default.
    public init(_ selection: ObjectSelection = ObjectSelection()) { self.selection = selection }
}

/// One page of a list, or all of it.
public struct ObjectList: Sendable, Hashable {
    /// Of the state that all pages of the list show; a watch goes on from it.
    public var resourceVersion: String
    /// By namespace and name.
    public var items: [KubeObject]
    /// For the next page; nil on the last.
    public var continueToken: String?
    /// How many objects follow; nil where nobody counted.
    public var remaining: Int?
}

extension ObjectStore {
    /// One object.
    ///
    /// - Throws: `.notFound`.
    public func get(_ kind: ServedKind, _ key: ObjectKey) async throws(APIStatus) -> KubeObject {
        let object = try await self.read { database in
            try StoreTransaction.object(database, kind.storage, key)
        }
        guard let object else { throw APIStatus.notFound(kind.resource, key.name) }
        return kind.presented(object)
    }

    /// The objects of a selection, in pages where the query has a limit.
    ///
    /// - Throws: `.expired` for a token whose state is no longer known, `.badRequest` for one that is
    ///   none and for a field that cannot be selected by.
    public func list(
        _ kind: ServedKind,
        _ query: ListQuery = ListQuery()
    ) async throws(APIStatus) -> ObjectList {
        try kind.checkFields(of: query.selection.fields)
        var list = try await self.read { database in
            try ListPage(kind, query, self.limits).read(database)
        }
        list.items = list.items.map(kind.presented)
        return list
    }

    /// The changes of a selection.
    ///
    /// - Throws: `.expired` where the history no longer reaches back to the query's version,
    ///   `.badRequest` for a version that is none, `.tooManyRequests` for one watch too many.
    public func watch(
        _ kind: ServedKind,
        _ query: WatchQuery = WatchQuery()
    ) async throws(APIStatus) -> ObjectWatch {
        try kind.checkFields(of: query.selection.fields)
        let filter = WatchFilter(kind: kind, selection: query.selection)
        let watcher = try self.hub.watcher(filter, takesBookmarks: query.allowsBookmarks)
        // From here on the watcher's buffer has everything that the reads below do not see.
        let subscription = ObjectWatch.Subscription(watcher, self.hub, self)
        let text = query.resourceVersion ?? ""
        if text.isEmpty || text == "0" || query.sendsInitialEvents {
            let list = try await self.list(kind, ListQuery(query.selection))
            return ObjectWatch(
                subscription: subscription,
                start: .with(
                    list.items,
                    version: Int(list.resourceVersion) ?? 0,
                    marksEnd: query.sendsInitialEvents
                )
            )
        }
        let version = try Self.version(text)
        _ = try await self.history(of: kind.storage, after: version, limit: 0)
        return ObjectWatch(subscription: subscription, start: .after(version))
    }

    static func version(_ text: String) throws(APIStatus) -> Int {
        guard let version = Int(text), version >= 0 else {
            throw APIStatus(.badRequest, "invalid resource version \"\(text)\"")
        }
        return version
    }
}

/// Reads one page of a list out of one state of the database.
struct ListPage {
    private static let chunk = 512

    let kind: ServedKind
    let query: ListQuery
    let limits: StoreLimits

    init(_ kind: ServedKind, _ query: ListQuery, _ limits: StoreLimits) {
        self.kind = kind
        self.query = query
        self.limits = limits
    }

    func read(_ database: Database) throws -> ObjectList {
        let latest = try StoreCounter.version.read(database)
        let (version, start) = try self.start(database, latest: latest)
        let limit = self.query.limit.flatMap { $0 > 0 ? min($0, self.limits.listPage) : nil }
        var list = ObjectList(resourceVersion: "\(version)", items: [])
        var last = start
        while true {
            let rows = try self.rows(database, after: last, at: version, latest: latest)
            for row in rows {
                let object = try KubeObject(stored: row)
                guard self.query.selection.matches(object) else {
                    last = object.key
                    continue
                }
                if let limit, list.items.count == limit {
                    let token = ContinueToken(version: version, last: last ?? object.key)
                    list.continueToken = token.text
                    list.remaining = try self.remaining(database, after: last)
                    return list
                }
                list.items.append(object)
                last = object.key
            }
            if rows.count < Self.chunk { return list }
        }
    }

    /// The version that the list shows, and after which object it begins.
    private func start(_ database: Database, latest: Int) throws -> (Int, ObjectKey?) {
        var version = latest
        var start: ObjectKey?
        if let text = self.query.continueToken, !text.isEmpty {
            let token = try ContinueToken(text)
            (version, start) = (token.version, token.last)
        } else if let text = self.query.resourceVersion, !text.isEmpty, text != "0" {
            let asked = try ObjectStore.version(text)
            guard asked <= latest else {
                throw APIStatus(
                    .timeout,
                    "Too large resource version: \(asked), current: \(latest)"
                )
            }
            if self.query.isExact { version = asked }
        }
        guard version >= (try StoreCounter.compacted.read(database)), version <= latest else {
            throw APIStatus.expired(
                self.query.continueToken == nil
                    ? "The resourceVersion for the provided list is too old."
                    : "The provided continue parameter is too old to display a consistent list "
                        + "result. You can start a new list without the continue parameter."
            )
        }
        return (version, start)
    }

    /// The condition on rows that the selection allows to decide in the database.
    private func condition(after last: ObjectKey?) -> (sql: String, arguments: StatementArguments) {
        var sql = "resource = ?"
        var arguments: StatementArguments = [self.kind.storage]
        if let namespace = self.query.selection.namespace
            ?? self.query.selection.fields.required("metadata.namespace")
        {
            sql += " AND namespace = ?"
            arguments += [namespace]
        }
        if let name = self.query.selection.fields.required("metadata.name") {
            sql += " AND name = ?"
            arguments += [name]
        }
        if let last {
            sql += " AND (namespace, name) > (?, ?)"
            arguments += [last.namespace, last.name]
        }
        return (sql, arguments)
    }

    /// The next objects by namespace and name, as they were at a version.
    ///
    /// What changed since then is taken from the history: the earliest later change of an object
    /// knows what it was before.
    private func rows(
        _ database: Database,
        after last: ObjectKey?,
        at version: Int,
        latest: Int
    ) throws -> [Data] {
        let (condition, arguments) = self.condition(after: last)
        guard version < latest else {
            return try Data.fetchAll(
                database,
                sql: """
                    SELECT body FROM object WHERE \(condition)
                    ORDER BY namespace, name LIMIT \(Self.chunk)
                    """,
                arguments: arguments
            )
        }
        return
            try Row.fetchAll(
                database,
                sql: """
                    SELECT namespace, name, body FROM object WHERE \(condition) AND version <= ?
                    UNION ALL
                    SELECT namespace, name, former FROM change AS this
                    WHERE \(condition) AND version > ? AND former IS NOT NULL
                    AND NOT EXISTS (
                        SELECT 1 FROM change AS earlier
                        WHERE earlier.resource = this.resource
                        AND earlier.namespace = this.namespace AND earlier.name = this.name
                        AND earlier.version > ? AND earlier.version < this.version
                    )
                    ORDER BY namespace, name LIMIT \(Self.chunk)
                    """,
                arguments: arguments + [version] + arguments + [version, version]
            )
            .map { $0["body"] }
    }

    /// How many objects follow; nil where a selector would have to look at each.
    private func remaining(_ database: Database, after last: ObjectKey?) throws -> Int? {
        guard !self.query.selection.isSelective else { return nil }
        let (condition, arguments) = self.condition(after: last)
        return try Int.fetchOne(
            database,
            sql: "SELECT COUNT(*) FROM object WHERE \(condition)",
            arguments: arguments
        )
    }
}

/// Where a list goes on, and in which state.
struct ContinueToken {
    let version: Int
    let last: ObjectKey

    init(version: Int, last: ObjectKey) {
        self.version = version
        self.last = last
    }

    init(_ text: String) throws(APIStatus) {
        guard let data = Data(base64Encoded: text),
            let json = try? JSON(parsing: Array(data)), let version = json["rv"]?.int,
            let namespace = json["namespace"]?.string, let name = json["name"]?.string
        else { throw APIStatus(.badRequest, "continue key is not valid: \(text)") }
        self.init(version: version, last: ObjectKey(namespace, name))
    }

    var text: String {
        let json: JSON = [
            "v": "godwit/v1", "rv": JSON(self.version),
            "namespace": .string(self.last.namespace), "name": .string(self.last.name),
        ]
        return Data(json.bytes).base64EncodedString()
    }
}
