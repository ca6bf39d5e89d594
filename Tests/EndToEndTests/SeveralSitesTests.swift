// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// One source for two destinations.
@Suite(.serialized, .timeLimit(.minutes(15))) struct SeveralSitesTests {
    private static let volumes = 2
    private static let volumeBytes = 1 << 20

    private let scratch: ScratchDirectory
    /// New for each run, as real clusters are shared.
    private let namespace = "two-\(UUID().uuidString.lowercased().prefix(6))"

    init() throws { self.scratch = try ScratchDirectory() }

    @Test func oneNamespaceMovesToTwoDestinationsAtOnce() async throws {
        let source = try await Site("a", in: self.scratch.path)
        let near = try await Site("b", in: self.scratch.path)
        let far = try await Site("c", in: self.scratch.path)
        try await self.prepare(source)
        try await source.create(pair: "near", to: near, in: self.namespace)
        try await source.create(pair: "far", to: far, in: self.namespace)
        try await self.move(source, run: 1, .full)
        try await self.expectBytes(of: source, at: near, far)
        try await self.change(source)
        try await self.move(source, run: 2, .incremental)
        try await self.expectBytes(of: source, at: near, far)
        let transfers = try await source.transfers
        #expect(transfers.count == 2 * 2 * Self.volumes)
        #expect(transfers.allSatisfy { $0.state == .succeeded })
        #expect(Set(transfers.map(\.pair)).count == 2, "each destination has its own pair")
        for site in [source, near, far] { await site.end() }
    }

    private func prepare(_ source: Site) async throws {
        var generator = SeededGenerator(seed: 5)
        for index in 0..<Self.volumes {
            let image = "\(self.scratch.path)/image-\(index)"
            try Data(noise(Self.volumeBytes, using: &generator))
                .write(to: URL(fileURLWithPath: image))
            try await source.createVolume(
                Workshop.volume(index, of: self.namespace),
                from: image
            )
        }
        try await source.create(
            manifest: Workshop.manifest(
                self.namespace,
                volumes: Self.volumes,
                bytes: Self.volumeBytes,
                configMaps: 4
            )
        )
        for index in 0..<Self.volumes {
            _ = try await source.object(BuiltIn.claims, self.namespace, "data-\(index)") {
                $0["status", "phase"] == "Bound"
            }
        }
    }

    /// Both Migrations before either has ended.
    private func move(_ source: Site, run: Int, _ kind: MigratedVolume.Transfer) async throws {
        for pair in ["near", "far"] {
            try await source.create(
                migration: "\(pair)-\(run)",
                of: [self.namespace],
                to: pair,
                in: self.namespace
            )
        }
        for pair in ["near", "far"] {
            let end = try await source.final("\(pair)-\(run)", in: self.namespace)
            #expect(end.status == .successful, "\(pair) \(run): \(end.json.pretty)")
            #expect(end.volumes.map(\.transfer) == Array(repeating: kind, count: Self.volumes))
            #expect(end.resourcesDone == end.resources.count)
        }
    }

    /// Writes where the application would, in the first volume only.
    private func change(_ source: Site) async throws {
        let name = Workshop.volume(0, of: self.namespace)
        let volume = try await source.agent { agent throws(APIError) in
            let info: VolumeInfo = try await agent.get(AgentRoute.volume(name))
            return info
        }
        let path = try #require(volume.path)
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seek(toOffset: 70_000)
        try file.write(contentsOf: Data(repeating: 7, count: 5_000))
        try file.close()
    }

    private func expectBytes(of source: Site, at destinations: Site...) async throws {
        for index in 0..<Self.volumes {
            let name = Workshop.volume(index, of: self.namespace)
            let image = try await source.bytes(of: name)
            for site in destinations { #expect(try await site.bytes(of: name) == image) }
        }
    }
}
