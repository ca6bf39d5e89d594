// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// The clusters, users and contexts of one or several kubeconfig files.
public struct Kubeconfig: Sendable {
    /// What a configuration may make this process do; one from a stranger may do less.
    public struct Permissions: OptionSet, Sendable {
        /// As an option set.
        public let rawValue: Int
        /// As an option set.
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// Read the files that it names: certificates, keys, tokens.
        public static let files = Self(rawValue: 1)
        /// Start the programs that it names.
        public static let programs = Self(rawValue: 2)
        /// For the files of the user who runs this.
        public static let all: Self = [.files, .programs]
    }

    /// One entry with the place where it was written.
    struct Entry: Sendable {
        let name: String
        let fields: JSON
        let source: String
        /// Relative paths begin here; nil where the text is no file.
        let directory: String?
    }

    /// Which context is used where none is named; empty for none.
    public private(set) var currentContext = ""
    private(set) var clusters: [String: Entry] = [:]
    private(set) var users: [String: Entry] = [:]
    private(set) var contexts: [String: Entry] = [:]
    /// Where this was read from.
    public private(set) var source: String
    let permissions: Permissions

    /// The names of the contexts, sorted.
    public var contextNames: [String] { self.contexts.keys.sorted() }

    private init(source: String, permissions: Permissions) {
        self.source = source
        self.permissions = permissions
    }

    /// Reads a configuration out of a value that was read.
    ///
    /// Lists of `name` and entry as in files, and maps by name as `storkctl generate clusterpair`
    /// prints them.
    ///
    /// - Parameters:
    ///   - json: the configuration.
    ///   - source: where it comes from, for errors.
    ///   - directory: where relative paths begin; nil where the text is no file.
    ///   - permissions: what it may make this process do.
    /// - Throws: ``KubeconfigError`` where it has another form.
    public init(
        _ json: JSON,
        source: String,
        directory: String? = nil,
        permissions: Permissions = .all
    ) throws(KubeconfigError) {
        self.init(source: source, permissions: permissions)
        guard json.object != nil else {
            throw KubeconfigError(
                source: source,
                "it is no kubeconfig but a \(json.kind)",
                try: "give a file with the fields clusters, users and contexts"
            )
        }
        self.currentContext = json["current-context"]?.string ?? ""
        let place = Place(source: source, directory: directory)
        self.clusters = try Self.entries(json, "clusters", "cluster", place)
        self.users = try Self.entries(json, "users", "user", place)
        self.contexts = try Self.entries(json, "contexts", "context", place)
    }

    /// Reads a configuration out of a text.
    ///
    /// - Parameters:
    ///   - text: YAML, of which JSON is a part.
    ///   - source: where it comes from, for errors.
    ///   - directory: where relative paths begin; nil where the text is no file.
    ///   - permissions: what it may make this process do.
    /// - Throws: ``KubeconfigError`` with the line of what cannot be read.
    public init(
        parsing text: String,
        source: String,
        directory: String? = nil,
        permissions: Permissions = .all
    ) throws(KubeconfigError) {
        let json: JSON
        do { json = try JSON(yaml: text) } catch {
            throw KubeconfigError(
                source: source,
                "it cannot be read: line \(error.line), column \(error.column): \(error.reason)",
                try: error.advice
            )
        }
        try self.init(json, source: source, directory: directory, permissions: permissions)
    }

    /// Adds what another configuration has and this one has not: the first to name something wins,
    /// as with several files in `KUBECONFIG`.
    public mutating func merge(_ other: Self) {
        if self.currentContext.isEmpty { self.currentContext = other.currentContext }
        self.clusters.merge(other.clusters) { first, _ in first }
        self.users.merge(other.users) { first, _ in first }
        self.contexts.merge(other.contexts) { first, _ in first }
        self.source += ":\(other.source)"
    }

    private struct Place {
        let source: String
        let directory: String?
    }

    private static func entries(
        _ json: JSON,
        _ field: String,
        _ inner: String,
        _ place: Place
    ) throws(KubeconfigError) -> [String: Entry] {
        func entry(_ name: String, _ fields: JSON) -> Entry {
            Entry(
                name: name,
                fields: fields,
                source: place.source,
                directory: place.directory
            )
        }
        switch json[field] {
        case nil, .null: return [:]
        case .object(let byName):
            return Dictionary(uniqueKeysWithValues: byName.map { ($0, entry($0, $1)) })
        case .array(let list):
            var entries: [String: Entry] = [:]
            for item in list {
                guard let name = item["name"]?.string else {
                    throw KubeconfigError(
                        source: place.source,
                        entry: field,
                        "an entry has no name",
                        try: "write each as \"name\" and \"\(inner)\""
                    )
                }
                // The first of a name wins, as between files.
                if entries[name] == nil { entries[name] = entry(name, item[inner] ?? [:]) }
            }
            return entries
        case .bool, .number, .string:
            throw KubeconfigError(
                source: place.source,
                entry: field,
                "it is neither a list nor a map",
                try: "write a list of entries with \"name\" and \"\(inner)\""
            )
        }
    }
}
