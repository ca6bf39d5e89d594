// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// A database that writes while it is moved, with the rule of examples/ around the freeze.
@Suite(
    .serialized,
    .enabled(if: TestKind.isEmbedded, "needs pods that run on this machine"),
    .enabled(if: LiveDatabase.isAvailable, LiveDatabase.reason),
    .timeLimit(.minutes(15))
)
struct RuleDatabaseTests {
    private static let mebibytes = 160
    private static let pair = "remote"
    private static let pods = APIResource(BuiltIn.core, "Pod", plural: "pods")
    private let application = Application("database")

    private var namespace: String { self.application.namespace }

    @Test func aDatabaseUnderLoadRunsFromItsCopyInBackupMode() async throws {
        try await LoopFileSystem.xfs.mounted(mebibytes: 900) { directory in
            let live = "\(directory)/live"
            let database = try await self.volume(below: directory, mountedOn: live)
            do { try await self.moved(database, directory) } catch {
                _ = try? Shell.run("umount", "--lazy", live)
                throw error
            }
        }
    }

    /// A site with a volume that is a mounted file system, and a database in that.
    private func volume(
        below directory: String,
        mountedOn live: String
    ) async throws -> (LiveDatabase, Site) {
        let image = "\(directory)/image"
        try Shell.run("truncate", "-s", "\(Self.mebibytes)M", image)
        try Shell.run("mke2fs", "-q", "-F", "-t", "ext4", image)
        try FileManager.default.createDirectory(
            atPath: live,
            withIntermediateDirectories: true
        )
        let programs = try #require(LiveDatabase.programs)
        let source = try await Site(
            "a",
            in: directory,
            controller: ["--run-rules-locally"],
            variables: [
                "PGHOST": "\(directory)/s", "PGUSER": "postgres",
                "PATH": "\(programs):/usr/bin:/bin",
            ]
        )
        let path = try await source.agent { agent throws(APIError) in
            let made: VolumeInfo = try await agent.post(
                AgentRoute.volumes,
                VolumeCreateRequest(name: self.application.volume, from: image),
                timeout: .seconds(120)
            )
            return made.path
        }
        try Shell.run("mount", "-o", "loop", try #require(path), live)
        return (try LiveDatabase(root: live, sockets: "\(directory)/s"), source)
    }

    private func moved(_ given: (LiveDatabase, Site), _ directory: String) async throws {
        let (database, source) = given
        try database.initialise()
        let server = try await database.start()
        try database.client("pgbench", "-q", "-i", "-s", "1", "postgres")
        let destination = try await Site("b", in: directory)
        try await self.application.create(on: source)
        try await source.connect(Self.pair, in: self.namespace, to: destination)
        try await self.install(on: source)
        let load = try database.load()
        _ = try await load.said("progress: 1.0 s")

        try await self.migrate(on: source)
        let end = try await source.final("move-shop", in: self.namespace)
        #expect(end.status == .successful, "\(end.json.pretty)")
        #expect(load.runs, "it has written all the time")
        _ = try await server.said("pg_backup_start('godwit'")
        _ = try await server.said("pg_backup_stop(")
        load.kill9()
        server.signal(SIGINT)
        server.waitUntilExit()
        try Shell.run("umount", database.root)
        try await self.expectItRuns(destination, directory)
        for site in [source, destination] {
            await site.end()
            site.agentProcess.kill9()
        }
    }

    /// What examples/ has, in the namespace of this test, and a pod that stands for the database.
    private func install(on site: Site) async throws {
        var pod = KubeObject(
            Self.pods.groupVersionKind,
            ObjectKey(self.namespace, "db-0"),
            ["spec": ["containers": [["name": "postgresql", "image": "postgres:15"]]]]
        )
        pod.labels = ["app": "postgresql"]
        try await site.create(Self.pods, pod)
        try await site.create(StorkResource.rules, try self.example(of: "Rule"))
    }

    private func migrate(on site: Site) async throws {
        var migration = try self.example(of: "Migration")
        migration.set([.string(self.namespace)], at: "spec", "namespaces")
        try await site.create(StorkResource.migrations, migration)
    }

    private func example(of kind: String) throws -> KubeObject {
        let root = #filePath.replacing("/Tests/EndToEndTests/RuleDatabaseTests.swift", with: "")
        let text = try String(
            contentsOfFile: "\(root)/examples/postgresql-rule.yaml",
            encoding: .utf8
        )
        for document in text.split(separator: "\n---\n") {
            var object = KubeObject(try JSON(yaml: String(document)))
            guard object.kind == kind else { continue }
            object.set(.string(self.namespace), at: "metadata", "namespace")
            return object
        }
        throw Program.Ended(description: "no \(kind) in the example")
    }

    /// The copy is mounted as it arrived; a server starts on it, and every page passes PostgreSQL's
    /// own check.
    ///
    /// Money is moved only, so the sums agree wherever the copy was taken.
    private func expectItRuns(_ destination: Site, _ directory: String) async throws {
        let copy = "\(directory)/copy"
        try await destination.agent { agent throws(APIError) in
            let _: VolumeExportResult = try await agent.post(
                AgentRoute.volume(self.application.volume, "export"),
                VolumeExportRequest(generation: nil, to: copy),
                timeout: .seconds(120)
            )
        }
        let place = "\(directory)/replica"
        try FileManager.default.createDirectory(
            atPath: place,
            withIntermediateDirectories: true
        )
        try Shell.run("mount", "-o", "loop", copy, place)
        defer { _ = try? Shell.run("umount", "--lazy", place) }
        let replica = try LiveDatabase(root: place, sockets: "\(directory)/t")
        let server = try await replica.start()
        let sums = try replica.query(
            """
            select (select sum(abalance) from pgbench_accounts) = (select coalesce(sum(delta), 0) \
            from pgbench_history), (select count(*) from pgbench_accounts)
            """
        )
        #expect(sums == "t|100000")
        #expect(try replica.query("select count(*) > 0 from pgbench_history") == "t")
        try replica.client("pg_amcheck", "--install-missing", "--all")
        server.signal(SIGINT)
        server.waitUntilExit()
    }
}
