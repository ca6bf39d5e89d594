// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// Two sites, an application with its volume on the first, and a pair that is Ready.
struct Stage: Sendable {
    /// The ClusterPair's name.
    static let pair = "remote"

    let source: Site
    let destination: Site
    let application: Application
    /// The bytes that the volume was made of.
    let image: Data

    var namespace: String { self.application.namespace }

    /// Starts the sites `a` and `b`.
    ///
    /// - Parameters:
    ///   - scratch: a directory of the test.
    ///   - way: of the controllers to the agents; the sites' own without it.
    /// - Throws: what a side answers that does not work.
    init(in scratch: String, agent way: AgentWay? = nil) async throws {
        self.source = try await Site("a", in: scratch, agent: way)
        self.destination = try await Site("b", in: scratch, agent: way)
        self.application = Application()
        var generator = SeededGenerator(seed: 1)
        self.image = Data(noise(4 << 20, using: &generator))
        let file = "\(scratch)/image"
        try self.image.write(to: URL(fileURLWithPath: file))
        try await self.source.createVolume(self.application.volume, from: file)
        try await self.application.create(on: self.source)
        try await self.source.connect(Self.pair, in: self.namespace, to: self.destination)
    }

    /// Asks for a Migration of a namespace, that of the application without one.
    func migrate(_ name: String, _ namespace: String? = nil, start: Bool = false) async throws {
        try await self.source.create(
            migration: name,
            of: [namespace ?? self.namespace],
            to: Self.pair,
            in: self.namespace
        ) { $0.startsApplications = start }
    }

    /// How a Migration has ended; waits for it.
    func final(_ name: String) async throws -> MigrationStatus {
        try await self.source.final(name, in: self.namespace)
    }

    /// An object of the application at the destination.
    func moved(_ resource: APIResource, _ name: String) async throws -> KubeObject {
        try await self.destination.client.get(resource, ObjectKey(self.namespace, name))
    }

    /// Whether the destination has the volume's bytes.
    func volumeArrived() async throws -> Bool {
        try await self.destination.bytes(of: self.application.volume) == self.image
    }

    func end() async {
        await self.source.end()
        await self.destination.end()
    }
}

extension Site {
    /// Makes a ClusterPair to another site, and waits until it is Ready.
    func connect(_ name: String, in namespace: String, to other: Site) async throws {
        let pair = KubeObject(
            StorkResource.clusterPairs.groupVersionKind,
            ObjectKey(namespace, name),
            ["spec": try await other.pairSpec().json]
        )
        try await self.create(StorkResource.clusterPairs, pair)
        let ready = try await self.object(StorkResource.clusterPairs, namespace, name) {
            ClusterPairStatus($0["status"]).conditions["Ready"]?.status == .yes
        }
        let status = ClusterPairStatus(ready["status"])
        #expect(status.storageStatus == .ready && status.schedulerStatus == .ready)
        #expect(status.remoteStorageID.count == 32)
    }
}
