// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel
import Testing

@testable import ControlPlane

@Suite struct ApplyPlanTests {
    private let plan = ObjectPlan(namespaces: ["shop"])
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func prepared(_ object: KubeObject) throws -> PreparedResource {
        try ResourcePreparationTests.prepare(object)
    }

    /// As the destination has it after it was applied.
    private func stored(_ prepared: PreparedResource, uid: String = "u-1") -> KubeObject {
        var object = prepared.object
        object.set(.string(uid), at: "metadata", "uid")
        object.set("7", at: "metadata", "resourceVersion")
        return object
    }

    private func step(
        _ prepared: PreparedResource,
        _ existing: KubeObject?,
        _ memory: ApplyMemory = ApplyMemory()
    ) -> ApplyStep {
        self.plan.step(for: prepared, existing: existing, memory, now: self.now)
    }

    @Test func anObjectIsMadeKeptChangedOrMadeAgain() throws {
        let former = try self.prepared(Sample.object("ConfigMap", "shop/a", #"{"data":{"a":"1"}}"#))
        let wanted = try self.prepared(Sample.object("ConfigMap", "shop/a", #"{"data":{"a":"2"}}"#))
        let existing = self.stored(former)
        #expect(self.step(wanted, nil) == .apply(wanted.object))
        #expect(self.step(former, existing) == .done)
        #expect(self.step(wanted, existing) == .apply(wanted.object))
        #expect(
            self.step(wanted, existing, ApplyMemory(mustBeMadeAgain: true)) == .delete(uid: "u-1")
        )
        #expect(self.step(wanted, existing, ApplyMemory(isApplied: true)) == .done)
        guard
            case .write(let whole) = self.step(wanted, existing, ApplyMemory(isWrittenWhole: true))
        else { return #expect(Bool(false), "an object that cannot be applied is written whole") }
        #expect(whole.resourceVersion == "7" && whole["data"] == ["a": "2"])
        // What looks equal but was not made by a migration is not trusted.
        var foreign = existing
        foreign.annotations["stork.libopenstorage.org/migrated"] = nil
        #expect(self.step(former, foreign) == .apply(former.object))
    }

    @Test(arguments: ["Namespace", "StorageClass", "CustomResourceDefinition"])
    func whatBelongsToTheDestinationIsLeftAlone(kind: String) throws {
        let wanted = PreparedResource(object: try Sample.object(kind, "a", #"{"x":1}"#))
        #expect(self.step(wanted, try Sample.object(kind, "a")) == .done)
        #expect(self.step(wanted, nil) == .apply(wanted.object))
    }

    @Test func anAccountIsMergedAndNeverReplaced() throws {
        let wanted = try self.prepared(
            Sample.object(
                "ServiceAccount",
                "shop/app",
                #"{"imagePullSecrets":[{"name":"a"},{"name":"b"}],"automountServiceAccountToken":false}"#
            )
        )
        let existing = try Sample.object(
            "ServiceAccount",
            "shop/app",
            #"{"imagePullSecrets":[{"name":"b"},{"name":"c"}],"secrets":[{"name":"token"}]}"#
        )
        guard case .patch(let patch) = self.step(wanted, existing) else {
            return #expect(Bool(false), "an account is patched")
        }
        #expect(patch["imagePullSecrets"] == [["name": "b"], ["name": "c"], ["name": "a"]])
        #expect(patch["automountServiceAccountToken"] == false && patch["secrets"] == nil)
        let merged = KubeObject(existing.json.merged(with: patch))
        #expect(self.step(wanted, merged) == .done)
    }

    @Test func aSharedBindingKeepsTheSubjectsOfOthers() throws {
        func binding(_ subjects: JSON) throws -> KubeObject {
            var object = try Sample.object("ClusterRoleBinding", "app")
            object.set(subjects, at: "subjects")
            return object
        }
        func account(_ namespace: String, _ name: String) -> JSON {
            [
                "kind": "ServiceAccount", "namespace": .string(namespace), "name": .string(name),
            ]
        }
        let wanted = try self.prepared(binding([account("shop", "new")]))
        let jane: JSON = ["kind": "User", "name": "jane"]
        let existing = try binding([account("blog", "a"), account("shop", "old"), jane])
        guard case .apply(let joined) = self.step(wanted, existing) else {
            return #expect(Bool(false), "a binding that differs is applied")
        }
        let subjects = joined["subjects"]?.array ?? []
        #expect(subjects.count == 3 && subjects.contains(jane))
        #expect(
            subjects.contains(account("blog", "a")) && subjects.contains(account("shop", "new"))
        )
        // The other namespace, migrated by itself, comes to the same binding.
        #expect(self.step(wanted, joined) == .done)
        let other = ObjectPlan(namespaces: ["blog"])
        let blog = try self.prepared(binding([account("blog", "a")]))
        #expect(other.step(for: blog, existing: joined, ApplyMemory(), now: self.now) == .done)
    }

    @Test(arguments: [
        ("2027-01-15T07:58:01Z", true, false), ("2027-01-15T07:57:59Z", true, true),
        ("2027-01-15T07:57:59Z", false, false), ("yesterday", true, false),
    ])
    func aDeletionThatHangsIsWaitedForAndThenHelped(
        since: String,
        isOurs: Bool,
        isHelped: Bool
    ) throws {
        let wanted = try self.prepared(Sample.object("ConfigMap", "shop/a"))
        var existing = isOurs ? self.stored(wanted) : try Sample.object("ConfigMap", "shop/a")
        existing.set(.string(since), at: "metadata", "deletionTimestamp")
        existing.finalizers = ["example.org/a", "example.org/b"]
        switch self.step(wanted, existing) {
        case .wait(let reason):
            #expect(!isHelped)
            #expect(reason.contains("finalizers: example.org/a, example.org/b"))
        case .patch(let patch):
            #expect(isHelped)
            #expect(patch.compact == #"{"metadata":{"finalizers":null,"uid":"u-1"}}"#)
        case let other: #expect(Bool(false), "\(other)")
        }
    }
}
