// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension StoreTransaction {
    /// Sets what depends on other objects: addresses of services, the status of definitions.
    func arrange(_ object: inout KubeObject, _ kind: ServedKind, former: KubeObject?) throws {
        switch kind.storage {
        case ServiceAllocator.resource: try self.allocate(&object, kind, former: former)
        case BuiltInKinds.definition.storage: self.judge(&object, former: former)
        default: break
        }
    }

    /// Serves what an applied definition defines, from now on.
    func follow(_ object: KubeObject, _ kind: ServedKind) throws {
        guard kind.storage == BuiltInKinds.definition.storage else { return }
        self.kinds.remove(storage: object.name)
        guard Definitions.isEstablished(object) else { return }
        for served in try Definitions.kinds(of: object) { self.kinds.add(served) }
    }

    /// A kind without a definition is no longer served.
    func followRemoval(of object: KubeObject, _ kind: ServedKind) throws {
        guard kind.storage == BuiltInKinds.definition.storage else { return }
        self.kinds.remove(storage: object.name)
    }

    /// Says in the status whether the names of a definition are free and its kinds are served.
    private func judge(_ object: inout KubeObject, former: KubeObject?) {
        let names = object["spec", "names"] ?? [:]
        let group = object["spec", "group"]?.string ?? ""
        let rival = self.kinds.all.first { kind in
            kind.resource.groupVersion.group == group && kind.storage != object.name
                && kind.resource.kind == names["kind"]?.string
        }
        let isAccepted = rival == nil
        let conditions = former?["status", "conditions"]?.array ?? []
        object.set(
            .array([
                self.condition(
                    "NamesAccepted",
                    isAccepted,
                    isAccepted ? "NoConflicts" : "KindConflict",
                    rival.map { "the kind is in use by \($0.storage)" } ?? "no conflicts found",
                    conditions
                ),
                self.condition(
                    "Established",
                    isAccepted,
                    isAccepted ? "InitialNamesAccepted" : "NotAccepted",
                    isAccepted
                        ? "the initial names have been accepted" : "not all names are accepted",
                    conditions
                ),
            ]),
            at: "status",
            "conditions"
        )
        if isAccepted { object.set(names, at: "status", "acceptedNames") }
        let versions = object["spec", "versions"]?.array ?? []
        var stored = former?["status", "storedVersions"]?.array ?? []
        for version in versions where version["storage"] == true {
            if let name = version["name"], !stored.contains(name) { stored.append(name) }
        }
        object.set(.array(stored), at: "status", "storedVersions")
    }

    private func condition(
        _ type: String,
        _ isTrue: Bool,
        _ reason: String,
        _ message: String,
        _ former: [JSON]
    ) -> JSON {
        let status: JSON = isTrue ? "True" : "False"
        let before = former.first { $0["type"]?.string == type && $0["status"] == status }
        return [
            "type": .string(type), "status": status, "reason": .string(reason),
            "message": .string(message),
            "lastTransitionTime": before?["lastTransitionTime"]
                ?? .string(self.environment.timestamp),
        ]
    }

    /// Stores the definitions that come with the program, where they are missing or differ.
    func ensure(_ definitions: [KubeObject]) throws {
        let kind = BuiltInKinds.definition
        var options = WriteOptions()
        options.fieldManager = "godwit"
        for definition in definitions {
            guard let live = try self.object(kind.storage, definition.key) else {
                _ = try self.create(kind, definition, namespace: nil, options)
                continue
            }
            var wanted = live
            wanted.set(definition["spec"], at: "spec")
            _ = try self.replace(kind, live, by: wanted, part: nil, options)
        }
    }
}
