// SPDX-License-Identifier: Apache-2.0

import ControlPlane
import Foundation
import KubernetesClient
import Locks
import ObjectModel
import Testing

@Suite struct ResourceMoveTroubleTests {
    private func world() async throws -> MoveWorld {
        let world = try await MoveWorld()
        try await world.source.add(try MoveWorld.application())
        return world
    }

    /// Cuts a pass off at every one of its requests, before or after it is done, and goes on.
    @Test(arguments: [false, true])
    func aPassThatIsCutOffAnywhereConverges(afterwards: Bool) async throws {
        let whole = try await self.world()
        #expect(try await whole.move().isComplete)
        let total = whole.destination.requests().count
        let expected = try await whole.destinationState()
        #expect(total > 20)
        for cut in 0..<total {
            let world = try await self.world()
            let count = Locked(0)
            let error = ClusterError(.connectionLost, "cut off")
            world.destination.fails { _ in
                let index = count.withLock { value in
                    value += 1
                    return value - 1
                }
                guard index >= cut else { return nil }
                return afterwards && index == cut ? .after(error) : .before(error)
            }
            let broken = try await world.move()
            #expect(broken.interruption == error, "request \(cut)")
            world.destination.fails(nil)
            let report = try await world.move()
            #expect(report.isComplete && report.volumeFailure == nil, "request \(cut)")
            #expect(try await world.destinationState() == expected, "request \(cut)")
        }
    }

    // MARK: What may not be changed

    @Test func whatMayNotBeChangedIsMadeAgain() async throws {
        let world = try await self.world()
        try await world.source.add(
            try Sample.object("ConfigMap", "shop/fixed", #"{"data":{"a":"1"},"immutable":true}"#),
            try Sample.object(
                "RoleBinding",
                "shop/app",
                """
                {"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"one"},
                 "subjects":[{"kind":"User","name":"jane","apiGroup":"rbac.authorization.k8s.io"}]}
                """
            )
        )
        #expect(try await world.move().isComplete)
        let former = try await world.destination.object("ConfigMap", "shop/fixed")
        let service = try await world.destination.object("Service", "shop/db")
        for (kind, name) in [("ConfigMap", "shop/fixed"), ("Service", "shop/db")] {
            try await world.source.delete(kind, name)
        }
        try await world.source.add(
            try Sample.object("ConfigMap", "shop/fixed", #"{"data":{"a":"2"},"immutable":true}"#),
            try Sample.object("Service", "shop/db", #"{"spec":{"ports":[{"port":80}]}}"#)
        )
        let report = try await world.move()
        #expect(report.outcomes.allSatisfy { $0.status == .successful })
        let fixed = try await world.destination.object("ConfigMap", "shop/fixed")
        #expect(fixed["data"] == ["a": "2"] && fixed.uid != former.uid)
        let remade = try await world.destination.object("Service", "shop/db")
        #expect(remade["spec", "clusterIP"]?.string != "None" || remade.uid == service.uid)
    }

    @Test func anOwnerThatIsMadeAgainKeepsItsClaimsAndTheirData() async throws {
        let world = try await self.world()
        let set = try await world.source.object("StatefulSet", "shop/db")
        let owner = OwnerReference(to: set).json.compact
        let patch = #"{"metadata":{"ownerReferences":[\#(owner)]}}"#
        try await world.source.edit("PersistentVolumeClaim", "shop/data", patch)
        #expect(try await world.move().isComplete)
        let claim = try await world.destination.object("PersistentVolumeClaim", "shop/data")
        let former = try await world.destination.object("StatefulSet", "shop/db")
        let immutable = ClusterError(
            .invalid,
            "updates to statefulset spec for fields other than 'replicas' are forbidden"
        )
        try await world.source.edit("StatefulSet", "shop/db", #"{"spec":{"replicas":2}}"#)
        let isFirst = Locked(true)
        world.destination.fails { request in
            guard request.verb == "apply", request.kind == "StatefulSet" else { return nil }
            let first = isFirst.withLock { value in
                defer { value = false }
                return value
            }
            return first ? .before(immutable) : nil
        }
        #expect(try await world.move().isComplete)
        let remade = try await world.destination.object("StatefulSet", "shop/db")
        let kept = try await world.destination.object("PersistentVolumeClaim", "shop/data")
        #expect(remade.uid != former.uid && kept.uid == claim.uid)
        #expect(kept.ownerReferences.map(\.uid) == [remade.uid])
        let volume = try await world.destination.object("PersistentVolume", "pvc-1")
        #expect(volume["spec", "persistentVolumeReclaimPolicy"]?.string == "Delete")
    }

    @Test func aClaimWithAnotherVolumeIsMadeAgain() async throws {
        let world = try await self.world()
        #expect(try await world.move().isComplete)
        let former = try await world.destination.object("PersistentVolumeClaim", "shop/data")
        try await world.source.delete("PersistentVolumeClaim", "shop/data")
        try await world.source.delete("PersistentVolume", "pvc-1")
        try await world.source.add(Array(try Sample.claim("shop/data", volume: "pvc-2").reversed()))
        var report = try await world.move()
        if !report.isComplete { report = try await world.move() }
        #expect(report.isComplete && report.volumeFailure == nil, "\(report)")
        let claim = try await world.destination.object("PersistentVolumeClaim", "shop/data")
        #expect(claim.uid != former.uid)
        #expect(claim["spec", "volumeName"]?.string == "pvc-2")
        #expect(claim["status", "phase"]?.string == "Bound")
    }

    // MARK: What is in the way

    @Test func aForeignClaimOfThatNameIsLeftAlone() async throws {
        let world = try await self.world()
        try await world.destination.namespace("shop")
        try await world.destination.add(
            Array(try Sample.claim("shop/data", volume: "other").reversed())
        )
        let report = try await world.move()
        #expect(report.volumeFailure?.contains("that no migration made") == true)
        let claim = try await world.destination.object("PersistentVolumeClaim", "shop/data")
        #expect(claim["spec", "volumeName"]?.string == "other")
        #expect(try await !world.destination.has("Deployment", "shop/web"))
    }

    @Test func aForeignVolumeOfThatNameIsLeftAlone() async throws {
        let world = try await self.world()
        try await world.destination.namespace("shop")
        try await world.destination.add(
            try Sample.claim("shop/data", driver: "ebs.csi.aws.com")[1]
        )
        let report = try await world.move()
        #expect(report.volumeFailure?.contains("of another driver") == true)
        #expect(report.outcomes.filter { $0.status == .failed }.count == 2)
    }

    @Test func aForbiddenWriteSaysWhichRightIsMissing() async throws {
        let world = try await self.world()
        world.destination.fails { request in
            guard request.verb == "apply", request.kind == "Secret" else { return nil }
            return .before(ClusterError(.forbidden, "secrets \"keys\" is forbidden"))
        }
        let report = try await world.move()
        let failed = report.outcomes.filter { $0.status == .failed }
        #expect(failed.map(\.key) == [ObjectKey("shop", "keys")])
        let reason = failed.first?.reason ?? ""
        #expect(reason.hasPrefix("Error applying resource: Error from server (Forbidden)"))
        #expect(reason.contains("need get, list, create, patch and delete on secrets"))
        #expect(report.isComplete)
        world.destination.fails(nil)
        #expect(try await world.move().outcomes.allSatisfy { $0.status == .successful })
    }

    @Test func aNamespaceThatMayNotBeMadeFailsWhatIsInIt() async throws {
        let world = try await self.world()
        world.destination.fails { request in
            request.verb == "apply" && request.kind == "Namespace"
                ? .before(ClusterError(.forbidden, "namespaces is forbidden")) : nil
        }
        let report = try await world.move()
        #expect(report.volumeFailure?.contains("namespaces is forbidden") == true)
        #expect(report.volumeFailure?.contains("on namespaces") == true)
    }

    @Test func aMissingKindSaysWhatToInstall() async throws {
        let world = try await MoveWorld(thingsAtDestination: false)
        try await world.source.add(try ResourceMoveTests.definition())
        try await world.source.add(try Sample.object("Thing", "shop/a", #"{"spec":{}}"#))
        world.destination.fails { request in
            request.kind == "CustomResourceDefinition"
                ? .before(ClusterError(.forbidden, "no definitions")) : nil
        }
        let refused = try await world.move()
        #expect(refused.outcomes.map(\.status) == [.failed])
        #expect(refused.outcomes.first?.reason.contains("no definitions") == true)
        var (work, _) = try await world.work()
        work.support = []
        world.destination.fails(nil)
        let missing = await world.applier.apply(work)
        #expect(
            missing.outcomes.first?.reason.contains("install its CustomResourceDefinition") == true
        )
    }

    /// What a client knows of a server may be a minute old.
    @Test func aKindThatIsNewSinceWeAskedIsFound() async throws {
        let world = try await MoveWorld(thingsAtDestination: false)
        _ = try await world.source.served(isNew: false)
        _ = try await world.destination.served(isNew: false)
        for cluster in [world.source, world.destination] {
            try await cluster.add(try ResourceMoveTests.definition(of: "Gadget"))
        }
        try await world.source.add(try Sample.object("Gadget", "shop/a", #"{"spec":{}}"#))
        var (work, _) = try await world.work()
        // Its definition need not travel: it is there already.
        work.support = []
        try await world.destination.namespace("shop")
        let report = await world.applier.apply(work)
        #expect(report.outcomes.map(\.reason) == ["Resource migrated successfully"])
        #expect(try await world.destination.has("Gadget", "shop/a"))
    }

    @Test(arguments: [
        ClusterError.Reason.unreachable, .unauthorized, .untrusted, .credentials, .timeout,
        .serviceUnavailable, .tooManyRequests, .internalError, .connectionLost,
    ])
    func aDestinationThatCannotBeUsedFailsNoObject(reason: ClusterError.Reason) async throws {
        let world = try await self.world()
        world.destination.fails { request in
            request.kind == "Deployment" ? .before(ClusterError(reason, "not now")) : nil
        }
        let report = try await world.move()
        #expect(report.interruption?.reason == reason && !report.isComplete)
        #expect(report.outcomes.allSatisfy { $0.status != .failed })
        world.destination.fails(nil)
        #expect(try await world.move().isComplete)
    }

    @Test func aPortOfNodesThatIsTakenIsChosenAgain() async throws {
        let world = try await MoveWorld()
        try await world.source.add(
            try Sample.object(
                "Service",
                "shop/web",
                #"{"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":30080}]}}"#
            )
        )
        let taken = Locked(true)
        world.destination.fails { request in
            guard request.verb == "apply", request.kind == "Service",
                taken.withLock({ value in
                    defer { value = false }
                    return value
                })
            else { return nil }
            return .before(
                ClusterError(
                    .invalid,
                    "Service \"web\" is invalid: spec.ports[0].nodePort: Invalid value: 30080: "
                        + "provided port is already allocated"
                )
            )
        }
        let report = try await world.move()
        #expect(report.outcomes.first?.status == .successful)
        #expect(report.outcomes.first?.reason.contains("node port 30080 is taken") == true)
        let service = try await world.destination.object("Service", "shop/web")
        let port = service["spec", "ports"]?.array?.first?["nodePort"]?.int
        #expect(port != 30080)
        _ = world.destination.requests()
        #expect(try await world.move().outcomes.map(\.status) == [.successful])
        #expect(world.destination.requests().filter(\.isWrite) == [])
    }

    @Test func aTransformationThatDoesNotFitFailsItsObjectOnly() async throws {
        let world = try await self.world()
        let rules = KubeObject(
            try JSON(
                parsing: """
                    {"metadata":{"name":"t"},"specs":{"transformSpecs":[{"resource":"/v1/ConfigMap",
                     "paths":[{"operation":"add","type":"string","value":"x","path":"data.a.b"}]}]}}
                    """
            )
        )
        let transformation = try ResourceTransformation(rules)
        let report = try await world.move(prepared: { $0.transformation = transformation })
        #expect(report.outcomes.filter { $0.status == .failed }.map(\.key.name) == ["settings"])
    }

    @Test func anObjectThatHangsInItsDeletionIsWaitedForAndThenFreed() async throws {
        var world = try await self.world()
        #expect(try await world.move().isComplete)
        try await world.destination.edit(
            "ConfigMap",
            "shop/settings",
            #"{"metadata":{"finalizers":["example.org/hold"]}}"#
        )
        try await world.destination.delete("ConfigMap", "shop/settings")
        let report = try await world.move()
        #expect(report.waiting.count == 1)
        #expect(report.waiting.first?.contains("finalizers: example.org/hold") == true)
        world.later = 121
        #expect(try await world.move().isComplete)
        let settings = try await world.destination.object("ConfigMap", "shop/settings")
        #expect(settings.finalizers.isEmpty && !settings.isBeingDeleted)
    }
}
