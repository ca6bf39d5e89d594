// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// Every command line and every manifest of the documents, in their order, as a person types them.
@Suite(
    .enabled(if: SeedDocuments.areThere, "the documents are not beside this checkout"),
    .serialized,
    .timeLimit(.minutes(15))
) struct DocumentTests {
    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    /// The database that the documents move: one claim, one Deployment.
    private static let application = """
        apiVersion: v1
        kind: PersistentVolume
        metadata: {name: \(DocumentWalk.volume)}
        spec:
          capacity: {storage: 4Mi}
          accessModes: [ReadWriteOnce]
          volumeMode: Block
          persistentVolumeReclaimPolicy: Delete
          csi: {driver: pool.godwit.io, volumeHandle: \(DocumentWalk.volume)}
          claimRef:
            apiVersion: v1
            kind: PersistentVolumeClaim
            name: mysql-data
            namespace: \(DocumentWalk.namespace)
        ---
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: mysql-data}
        spec:
          accessModes: [ReadWriteOnce]
          volumeMode: Block
          storageClassName: ""
          volumeName: \(DocumentWalk.volume)
          resources: {requests: {storage: 4Mi}}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: mysql}
        spec:
          replicas: 1
          selector: {matchLabels: {app: mysql}}
          template:
            metadata: {labels: {app: mysql}}
            spec: {containers: [{name: mysql, image: "example/mysql:5.6"}]}
        """

    /// Two sites, and on the first one what is to be moved; the image of its volume.
    private func stage() async throws -> (source: Site, destination: Site, image: Data) {
        let source = try await Site("a", in: self.scratch.path)
        let destination = try await Site("b", in: self.scratch.path)
        var generator = SeededGenerator(seed: 8)
        let image = Data(noise(4 << 20, using: &generator))
        try image.write(to: URL(fileURLWithPath: "\(self.scratch.path)/image"))
        try await source.createVolume(DocumentWalk.volume, from: "\(self.scratch.path)/image")
        for name in [DocumentWalk.namespace, DocumentWalk.other] {
            let object = KubeObject(BuiltIn.namespaces.groupVersionKind, ObjectKey("", name))
            try await source.create(BuiltIn.namespaces, object)
        }
        return (source, destination, image)
    }

    @Test func whatTheDocumentsShowWorksAndLooksAsTheyShowIt() async throws {
        let (source, destination, image) = try await self.stage()
        var walk = try DocumentWalk(
            from: source,
            to: destination,
            scratch: self.scratch.path
        )
        walk.options = try await JSON(destination.pairSpec().options)
        try walk.here.save(Self.application, as: "mysql.yaml")
        try await walk.here.succeeds("kubectl apply -f mysql.yaml")
        _ = try await source.object(BuiltIn.claims, DocumentWalk.namespace, "mysql-data") {
            $0["status", "phase"] == "Bound"
        }
        let blocks = try SeedDocuments.blocks()
        for (index, block) in blocks.enumerated() {
            try await walk.take(block, before: blocks[(index + 1)...])
        }
        #expect(walk.done == Set(Deed.allCases), "a deed that the documents do not have")
        try await walk.deleteSchedule()
        try await walk.deletePolicy()
        let moved = try await destination.client.get(
            Application.deployments,
            ObjectKey(DocumentWalk.namespace, "mysql")
        )
        // The last that the documents make is a schedule, which starts nothing.
        #expect(moved["spec", "replicas"] == 0)
        #expect(moved.annotations[StorkNames.Annotation.migrationReplicas.key] == "1")
        #expect(try await destination.bytes(of: DocumentWalk.volume) == image)
        await source.end()
        await destination.end()
    }
}
