// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// A volume cannot go where it is to go: another one is there, somebody uses it, or nothing is free.
@Suite(.serialized, .timeLimit(.minutes(15)), .enabled(if: TestKind.isEmbedded, TestKind.reason))
struct VolumeFailureTests {
    @Test func anotherVolumeOfTheNameEndsItAndIsNotTouched() async throws {
        try await FailureStage.with("taken-volume") { stage in
            let volume = stage.application.volume
            try await stage.install()
            try await stage.pair()
            try await stage.migrate("first")
            try await stage.succeeds("first")
            let before = try await stage.destination.bytes(of: volume)

            // Somebody makes the volume anew under its old name: it is another volume.
            try await Self.delete(volume, at: stage.source)
            let image = try await stage.makeVolume(seed: 2)
            try await stage.migrate("second")
            let end = try await stage.fails(
                "second",
                .failed,
                "VolumeInUse",
                saying: "has another volume of this name"
            )
            #expect(end.volumes.map(\.status) == [.failed])
            #expect(try await stage.destination.bytes(of: volume) == before, "nothing was changed")

            try await Self.delete(volume, at: stage.destination)
            try await stage.migrate("third")
            try await stage.succeeds("third")
            #expect(try await stage.destination.bytes(of: volume) == image)
            try await stage.pairIsReady()
        }
    }

    private static func delete(_ volume: String, at site: Site) async throws {
        try await site.agent { agent throws(APIError) in
            let _: VolumeInfo = try await agent.delete(AgentRoute.volume(volume))
        }
    }

    @Test func aClaimThatAPodUsesIsWaitedFor() async throws {
        try await FailureStage.with("used-claim") { stage in
            let key = ObjectKey(stage.namespace, "data")
            try await stage.install()
            try await stage.pair()
            try await stage.migrate("first")
            try await stage.succeeds("first")

            // As where somebody has deleted the claim while a pod still has it mounted.
            let there = stage.destination.client
            let guards: JSON = ["metadata": ["finalizers": ["kubernetes.io/pvc-protection"]]]
            try await there.patch(BuiltIn.claims, key, .merge(guards))
            try await there.delete(BuiltIn.claims, key)
            try await stage.migrate("second")
            try await stage.waits("second", ["ResourceWaiting"], saying: "stop that pod")
            let image = try Data(
                contentsOf: URL(fileURLWithPath: "\(stage.scratch.path)/image-1")
            )
            let volume = stage.application.volume
            #expect(try await stage.destination.bytes(of: volume) == image)

            try await there.patch(
                BuiltIn.claims,
                key,
                .merge(["metadata": ["finalizers": .null]])
            )
            try await stage.succeeds("second")
            let claim = try await there.get(BuiltIn.claims, key)
            #expect(claim["status", "phase"] == "Bound" && !claim.isBeingDeleted)
        }
    }

    @Test(.enabled(if: LoopFileSystem.isAvailable([.tmpfs]), LoopFileSystem.reason))
    func aFullPoolIsToldAndSpaceMendsIt() async throws {
        // Less than an agent keeps free.
        try await LoopFileSystem.tmpfs.mounted(mebibytes: 48) { directory in
            try await FailureStage.with("full-pool", destinationIn: directory) { stage in
                try await stage.install()
                try await stage.pair()
                try await stage.pairIsReady()
                try await stage.migrate("move")
                try await stage.isHeldUp("move", ["NoSpace"], saying: "the pool has no room")
                try Shell.run("mount", "-o", "remount,size=256m", directory)
                try await stage.succeeds("move")
                let image = try Data(
                    contentsOf: URL(fileURLWithPath: "\(stage.scratch.path)/image-1")
                )
                let arrived = try await stage.destination.bytes(of: stage.application.volume)
                #expect(arrived == image)
            }
        }
    }
}
