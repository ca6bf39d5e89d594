// SPDX-License-Identifier: Apache-2.0

import Foundation
public import ObjectModel

extension Kubeconfig {
    /// The configuration of one context alone, as a ClusterPair takes it in `spec.config`.
    ///
    /// Maps by name, with the contents of the files that are named, so that it means the same on
    /// another machine. A token of a file is the one that is in it now.
    ///
    /// - Parameter context: its name; nil for the current one.
    /// - Returns: the fields `clusters`, `contexts`, `current-context`, `preferences` and `users`.
    /// - Throws: ``KubeconfigError`` where the context cannot be used, or a file cannot be read.
    public func pruned(context: String? = nil) throws(KubeconfigError) -> JSON {
        // All that a client would find wrong is wrong here too.
        let name = try self.connection(context: context).context
        guard let entry = self.contexts[name] else {
            throw KubeconfigError(source: self.source, "no context \(name)", try: "name another")
        }
        var json: JSON = [
            "contexts": .object([name: Self.located(entry, entry.fields)]),
            "clusters": [:], "current-context": .string(name), "preferences": [:], "users": [:],
        ]
        if let cluster = self.clusters[entry.text("cluster")] {
            let fields = try Self.inlined(cluster, ["certificate-authority"])
            json.set(Self.located(cluster, fields), at: "clusters", cluster.name)
        }
        if let user = self.users[entry.text("user")] {
            var fields = try Self.inlined(user, ["client-certificate", "client-key"])
            if let path = fields["tokenFile"]?.string {
                let bytes = try Self.contents(path, of: user)
                let token = String(decoding: bytes, as: UTF8.self)
                    .trimmingCharacters(in: .whitespacesAndNewlines)
                fields.set(.string(token), at: "token")
                fields.set(nil, at: "tokenFile")
            }
            json.set(Self.located(user, fields), at: "users", user.name)
        }
        return json
    }

    /// An entry with the key that says where it was written, as Stork prints it.
    private static func located(_ entry: Entry, _ fields: JSON) -> JSON {
        var fields = fields
        if fields["LocationOfOrigin"] == nil {
            fields.set(.string(entry.source), at: "LocationOfOrigin")
        }
        return fields
    }

    private static func inlined(
        _ entry: Entry,
        _ names: [String]
    ) throws(KubeconfigError) -> JSON {
        var fields = entry.fields
        for name in names {
            guard let path = fields[name]?.string else { continue }
            fields.set(nil, at: name)
            guard entry.text("\(name)-data").isEmpty else { continue }
            let bytes = try Self.contents(path, of: entry)
            fields.set(.string(Data(bytes).base64EncodedString()), at: "\(name)-data")
        }
        return fields
    }

    private static func contents(
        _ path: String,
        of entry: Entry
    ) throws(KubeconfigError) -> [UInt8] {
        let path = Self.resolve(path, from: entry.directory)
        do { return Array(try Data(contentsOf: URL(fileURLWithPath: path))) } catch {
            throw KubeconfigError(
                source: entry.source,
                entry: "\"\(entry.name)\"",
                "\(path) cannot be read: \(error.localizedDescription)",
                try: "check that it is there and that you may read it"
            )
        }
    }
}
