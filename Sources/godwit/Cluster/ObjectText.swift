// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ObjectModel

/// Objects as `get` prints them; pure, so that golden tests can hold it.
struct ObjectText<Noun: ClusterNoun> {
    /// What storkctl's tables have.
    static var minimumWidth: Int { 6 }

    let format: OutputFormat
    /// Whether the first column is the namespace.
    let showsNamespace: Bool
    private var table = TextTable(minimumWidth: Self.minimumWidth)
    private var hasHead = false

    /// Texts in one format; a column for the namespace only where the kind has one.
    init(format: OutputFormat, showsNamespace: Bool = false) {
        self.format = format
        self.showsNamespace = showsNamespace && Noun.resource.isNamespaced
    }

    /// The whole answer to `get`; one object is a list too, as storkctl has it.
    mutating func list(_ objects: [KubeObject], now: Timestamp) -> String {
        switch self.format {
        case .json: Self.listed(objects).pretty + "\n"
        case .yaml: Self.listed(objects).yaml
        case .table, .wide, .name: objects.isEmpty ? self.none : self.rows(objects, now: now)
        }
    }

    /// One more object that changed, below those that were printed.
    mutating func row(_ object: KubeObject, now: Timestamp) -> String {
        switch self.format {
        case .json: Self.complete(object).json.pretty + "\n"
        case .yaml: "---\n" + Self.complete(object).json.yaml
        case .table, .wide, .name: self.rows([object], now: now)
        }
    }

    private var none: String { self.format == .name ? "" : "No resources found.\n" }

    private mutating func rows(_ objects: [KubeObject], now: Timestamp) -> String {
        if self.format == .name {
            return objects.map { "\(Noun.qualifiedName(of: $0))\n" }.joined()
        }
        let columns = Noun.columns.filter { !$0.isWide || self.format == .wide }
        let shown = (self.showsNamespace ? [Self.namespace] : []) + columns
        var rows = objects.map { object in
            shown.map { PlainText.line($0.cell(object, now)) }
        }
        if !self.hasHead { rows.insert(shown.map(\.title), at: 0) }
        self.hasHead = true
        return self.table.lines(rows)
    }

    private static var namespace: ObjectColumn {
        ObjectColumn("NAMESPACE", path: "metadata", "namespace")
    }

    private static func listed(_ objects: [KubeObject]) -> JSON {
        [
            "apiVersion": "v1", "kind": "List", "metadata": [:],
            "items": .array(objects.map { Self.complete($0).json }),
        ]
    }

    /// With its kind, which servers leave out inside of lists.
    private static func complete(_ object: KubeObject) -> KubeObject {
        var object = object
        let kind = Noun.resource.groupVersionKind
        object.set(.string(kind.groupVersion.apiVersion), at: "apiVersion")
        object.set(.string(kind.kind), at: "kind")
        return object
    }
}

extension ClusterNoun {
    /// As `-o name` and `apply` name it: `migration.stork.libopenstorage.org/x`.
    static func qualifiedName(of object: KubeObject) -> String {
        Self.resource.qualifiedName(object.name)
    }
}

extension APIResource {
    /// Kind, group and name in one word: `deployment.apps/x`, `service/x`.
    func qualifiedName(_ name: String) -> String {
        let group = self.groupVersion.group
        return group.isEmpty ? "\(self.singular)/\(name)" : "\(self.singular).\(group)/\(name)"
    }
}
