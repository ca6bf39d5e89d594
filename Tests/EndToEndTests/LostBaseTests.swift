// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// A schedule whose next copy cannot start from the last one: it is full, and says why.
@Suite(.serialized, .timeLimit(.minutes(10))) struct LostBaseTests {
    /// The side that has lost what both had in common.
    enum Loser: Sendable, CaseIterable {
        case source
        case destination

        var reason: FullCopyReason {
            switch self {
            case .source: .baseLostAtSource
            case .destination: .baseLostAtDestination
            }
        }
    }

    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    /// Takes the last common generation away.
    private func lose(at loser: Loser, _ stage: Stage) async throws {
        let name = stage.application.volume
        switch loser {
        case .source:
            let volume: VolumeInfo = try await stage.source.agent { agent throws(APIError) in
                try await agent.get(AgentRoute.volume(name))
            }
            // As a disk does, or a person with a shell.
            try FileManager.default.removeItem(
                atPath: "\(stage.source.directory)/pool/volumes/\(volume.id)/generations"
            )
            try FileManager.default.createDirectory(
                atPath: "\(stage.source.directory)/pool/volumes/\(volume.id)/generations",
                withIntermediateDirectories: false
            )
        case .destination:
            try await stage.destination.agent { agent throws(APIError) in
                let _: VolumeInfo = try await agent.delete(AgentRoute.volume(name))
            }
        }
    }

    @Test(arguments: Loser.allCases)
    func theRunAfterALostBaseIsFullAndItsStatusAndEventSayWhy(loser: Loser) async throws {
        let stage = try await Stage(in: self.scratch.path)
        try await stage.schedule()
        _ = try await stage.run(1)
        #expect(try await stage.run(2).transfer == .incremental)
        try await self.lose(at: loser, stage)
        let volume = try await stage.run(3)
        #expect(volume.transfer == .full && volume.fullReason == loser.reason)
        #expect(volume.run == 3)
        let why = try #require(loser.reason.surprise)
        #expect(volume.reason == "Migration successful for volume. All of it was copied: \(why)")
        #expect(try await stage.volumeArrived())
        let next = try await stage.run(4)
        #expect(next.transfer == .incremental && next.fullReason == nil && next.run == 4)
        let told = try await stage.event { $0.contains(why) }
        #expect(told["reason"] == "Successful" && told["involvedObject", "kind"] == "Migration")
        await stage.end()
    }
}
