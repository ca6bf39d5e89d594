// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// Who set which fields of an object: `metadata.managedFields`.
struct ManagedFields: Hashable, Sendable {
    enum Operation: String, Hashable, Sendable {
        case apply = "Apply"
        case update = "Update"
    }

    /// One manager's fields.
    struct Entry: Hashable, Sendable {
        var manager: String
        var operation: Operation
        var apiVersion: String
        /// `status`, or empty.
        var subresource: String
        var time: String
        var fields: FieldTree

        func isSameManager(_ other: Entry) -> Bool {
            self.manager == other.manager && self.operation == other.operation
                && self.subresource == other.subresource
                && (self.operation == .apply || self.apiVersion == other.apiVersion)
        }
    }

    /// Managers that only update, as many as the real server keeps apart.
    private static let updateLimit = 10
    private static let oldManager = "ancient-changes"

    var entries: [Entry] = []

    init() {}

    init(_ object: KubeObject) {
        for json in object["metadata", "managedFields"]?.array ?? [] {
            guard let manager = json["manager"]?.string,
                let operation = json["operation"]?.string.flatMap(Operation.init),
                let fields = json["fieldsV1"]
            else { continue }
            self.entries.append(
                Entry(
                    manager: manager,
                    operation: operation,
                    apiVersion: json["apiVersion"]?.string ?? "",
                    subresource: json["subresource"]?.string ?? "",
                    time: json["time"]?.string ?? "",
                    fields: FieldTree(json: fields)
                )
            )
        }
    }

    /// As it is written; nil for nobody.
    var json: JSON? {
        guard !self.entries.isEmpty else { return nil }
        return .array(
            self.entries.map { entry in
                var fields: JSONFields = [
                    "manager": .string(entry.manager),
                    "operation": .string(entry.operation.rawValue),
                    "apiVersion": .string(entry.apiVersion), "fieldsType": "FieldsV1",
                    "fieldsV1": entry.fields.json, "time": .string(entry.time),
                ]
                if !entry.subresource.isEmpty {
                    fields["subresource"] = .string(entry.subresource)
                }
                return .object(fields)
            }
        )
    }

    /// What everybody but one owns.
    func fields(except entry: Entry) -> FieldTree {
        self.entries.filter { !$0.isSameManager(entry) }
            .reduce(FieldTree()) { $0.union($1.fields) }
    }

    /// What one manager owns.
    func fields(of entry: Entry) -> FieldTree {
        self.entries.first { $0.isSameManager(entry) }?.fields ?? FieldTree()
    }

    /// Takes fields away from everybody but one.
    mutating func take(_ fields: FieldTree, for entry: Entry) {
        for index in self.entries.indices where !self.entries[index].isSameManager(entry) {
            self.entries[index].fields = self.entries[index].fields.subtracting(fields)
        }
        self.entries.removeAll { $0.fields.isEmpty }
    }

    /// Sets what one manager owns; the time changes only with the fields.
    mutating func set(_ entry: Entry) {
        guard let index = self.entries.firstIndex(where: { $0.isSameManager(entry) }) else {
            if !entry.fields.isEmpty { self.entries.append(entry) }
            self.limitUpdates()
            return
        }
        if entry.fields.isEmpty {
            self.entries.remove(at: index)
        } else if self.entries[index].fields != entry.fields
            || self.entries[index].apiVersion != entry.apiVersion
        {
            self.entries[index] = entry
        }
    }

    /// Puts the oldest managers together where there are too many.
    private mutating func limitUpdates() {
        let updates = self.entries.filter { $0.operation == .update }
        guard updates.count > Self.updateLimit else { return }
        var oldest = updates.sorted { $0.time < $1.time }
            .prefix(updates.count - Self.updateLimit + 1)
        guard var together = oldest.popFirst() else { return }
        together.manager = Self.oldManager
        for entry in oldest { together.fields = together.fields.union(entry.fields) }
        let gone = updates.sorted { $0.time < $1.time }.prefix(updates.count - Self.updateLimit + 1)
        self.entries.removeAll { gone.contains($0) }
        self.entries.append(together)
    }
}
