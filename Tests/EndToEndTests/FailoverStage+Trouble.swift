// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// What goes wrong around a failover, and what a person types.
extension FailoverStage {
    private static let size = 4 << 20

    /// Somebody at a shell beside a site, in the namespace of the application.
    func person(at site: Site) throws -> Person {
        let scratch = URL(fileURLWithPath: site.directory).deletingLastPathComponent().path
        return try Person(at: site, in: self.namespace, scratch: scratch)
    }

    /// The name of an Action that was begun, from the second line of what was printed.
    func action(begunBy result: Program.Result) throws -> String {
        let found = result.output.firstMatch(of: /get (?:failover|failback|drill) (\S+) -n/)
        return try String(#require(found?.1, "\(result.output)\(result.errors)"))
    }

    /// Other bytes in all of a volume, that do not compress.
    @discardableResult
    func fill(_ site: Site, seed: UInt64) async throws -> Data {
        try await site.fill(self.application.volume, bytes: Self.size, seed: seed)
    }

    /// Asks for a run of a schedule, and waits until it copies.
    ///
    /// - Returns: the Migration and its transfer.
    func copying(_ schedule: String, at site: Site) async throws -> (name: String, copy: String) {
        let annotation: JSON = [StorkNames.Annotation.syncNow.key: "middle"]
        try await site.client.patch(
            StorkResource.migrationSchedules,
            ObjectKey(self.namespace, schedule),
            .merge(["metadata": ["annotations": annotation]])
        )
        let busy = try await site.object(
            StorkResource.migrationSchedules,
            self.namespace,
            schedule
        ) { MigrationScheduleStatus($0["status"]).isBusy }
        let items = MigrationScheduleStatus(busy["status"]).items[.interval] ?? []
        let name = try #require(items.last?.name)
        while true {
            // Each question waits for an answer, so nobody spins; the test's time limit ends it.
            try Task.checkCancellation()
            let running = try await site.transfers.first { $0.state == .running }
            if let running { return (name, running.id) }
        }
    }

    /// Lets a slow transfer go on as fast as it can.
    func free(_ transfer: String, at site: Site) async throws {
        try await site.agent { agent throws(APIError) in
            let _: TransferInfo = try await agent.post(
                AgentRoute.transfer(transfer, "limit"),
                TransferLimitRequest(limit: nil)
            )
        }
    }

    /// An Action as soon as it says these words.
    @discardableResult
    func says(_ words: String, _ action: String, at site: Site) async throws -> KubeObject {
        try await site.object(StorkResource.actions, self.namespace, action) {
            [Condition]($0["status", "conditions"])["Succeeded"]?.message.contains(words) == true
        }
    }

    /// The application as soon as it is to have so many pods.
    func runs(_ replicas: Int, at site: Site) async throws {
        _ = try await site.object(Application.deployments, self.namespace, "web") {
            $0["spec", "replicas"]?.int == replicas
        }
    }

    /// That a failover that failed has changed nothing: the source runs and is sent from, the
    /// destination stands by.
    func isAsBefore(_ schedule: String) async throws {
        #expect(try await self.replicas(self.a) == 3, "the source runs")
        #expect(try await self.replicas(self.b) == 0, "and nothing runs twice")
        let key = ObjectKey(self.namespace, schedule)
        let source = try await self.a.client.get(StorkResource.migrationSchedules, key)
        #expect(source["spec", "suspend"]?.bool != true)
        #expect(source.annotations[SourceFence.mark] == nil)
        #expect(source.annotations[OtherSide.suspendMark] == nil)
        let copy = try await self.b.client.get(StorkResource.migrationSchedules, key)
        #expect(copy["status", "applicationActivated"]?.bool != true)
        #expect(copy.annotations[SourceFence.activation] == nil)
        #expect(try await self.volume(self.b).role == .replica)
    }

    /// That a line begins an Action that fails and changes nothing: all of these words are printed, and the
    /// first of them are in an event too.
    func fails(_ line: String, _ words: [String], _ person: Person) async throws {
        let typed = line.split(separator: " ").map(String.init)
        let result = try await person.types(typed)
        #expect(result.status == 1, "\(result.output)")
        for word in words { #expect(result.errors.contains(word), "\(result.errors)") }
        let name = try self.action(begunBy: result)
        let told = try await person.succeeds("godwit describe \(typed[2]) \(name)")
        #expect(told.output.contains("Warning"), "\(told.output)")
        #expect(told.output.contains(words[0]), "\(told.output)")
        try await self.isAsBefore("go")
    }

    /// The RecoveryPoints of the destination.
    var points: [KubeObject] {
        get async throws {
            try await self.b.client
                .list(
                    StorkResource.recoveryPoints,
                    namespace: self.namespace
                )
                .items
        }
    }
}

extension FailoverStage {
    /// Makes the runs of a suspended schedule ten hours older than they are.
    func age(_ schedule: String, at site: Site) async throws {
        let resource = StorkResource.migrationSchedules
        let found = try await site.object(resource, self.namespace, schedule) {
            [Condition]($0["status", "conditions"])["Ready"]?.reason == "Suspended"
        }
        var status = MigrationScheduleStatus(found["status"])
        for place in (status.items[.interval] ?? []).indices {
            let run = status.items[.interval]?[place]
            guard let created = run?.created else { continue }
            status.items[.interval]?[place].created = Timestamp(seconds: created.seconds - 36_000)
        }
        _ = try await site.client.change(
            resource,
            found.key,
            ["status": ["items": status.json["items"] ?? [:]]],
            isStatus: true
        )
    }

    /// A RecoveryPoint of the same volumes with another generation of each.
    func makePoint(_ name: String, like point: KubeObject, generation: UInt64) async throws {
        var spec = try #require(RecoveryPointSpec(point["spec"]))
        for place in spec.volumes.indices { spec.volumes[place].generation = generation }
        try await self.b.create(
            StorkResource.recoveryPoints,
            KubeObject(
                StorkResource.recoveryPoints.groupVersionKind,
                ObjectKey(self.namespace, name),
                ["spec": spec.json]
            )
        )
    }

    /// Waits until an Action is not there any more.
    func isGone(_ action: String, at site: Site) async throws {
        try await site.gone(StorkResource.actions, ObjectKey(self.namespace, action))
    }
}
