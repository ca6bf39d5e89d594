// SPDX-License-Identifier: Apache-2.0

import ControlPlane
import ObjectModel
import Testing

@Suite struct ResourceCollectorTests {
    private func reason(
        _ object: KubeObject,
        among others: [KubeObject] = [],
        _ change: (inout CollectionOptions) -> Void = { _ in }
    ) -> LeftOutReason? {
        var options = CollectionOptions(namespaces: ["shop", "default"])
        change(&options)
        let thing = CustomKinds(moved: [GroupKind("example.org", "Thing")])
        let collected = ResourceCollector(options, custom: thing).collect([object] + others)
        let total = collected.moved.count + collected.leftOut.count
        #expect(total == others.count + 1, "each object is either moved or left out")
        let isMoved = collected.moved.contains { $0.uid == object.uid }
        let reason = collected.leftOut.first { $0.object.uid == object.uid }?.reason
        #expect(isMoved == (reason == nil))
        return reason
    }

    @Test(arguments: [
        "ConfigMap", "Secret", "Service", "Deployment", "StatefulSet", "ReplicaSet", "DaemonSet",
        "CronJob", "Role", "RoleBinding", "Ingress", "NetworkPolicy", "PodDisruptionBudget",
        "ResourceQuota", "LimitRange", "Endpoints", "Thing",
    ])
    func theKindsOfAnApplicationMove(kind: String) throws {
        #expect(self.reason(try Sample.object(kind, "shop/web")) == nil)
        #expect(self.reason(try Sample.object(kind, "blog/web")) == .namespaceNotMigrated)
        let excluded = self.reason(try Sample.object(kind, "shop/web")) {
            $0.excludeResourceTypes = ["unknown", kind.uppercased()]
        }
        #expect(excluded == .kindExcluded)
        let volumesOnly = self.reason(try Sample.object(kind, "shop/web")) {
            $0.volumesOnly = true
        }
        #expect(volumesOnly == .volumesOnly)
    }

    @Test(arguments: ["Pod", "Event", "Lease", "Migration", "Node", "EndpointSlice", "Kafka"])
    func whatEachClusterMakesForItselfDoesNotMove(kind: String) throws {
        #expect(self.reason(try Sample.object(kind, "shop/web")) == .kindNotMoved)
    }

    @Test func theClustersOwnNamespaceNeverMoves() throws {
        let reason = self.reason(try Sample.object("ConfigMap", "kube-system/coredns")) {
            $0.namespaces = ["kube-system"]
        }
        #expect(reason == .clusterNamespace)
    }

    @Test(arguments: [
        ("Service", "default/kubernetes", LeftOutReason.madeByTheCluster),
        ("Service", "shop/kubernetes", nil),
        ("Endpoints", "default/kubernetes", .madeByTheCluster),
        ("Secret", "shop/default-token-x7k2p", .serviceAccountToken),
        ("Secret", "shop/builder-dockercfg-1", .serviceAccountToken),
        ("Secret", "shop/deployer-token-1", .serviceAccountToken),
        ("Secret", "shop/default-tokens", nil),
        ("ConfigMap", "shop/kube-root-ca.crt", .madeByTheCluster),
        ("ConfigMap", "shop/openshift-service-ca.crt", .madeByTheCluster),
        ("ResourceQuota", "shop/gke-resource-quotas", .madeByTheCluster),
        ("Role", "shop/system:reader", .madeByTheCluster),
        ("RoleBinding", "shop/system:image-pullers", .madeByTheCluster),
        ("RoleBinding", "shop/system:openshift:scc:anyuid", nil),
        ("PriorityClass", "system-node-critical", .madeByTheCluster),
        ("PriorityClass", "high", .notReferenced),
        ("ClusterRole", "system:node", .madeByTheCluster), ("ClusterRole", "app", .notReferenced),
        ("ValidatingWebhookConfiguration", "hook", .notReferenced),
        ("ServiceAccount", "shop/app", .serviceAccount),
        ("Job", "shop/import", .kindOnRequest),
    ])
    func someNamesBelongToTheCluster(kind: String, name: String, expected: LeftOutReason?) throws {
        #expect(self.reason(try Sample.object(kind, name)) == expected)
    }

    @Test(arguments: ["Job", "job", "JOBS", "jobs"])
    func jobsMoveOnRequest(word: String) throws {
        let reason = self.reason(try Sample.object("Job", "shop/import")) {
            $0.includeOptionalResourceTypes = [word]
        }
        #expect(reason == nil)
    }

    @Test(arguments: ["NetworkPolicies", "networkpolicy", "NETWORKPOLICYS"])
    func kindsAreExcludedAsPeopleWriteThem(word: String) throws {
        let reason = self.reason(try Sample.object("NetworkPolicy", "shop/deny")) {
            $0.excludeResourceTypes = [word]
        }
        #expect(reason == .kindExcluded)
    }

    @Test func serviceAccountsMoveWithTheSwitchOnly() throws {
        let account = try Sample.object("ServiceAccount", "shop/app")
        let generated = try Sample.object(
            "ServiceAccount",
            "shop/default",
            #"{"imagePullSecrets":[{"name":"default-dockercfg-1"}]}"#
        )
        let pulling = try Sample.object(
            "ServiceAccount",
            "shop/default",
            #"{"imagePullSecrets":[{"name":"registry"}]}"#
        )
        #expect(self.reason(pulling) == .serviceAccount)
        func on(_ options: inout CollectionOptions) { options.includeServiceAccounts = true }
        #expect(self.reason(account, on) == nil)
        #expect(self.reason(generated, on) == .madeByTheCluster)
        #expect(self.reason(pulling, on) == nil)
        let token = try Sample.object(
            "Secret",
            "shop/app-token",
            #"{"type":"kubernetes.io/service-account-token"}"#
        )
        #expect(self.reason(token, on) == .serviceAccountToken)
    }

    private func reason(
        _ object: KubeObject,
        _ change: (inout CollectionOptions) -> Void
    ) -> LeftOutReason? {
        self.reason(object, among: [], change)
    }

    @Test(arguments: [
        (["app": "shop"], [:], LeftOutReason?.none),
        (["app": "shop", "tier": "db"], [:], nil),
        (["app": "shop", "tier": "web"], [:], .selectorsDoNotMatch),
        (["other": ""], [:], .selectorsDoNotMatch),
        ([:], ["tier": "db"], .excludeSelectorMatches),
        ([:], ["tier": "web", "app": "shop"], .excludeSelectorMatches),
        ([:], ["tier": "web"], nil), (["app": "shop"], ["tier": "db"], .excludeSelectorMatches),
    ])
    func labelsDecide(
        selectors: [String: String],
        excluded: [String: String],
        expected: LeftOutReason?
    ) throws {
        var object = try Sample.object("ConfigMap", "shop/settings")
        object.labels = ["app": "shop", "tier": "db"]
        let reason = self.reason(object) {
            $0.selectors = selectors
            $0.excludeSelectors = excluded
        }
        #expect(reason == expected)
    }

    @Test(arguments: [
        ("skip-resource", "true", LeftOutReason.markedToSkip),
        ("skipresource", "true", .markedToSkip), ("skip-resource", "false", nil),
        ("skip-resource", "", nil),
    ])
    func anObjectMaySayThatItStays(
        word: String,
        value: String,
        expected: LeftOutReason?
    ) throws {
        var object = try Sample.object("ConfigMap", "shop/settings")
        object.annotations["stork.libopenstorage.org/\(word)"] = value
        #expect(self.reason(object) == expected)
    }

    @Test func anObjectThatIsBeingDeletedStays() throws {
        var object = try Sample.object("ConfigMap", "shop/settings")
        object.set("2026-11-20T10:00:00Z", at: "metadata", "deletionTimestamp")
        #expect(self.reason(object) == .beingDeleted)
    }

    @Test func anObjectOfTwoVersionsMovesOnce() throws {
        let first = try Sample.object("Ingress", "shop/web")
        var second = first
        second.set("extensions/v1beta1", at: "apiVersion")
        let collected = ResourceCollector(CollectionOptions(namespaces: ["shop"]))
            .collect([first, second])
        #expect(collected.moved == [first])
        #expect(collected.leftOut == [.init(second, .seenBefore)])
    }

    @Test(arguments: [
        (#"{"spec":{"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.0/8"}}]}]}}"#, true),
        (#"{"spec":{"egress":[{},{"to":[{"podSelector":{}},{"ipBlock":{}}]}]}}"#, true),
        (#"{"spec":{"egress":[{"to":[{"podSelector":{}}]}]}}"#, false),
        (#"{"spec":{"egress":[{}],"ingress":[]}}"#, false),
    ])
    func policiesWithAddressRangesMoveOnRequest(text: String, hasRange: Bool) throws {
        let policy = try Sample.object("NetworkPolicy", "shop/deny", text)
        #expect(self.reason(policy) == (hasRange ? .namesAddressRange : nil))
        #expect(self.reason(policy) { $0.includeNetworkPolicyWithCIDR = true } == nil)
    }

    @Test(arguments: [
        (#"{"subsets":[{"addresses":[{"ip":"192.0.2.1"}]}]}"#, LeftOutReason?.none),
        (
            #"{"subsets":[{"addresses":[{"ip":"192.0.2.1","targetRef":{"kind":"Pod"}}]}]}"#,
            .generatedEndpoints
        ),
        (
            #"{"subsets":[{"notReadyAddresses":[{"ip":"192.0.2.1","targetRef":{}}]}]}"#,
            .generatedEndpoints
        ),
        (#"{"metadata":{"annotations":{"a":"b"}}}"#, .generatedEndpoints),
        (
            #"{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}"}}}"#,
            nil
        ),
        (
            #"{"metadata":{"labels":{"service.kubernetes.io/headless":""}}}"#, .generatedEndpoints
        ),
        (
            #"{"metadata":{"annotations":{"stork.libopenstorage.org/include-resource":"true"}}}"#,
            nil
        ),
    ])
    func endpointsMoveWhenAPersonMadeThem(text: String, expected: LeftOutReason?) throws {
        #expect(self.reason(try Sample.object("Endpoints", "shop/db", text)) == expected)
    }

    @Test func endpointsOfAServiceThatSelectsPodsAreMadeAgain() throws {
        let endpoints = try Sample.object("Endpoints", "shop/db")
        let selecting = try Sample.object("Service", "shop/db", #"{"spec":{"selector":{"a":"b"}}}"#)
        let other = try Sample.object("Service", "shop/db", #"{"spec":{"selector":{}}}"#)
        #expect(self.reason(endpoints, among: [selecting]) == .generatedEndpoints)
        #expect(self.reason(endpoints, among: [other]) == nil)
    }
}
