// SPDX-License-Identifier: Apache-2.0

import ControlPlane
import ObjectModel
import Testing

@Suite struct ResourceCollectorOwnerTests {
    private func collect(
        _ objects: [KubeObject],
        _ change: (inout CollectionOptions) -> Void = { _ in }
    ) -> CollectedResources {
        var options = CollectionOptions(namespaces: ["shop", "blog"])
        change(&options)
        return ResourceCollector(options, custom: .none).collect(objects)
    }

    private func reasons(_ collected: CollectedResources) -> [String: LeftOutReason] {
        Dictionary(collected.leftOut.map { ($0.object.label, $0.reason) }) { first, _ in first }
    }

    @Test func whatAnOwnerMakesAgainStaysWithWhatThatMakes() throws {
        let deployment = try Sample.object("Deployment", "shop/web")
        let set = Sample.owned(
            try Sample.object("ReplicaSet", "shop/web-1"),
            by: "Deployment",
            "shop/web"
        )
        let deep = Sample.owned(
            try Sample.object("ConfigMap", "shop/deep"),
            by: "ReplicaSet",
            "shop/web-1"
        )
        let collected = self.collect([deep, set, deployment])
        #expect(collected.moved == [deployment])
        #expect(
            self.reasons(collected) == [
                "ReplicaSet shop/web-1": .ownedByDeployment,
                "ConfigMap shop/deep": .ownerIsMoved("ReplicaSet shop/web-1"),
            ]
        )
    }

    @Test func whatAnOwnerThatStaysWouldMakeMoves() throws {
        let secret = Sample.owned(
            try Sample.object("Secret", "shop/keys"),
            by: "Service",
            "shop/api"
        )
        let service = try Sample.object("Service", "shop/api")
        #expect(self.reasons(self.collect([secret, service])).count == 1)
        let collected = self.collect([secret, service]) { $0.excludeResourceTypes = ["Service"] }
        #expect(collected.moved == [secret])
    }

    @Test func aCustomOwnerDoesNotHoldItsChildrenBack() throws {
        let child = Sample.owned(
            try Sample.object("Secret", "shop/keys"),
            by: "Thing",
            "shop/owner"
        )
        let options = CollectionOptions(namespaces: ["shop"])
        let custom = CustomKinds(moved: [GroupKind("example.org", "Thing")])
        let collected = ResourceCollector(options, custom: custom)
            .collect([child, try Sample.object("Thing", "shop/owner")])
        #expect(collected.moved.count == 2 && collected.leftOut.isEmpty)
    }

    @Test(arguments: [false, true])
    func ownersAreIgnoredOnRequestButNotThoseOfReplicaSets(byAnnotation: Bool) throws {
        var secret = Sample.owned(
            try Sample.object("Secret", "shop/keys"),
            by: "Service",
            "shop/api"
        )
        var set = Sample.owned(
            try Sample.object("ReplicaSet", "shop/web-1"),
            by: "Deployment",
            "shop/web"
        )
        if byAnnotation {
            secret.annotations["stork.libopenstorage.org/skip-owner-ref-check"] = "true"
            set.annotations["stork.libopenstorage.org/skip-owner-ref-check"] = "true"
        }
        let service = try Sample.object("Service", "shop/api")
        let collected = self.collect([secret, set, service]) {
            $0.ignoreOwnerReferencesCheck = !byAnnotation
        }
        #expect(collected.moved == [secret, service])
        #expect(self.reasons(collected) == ["ReplicaSet shop/web-1": .ownedByDeployment])
    }

    @Test func whatAPodOwnsStays() throws {
        let lock = Sample.owned(try Sample.object("ConfigMap", "shop/lock"), by: "Pod", "shop/a")
        #expect(self.reasons(self.collect([lock])) == ["ConfigMap shop/lock": .ownedByPod])
    }

    @Test func aClaimMovesWhoeverOwnsIt() throws {
        var objects = try Sample.claim("shop/data")
        objects[0] = Sample.owned(objects[0], by: "StatefulSet", "shop/db")
        objects.append(try Sample.object("StatefulSet", "shop/db"))
        #expect(self.collect(objects).moved.count == 3)
    }

    // MARK: Rights

    private func binding(_ subjects: String, name: String = "app") throws -> KubeObject {
        try Sample.object(
            "ClusterRoleBinding",
            name,
            #"{"roleRef":{"kind":"ClusterRole","name":"app"},"subjects":\#(subjects)}"#
        )
    }

    @Test(arguments: [
        (#"[{"kind":"ServiceAccount","namespace":"shop","name":"app"}]"#, 1),
        (#"[{"kind":"ServiceAccount","namespace":"other","name":"app"}]"#, 0),
        (#"[{"kind":"ServiceAccount","namespace":"shop","name":"default"}]"#, 0),
        (#"[{"kind":"User","name":"system:serviceaccount:blog:app"}]"#, 1),
        (#"[{"kind":"User","name":"system:serviceaccount:blog:default"}]"#, 0),
        (#"[{"kind":"User","name":"jane"}]"#, 0),
        (#"[{"kind":"Group","name":"system:serviceaccounts:blog"}]"#, 1),
        (#"[{"kind":"Group","name":"system:authenticated"}]"#, 0), ("[]", 0), ("null", 0),
        (
            """
            [{"kind":"ServiceAccount","namespace":"shop","name":"app"},{"kind":"Group","name":"ops"},
             {"kind":"ServiceAccount","namespace":"blog","name":"app"}]
            """, 2
        ),
    ])
    func bindingsMoveWithTheSubjectsOfTheirNamespaces(subjects: String, kept: Int) throws {
        let role = try Sample.object("ClusterRole", "app")
        let collected = self.collect([role, try self.binding(subjects)])
        if kept == 0 {
            #expect(
                self.reasons(collected) == [
                    "ClusterRoleBinding app": .subjectsElsewhere, "ClusterRole app": .notReferenced,
                ]
            )
        } else {
            #expect(collected.leftOut.isEmpty)
            let moved = collected.moved(.clusterRoleBinding)
            #expect(moved.first?["subjects"]?.array?.count == kept)
        }
    }

    @Test func aRoleOfTheClusterMovesWithABindingOfTheNamespace() throws {
        let role = try Sample.object("ClusterRole", "app")
        let binding = try Sample.object(
            "RoleBinding",
            "shop/app",
            #"{"roleRef":{"kind":"ClusterRole","name":"app"},"subjects":[{"kind":"User","name":"x"}]}"#
        )
        #expect(self.collect([role, binding]).moved == [role, binding])
        var builtIn = role
        builtIn.labels["kubernetes.io/bootstrapping"] = "rbac-defaults"
        #expect(
            self.reasons(self.collect([builtIn, binding])) == ["ClusterRole app": .madeByTheCluster]
        )
    }

    @Test(arguments: [
        ("Deployment", #"{"spec":{"template":{"spec":{"priorityClassName":"high"}}}}"#),
        ("DaemonSet", #"{"spec":{"template":{"spec":{"priorityClassName":"high"}}}}"#),
        (
            "CronJob",
            #"{"spec":{"jobTemplate":{"spec":{"template":{"spec":{"priorityClassName":"high"}}}}}}"#
        ),
    ])
    func aPriorityMovesWithWhatNamesIt(kind: String, text: String) throws {
        let priority = try Sample.object("PriorityClass", "high")
        let workload = try Sample.object(kind, "shop/web", text)
        #expect(self.collect([priority, workload]).leftOut.isEmpty)
        let lonely = self.collect([priority, workload]) { $0.excludeResourceTypes = [kind] }
        #expect(self.reasons(lonely)["PriorityClass high"] == .notReferenced)
    }

    @Test func webHooksMoveWhenTheNamespaceServesThem() throws {
        let hook = try Sample.object(
            "ValidatingWebhookConfiguration",
            "hook",
            #"{"webhooks":[{},{"clientConfig":{"service":{"namespace":"shop","name":"api"}}}]}"#
        )
        #expect(self.collect([hook]).moved == [hook])
    }
}
