// SPDX-License-Identifier: Apache-2.0

internal import Foundation
import Kinds
import ObjectModel

/// What is done next so that the destination has an object.
enum ApplyStep: Hashable, Sendable {
    /// By server-side apply: fields of other writers stay.
    case apply(KubeObject)
    /// Created, or replaced as it was read: where the server cannot apply it.
    case write(KubeObject)
    /// By a merge patch.
    case patch(JSON)
    /// Only this one, not another of the name.
    case delete(uid: String)
    /// Nothing can be done until something else has happened.
    case wait(String)
    /// It cannot be done.
    case refuse(String)
    case done
}

/// What this pass has learned about an object from the answers of the server.
struct ApplyMemory: Hashable, Sendable {
    var isApplied = false
    /// The server does not let what differs be changed.
    var mustBeMadeAgain = false
    /// The server cannot apply it: its lists have two entries of one key.
    var isWrittenWhole = false
}

/// Decides the next step for one object: pure, and always from what the destination has now.
///
/// Whoever is killed between two steps finds in the destination what the next one needs.
struct ObjectPlan: Sendable {
    /// The namespaces that are migrated, whose subjects a shared binding gets from us only.
    let namespaces: Set<String>

    /// How long a deletion may hang on finalizers before those are taken away, in seconds.
    static let finalizerPatience: TimeInterval = 120

    func step(
        for prepared: PreparedResource,
        existing: KubeObject?,
        _ memory: ApplyMemory,
        now: Date
    ) -> ApplyStep {
        if memory.isApplied { return .done }
        guard let existing else { return self.write(prepared.object, over: nil, memory) }
        if existing.isBeingDeleted { return self.wait(for: existing, now: now) }
        let kind = GroupKind(existing.groupVersionKind)
        // What belongs to the destination is made where it is missing, and never changed.
        if kind == SupportKind.namespace || kind == SupportKind.storageClass { return .done }
        if kind == SupportKind.definition, !existing.isMigrated { return .done }
        let wanted = self.joined(prepared, with: existing)
        if existing.isMigrated,
            wanted.hash == existing.noted(.resourceHash)
        {
            return .done
        }
        if MovedKind(existing.groupVersionKind) == .serviceAccount {
            let merged = Self.mergedAccount(wanted.object, into: existing)
            return existing.json.mergePatch(to: merged.json).map(ApplyStep.patch) ?? .done
        }
        if memory.mustBeMadeAgain { return self.makeAgain(existing, kind) }
        return self.write(wanted.object, over: existing, memory)
    }

    private func write(
        _ object: KubeObject,
        over existing: KubeObject?,
        _ memory: ApplyMemory
    ) -> ApplyStep {
        guard memory.isWrittenWhole else { return .apply(object) }
        guard let existing else { return .write(object) }
        var whole = object
        var metadata = existing["metadata"]?.object ?? [:]
        for (key, value) in object["metadata"]?.object ?? [:] { metadata[key] = value }
        whole.set(.object(metadata), at: "metadata")
        return .write(whole)
    }

    private func makeAgain(_ existing: KubeObject, _ kind: GroupKind) -> ApplyStep {
        if kind == SupportKind.definition {
            return .refuse("the destination has another definition of this kind")
        }
        return .delete(uid: existing.uid)
    }

    private func wait(for existing: KubeObject, now: Date) -> ApplyStep {
        let kind = GroupKind(existing.groupVersionKind)
        let since = existing.deletionTimestamp.flatMap {
            try? Date.ISO8601FormatStyle().parse($0)
        }
        let isStuck = since.map { now.timeIntervalSince($0) > Self.finalizerPatience } ?? false
        // Only of what a migration made: the finalizers of others are theirs.
        if isStuck, existing.isMigrated, kind != SupportKind.namespace {
            return .patch(["metadata": ["uid": .string(existing.uid), "finalizers": .null]])
        }
        let holders = existing.finalizers.joined(separator: ", ")
        return .wait(
            "the former \(existing.kind) \(existing.key) is still being deleted at the destination"
                + (holders.isEmpty ? "" : " (finalizers: \(holders))")
        )
    }
}

// MARK: Objects that several migrations share

extension ObjectPlan {
    /// A binding of the whole cluster keeps the subjects that are not ours to decide about.
    ///
    /// Two namespaces may be migrated one by one and share it.
    private func joined(
        _ prepared: PreparedResource,
        with existing: KubeObject
    ) -> PreparedResource {
        guard MovedKind(prepared.object.groupVersionKind) == .clusterRoleBinding else {
            return prepared
        }
        let ours = prepared.object["subjects"]?.array ?? []
        let others = (existing["subjects"]?.array ?? [])
            .filter { subject in
                let namespace = RoleSubject.namespace(of: subject)
                return !(namespace.map(self.namespaces.contains) ?? false)
                    && !ours.contains(subject)
            }
        var joined = prepared
        let subjects = (ours + others).sorted { $0.compact < $1.compact }
        joined.object.set(.array(subjects), at: "subjects")
        joined.stampHash()
        return joined
    }

    /// The account of the destination with what the source's has beside it.
    private static func mergedAccount(
        _ account: KubeObject,
        into existing: KubeObject
    )
        -> KubeObject
    {
        var merged = existing
        for field in ["labels", "annotations"] {
            for (key, value) in account["metadata", field]?.object ?? [:] {
                merged.set(value, at: "metadata", field, key)
            }
        }
        for field in ["imagePullSecrets", "secrets"] {
            let own = existing[field]?.array ?? []
            let names = Set(own.map { $0["name"] })
            let added = (account[field]?.array ?? []).filter { !names.contains($0["name"]) }
            if !added.isEmpty { merged.set(.array(own + added), at: field) }
        }
        if let mounts = account["automountServiceAccountToken"] {
            merged.set(mounts, at: "automountServiceAccountToken")
        }
        return merged
    }
}

/// Who a binding gives rights to.
enum RoleSubject {
    /// The namespace of a service account or of all accounts of one; nil for people.
    static func namespace(of subject: JSON) -> String? {
        let name = subject["name"]?.string ?? ""
        let parts = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch subject["kind"]?.string {
        case "ServiceAccount": return subject["namespace"]?.string
        case "User":
            let isAccount = parts.count == 4 && parts[0] == "system" && parts[1] == "serviceaccount"
            return isAccount ? parts[2] : nil
        case "Group":
            let isAll = parts.count == 3 && parts[0] == "system" && parts[1] == "serviceaccounts"
            return isAll ? parts[2] : nil
        default: return nil
        }
    }

    /// Whether it is the account that every namespace has.
    static func isDefault(_ subject: JSON) -> Bool {
        let name = subject["name"]?.string ?? ""
        switch subject["kind"]?.string {
        case "ServiceAccount": return name == "default"
        case "User": return name.hasSuffix(":default")
        default: return false
        }
    }
}
