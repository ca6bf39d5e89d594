// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import ObjectModel

extension ResourceApplier {
    /// Brings one object to the destination.
    ///
    /// What a list has shown of it is `known`, nil where it has to be read; `owned` are claims that
    /// would go with an owner that is made again.
    func bring(
        _ prepared: PreparedResource,
        _ known: Known?,
        _ plan: ObjectPlan,
        _ kinds: ServedKinds,
        _ owned: [PreparedResource]
    ) async throws(ClusterError) -> ObjectEnd {
        do {
            return try await self.bringSteps(prepared, known, plan, kinds, owned)
        } catch {
            // What may not even be read cannot be brought; the others can.
            if ServerRefusal(error) == .interruption { throw error }
            let resource = kinds.translated(prepared.object)?.0
            let reason = error.description + (resource.map { Self.advice(error, $0) } ?? "")
            return error.reason == .notFound ? .unserved(reason) : .failure(reason)
        }
    }

    private func bringSteps(
        _ prepared: PreparedResource,
        _ known: Known?,
        _ plan: ObjectPlan,
        _ kinds: ServedKinds,
        _ owned: [PreparedResource]
    ) async throws(ClusterError) -> ObjectEnd {
        guard let (resource, object) = kinds.translated(prepared.object) else {
            return .unserved(Self.missing(prepared.object, kinds))
        }
        let cluster = self.cluster(resource)
        var wanted = prepared
        wanted.object = object
        var memory = ApplyMemory()
        memory.isWrittenWhole = MovedKind(object.groupVersionKind) == nil && object.json.holdsNull
        var note = ""
        var pauses = 0
        var existing: KubeObject?
        switch known {
        case .some(let known): existing = known.object
        case nil: existing = try await cluster.find(resource, object.key)
        }
        for _ in 0..<self.limits.steps {
            do {
                switch plan.step(for: wanted, existing: existing, memory, now: environment.now()) {
                case .done: return .success(existing, note: note)
                case .refuse(let reason): return .failure(reason)
                case .wait(let reason):
                    if pauses == self.limits.pauses { return .waiting(reason) }
                    pauses += 1
                    try await self.wait()
                    existing = try await cluster.find(resource, object.key)
                case .apply(let object):
                    existing = try await cluster.apply(resource, object)
                    memory.isApplied = true
                    try await self.applyStatus(wanted, resource)
                case .write(let object):
                    existing = try await cluster.write(resource, object)
                    memory.isApplied = true
                    try await self.applyStatus(wanted, resource)
                case .patch(let patch):
                    _ = try await cluster.change(resource, object.key, patch, isStatus: false)
                    existing = try await cluster.find(resource, object.key)
                    if existing?.isBeingDeleted == false { memory.isApplied = true }
                case .delete(let uid):
                    try await self.release(owned, of: uid, kinds)
                    try await cluster.remove(resource, object.key, uid: uid)
                    existing = try await cluster.find(resource, object.key)
                }
            } catch {
                guard
                    let refusal = try self.answer(to: error, resource, &wanted, &memory, &note)
                else {
                    existing = try await cluster.find(resource, object.key)
                    continue
                }
                // Where the object was to be made nothing else can be missing: its namespace is there.
                return error.reason == .notFound ? .unserved(refusal) : .failure(refusal)
            }
        }
        return .waiting("\(object.kind) \(object.key) is changed by somebody else all the time")
    }

    /// What a refused step means for the next one.
    ///
    /// - Returns: why the object cannot be brought; nil where another step may do it.
    /// - Throws: the error, where it says nothing about the object.
    private func answer(
        to error: ClusterError,
        _ resource: APIResource,
        _ wanted: inout PreparedResource,
        _ memory: inout ApplyMemory,
        _ note: inout String
    ) throws(ClusterError) -> String? {
        switch ServerRefusal(error) {
        case .interruption: throw error
        case .changed: return nil
        case .notAppliable where !memory.isWrittenWhole:
            memory.isWrittenWhole = true
            return nil
        case .immutable where !memory.mustBeMadeAgain:
            memory.mustBeMadeAgain = true
            return nil
        case .nodePortsTaken(let taken):
            guard let (freed, ports) = wanted.object.withoutNodePorts(taken) else {
                return error.description
            }
            wanted.object = freed
            let numbers = ports.map(String.init).joined(separator: ", ")
            note += "; node port \(numbers) is taken at the destination, which chose another one"
            return nil
        case .notAppliable, .immutable, .final:
            return error.description + Self.advice(error, resource)
        }
    }

    /// What to do about an error, where the server does not say it.
    static func advice(_ error: ClusterError, _ resource: APIResource) -> String {
        guard error.reason == .forbidden else { return "" }
        return " (the credentials of the cluster pair need get, list, create, patch and delete on "
            + "\(resource.qualifiedPlural))"
    }

    private static func missing(_ object: KubeObject, _ kinds: ServedKinds) -> String {
        let versions = kinds.versions(GroupKind(object.groupVersionKind))
        guard !versions.isEmpty else {
            return "the destination does not know the kind \(object.kind) (\(object.apiVersion)): "
                + "install its CustomResourceDefinition there, or the operator that brings it"
        }
        return "the destination serves \(object.kind) in \(versions.joined(separator: ", ")) only, "
            + "and the object is of \(object.apiVersion)"
    }

    /// A status that moves is written after its object: servers keep it apart.
    private func applyStatus(
        _ prepared: PreparedResource,
        _ resource: APIResource
    ) async throws(ClusterError) {
        guard let status = prepared.status else { return }
        let patch: JSON = ["status": status]
        try await self.writeStatus(resource, prepared.object.key, patch)
    }

    /// Writes a status where it is kept apart, and in the object where it is not.
    func writeStatus(
        _ resource: APIResource,
        _ key: ObjectKey,
        _ patch: JSON
    ) async throws(ClusterError) {
        let cluster = self.cluster(resource)
        do { _ = try await cluster.change(resource, key, patch, isStatus: true) } catch {
            guard error.reason == .notFound || error.reason == .methodNotAllowed else {
                throw error
            }
            _ = try await cluster.change(resource, key, patch, isStatus: false)
        }
    }
}

// MARK: Reading what is there

extension JSON {
    /// Whether there is a null anywhere: server-side apply takes it for nothing.
    var holdsNull: Bool {
        switch self {
        case .null: true
        case .bool, .number, .string: false
        case .array(let elements): elements.contains(where: \.holdsNull)
        case .object(let fields): fields.values.contains(where: \.holdsNull)
        }
    }
}

/// What a list has shown of an object, perhaps that it is not there.
struct Known: Sendable {
    let object: KubeObject?
}

extension ResourceApplier {
    /// Lists the kinds of which there are many, so that they are not read one by one.
    func known(
        _ resources: [PreparedResource],
        _ kinds: ServedKinds
    ) async throws(ClusterError) -> [ResourceName: Known] {
        struct Place: Hashable {
            let resource: APIResource
            let namespace: String
        }
        var places: [Place: [KubeObject]] = [:]
        for prepared in resources {
            guard let (resource, object) = kinds.translated(prepared.object) else { continue }
            places[Place(resource: resource, namespace: object.namespace), default: []]
                .append(object)
        }
        var known: [ResourceName: Known] = [:]
        for (place, objects) in places where objects.count >= self.limits.listFrom {
            let namespace = place.resource.isNamespaced ? place.namespace : nil
            let listed: [KubeObject]
            do {
                listed = try await self.cluster(place.resource)
                    .listed(place.resource, namespace: namespace)
            } catch {
                // Who may not list may read one by one.
                if ServerRefusal(error) == .interruption { throw error }
                continue
            }
            for object in objects { known[ResourceName(object)] = Known(object: nil) }
            for object in listed where known[ResourceName(object)] != nil {
                known[ResourceName(object)] = Known(object: object)
            }
        }
        return known
    }

    /// Does something for each element, a bounded number of them at a time; results in order.
    func sideBySide<Element: Sendable, End: Sendable>(
        _ elements: [Element],
        _ work: @escaping @Sendable (Element) async throws(ClusterError) -> End
    ) async throws(ClusterError) -> [End] {
        var ends: [Int: End] = [:]
        do {
            try await withThrowingTaskGroup(of: (Int, End).self) { group in
                for (index, element) in elements.enumerated() {
                    if index >= self.limits.concurrency, let (done, end) = try await group.next() {
                        ends[done] = end
                    }
                    group.addTask { (index, try await work(element)) }
                }
                for try await (done, end) in group { ends[done] = end }
            }
        } catch let error as ClusterError { throw error } catch {
            throw ClusterError(.cancelled, "the pass was cancelled")
        }
        return elements.indices.compactMap { ends[$0] }
    }
}
