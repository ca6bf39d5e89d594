// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension Kubeconfig {
    /// The way to the cluster of a context.
    ///
    /// Files are not read here but when they are needed, so that they may change.
    ///
    /// - Parameter context: its name; nil for the current one.
    /// - Returns: the connection.
    /// - Throws: ``KubeconfigError`` with the entry that is missing or wrong.
    public func connection(context: String? = nil) throws(KubeconfigError) -> ClusterConnection {
        let entry = try self.entry(ofContext: context)
        let cluster = try self.find(entry, "cluster", in: self.clusters)
        let userName = entry.text("user")
        let user =
            userName.isEmpty ? nil : try self.find(entry, "user", in: self.users)
        var connection = try self.connection(to: cluster)
        connection.context = entry.name
        connection.source = "\(entry.source), context \"\(entry.name)\""
        let namespace = entry.text("namespace")
        if !namespace.isEmpty { connection.namespace = namespace }
        if let user { connection.user = try self.credentials(of: user) }
        if connection.user.exec?.provideClusterInfo == true {
            let info = Self.clusterInfo(cluster, connection)
            connection.user.exec?.clusterInfo = info
        }
        return connection
    }

    private func entry(ofContext name: String?) throws(KubeconfigError) -> Entry {
        let wanted = name ?? self.currentContext
        if let entry = self.contexts[wanted] { return entry }
        guard !wanted.isEmpty else {
            throw KubeconfigError(
                source: self.source,
                "no current-context is set",
                try: self.contexts.isEmpty
                    ? "add a context" : "choose one with --context: \(self.known(self.contexts))"
            )
        }
        throw KubeconfigError(
            source: self.source,
            entry: "context \"\(wanted)\"",
            "there is no such context",
            try: "use one of: \(self.known(self.contexts))"
        )
    }

    private func find(
        _ context: Entry,
        _ field: String,
        in entries: [String: Entry]
    ) throws(KubeconfigError) -> Entry {
        let name = context.text(field)
        if let entry = entries[name] { return entry }
        throw KubeconfigError(
            source: context.source,
            entry: "context \"\(context.name)\"",
            name.isEmpty ? "it names no \(field)" : "there is no \(field) \"\(name)\"",
            try: "use one of: \(self.known(entries))"
        )
    }

    private func known(_ entries: [String: Entry]) -> String {
        entries.isEmpty ? "none is defined" : entries.keys.sorted().joined(separator: ", ")
    }

    private func connection(to cluster: Entry) throws(KubeconfigError) -> ClusterConnection {
        func error(_ problem: String, _ advice: String) -> KubeconfigError {
            KubeconfigError(
                source: cluster.source,
                entry: "cluster \"\(cluster.name)\"",
                problem,
                try: advice
            )
        }
        var server = cluster.text("server")
        while server.hasSuffix("/") { server.removeLast() }
        guard server.hasPrefix("https://") || server.hasPrefix("http://") else {
            throw error(
                server.isEmpty ? "it has no server" : "\"\(server)\" is no http or https URL",
                "write server: https://HOST:PORT"
            )
        }
        guard cluster.text("proxy-url").isEmpty else {
            throw error(
                "proxy-url is not supported",
                "remove it and reach \(server) directly or through a tunnel"
            )
        }
        let isInsecure = cluster.fields["insecure-skip-tls-verify"]?.bool ?? false
        let authority = try self.bytes(cluster, "cluster", "certificate-authority")
        guard !isInsecure || authority == nil else {
            throw error(
                "insecure-skip-tls-verify and a certificate-authority contradict each other",
                "remove insecure-skip-tls-verify"
            )
        }
        let serverName = cluster.text("tls-server-name")
        return ClusterConnection(
            server: server,
            authority: authority,
            isInsecure: isInsecure,
            serverName: serverName.isEmpty ? nil : serverName
        )
    }

    /// The bytes of `FIELD-data`, or the file of `FIELD`; the former wins, as with kubectl.
    func bytes(
        _ entry: Entry,
        _ kind: String,
        _ field: String
    ) throws(KubeconfigError) -> SecretBytes? {
        let data = entry.text("\(field)-data")
        if !data.isEmpty {
            guard let bytes = decodeBase64(data) else {
                throw KubeconfigError(
                    source: entry.source,
                    entry: "\(kind) \"\(entry.name)\"",
                    "\(field)-data is no base64",
                    try: "write the PEM text in base64: base64 -w0 FILE"
                )
            }
            return .data(bytes)
        }
        return try self.file(entry, kind, field)
    }

    /// The path in a field, seen from the file that the entry is in.
    func file(
        _ entry: Entry,
        _ kind: String,
        _ field: String
    ) throws(KubeconfigError) -> SecretBytes? {
        let path = entry.text(field)
        guard !path.isEmpty else { return nil }
        guard self.permissions.contains(.files) else {
            throw KubeconfigError(
                source: entry.source,
                entry: "\(kind) \"\(entry.name)\"",
                "\(field) names a file, which is not read here",
                try: "put the contents in: kubectl config view --flatten --minify"
            )
        }
        return .file(Self.resolve(path, from: entry.directory))
    }

    static func resolve(_ path: String, from directory: String?) -> String {
        guard !path.hasPrefix("/"), let directory else { return path }
        return "\(directory)/\(path)"
    }

    /// What a plug-in is told: `spec.cluster` of an ExecCredential.
    private static func clusterInfo(_ cluster: Entry, _ connection: ClusterConnection) -> String {
        var info: JSON = ["server": .string(connection.server)]
        for field in ["certificate-authority-data", "tls-server-name", "insecure-skip-tls-verify"] {
            if let value = cluster.fields[field] { info.set(value, at: field) }
        }
        let extensions = cluster.fields["extensions"]?.array ?? []
        let name = JSON.string("client.authentication.k8s.io/exec")
        if let found = extensions.first(where: { $0["name"] == name })?["extension"] {
            info.set(found, at: "config")
        }
        return info.compact
    }
}

extension Kubeconfig.Entry {
    /// A text of the entry; empty where it is missing.
    func text(_ field: String) -> String { self.fields[field]?.string ?? "" }
}
