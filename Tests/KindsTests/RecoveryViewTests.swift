// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel
import Testing

/// Recovery points and actions: what is written is what is read, and the schema knows all of it.
@Suite struct RecoveryViewTests {
    private static func faults(_ kind: String, _ body: JSON) throws -> [String] {
        let definition = try #require(StorkKinds[kind])
        let object = KubeObject(body)
        return
            (definition.unknownFields(in: object)
            + definition.validate(definition.admitted(object)))
            .map(\.description)
    }

    @Test func aRecoveryPointComesBack() throws {
        let point = RecoveryPointSpec(
            migration: "m",
            schedule: "s",
            namespaces: ["n"],
            time: Timestamp(seconds: 1_000_000),
            isAtomic: true,
            group: String(repeating: "a", count: 32),
            volumes: [
                RecoveryPointSpec.Volume(
                    claim: ObjectKey("n", "c"),
                    volume: "v",
                    generation: 7,
                    snapshot: String(repeating: "b", count: 32)
                )
            ]
        )
        #expect(RecoveryPointSpec(point.json) == point)
        #expect(try Self.faults("RecoveryPoint", ["spec": point.json]) == [])
    }

    @Test(arguments: ActionType.allCases)
    func anActionComesBack(_ type: ActionType) throws {
        var spec = ActionSpec(type, schedule: "s", namespaces: ["a", "b"])
        switch type {
        case .failover, .nearsyncFailover:
            spec.skipsSource = true
            spec.recoveryPoint = "r"
        case .failback: break
        case .drill:
            spec.before = Timestamp(seconds: 5)
            spec.suffix = "-try"
            spec.keeps = true
        }
        #expect(ActionSpec(spec.json) == spec)
        var status = ActionStatus(of: type)
        status.stage = .waitAfterScaleDown
        status.status = .inProgress
        status.stageTime = Timestamp(seconds: 3)
        status.reason = "because"
        status.point = ActionStatus.Point(
            name: "r",
            time: Timestamp(seconds: 1),
            lossSeconds: 9
        )
        status.sourceReached = false
        status.summary = [
            ActionStatus.Entry(namespace: "a", status: .successful, reason: "it runs here")
        ]
        let json = status.json(of: type)
        #expect(ActionStatus(json, of: type) == status)
        #expect(try Self.faults("Action", ["spec": spec.json, "status": json]) == [])
    }

    @Test func theParameterOfAnotherTypeIsRefused() throws {
        var json = ActionSpec(.drill, schedule: "s").json
        json.set("failback", at: "actionType")
        let faults = try Self.faults("Action", ["spec": json])
        #expect(faults.joined().contains("actionParameter needs the part of the type"))
    }

    @Test func theInstantOfAMigrationComesBack() {
        var status = MigrationStatus()
        status.recoveryPoint = MigrationPoint(
            name: "m-1",
            group: "1",
            time: Timestamp(seconds: 12),
            isAtomic: true,
            isVisible: true
        )
        status.freezes = 2
        #expect(MigrationStatus(status.json) == status)
    }
}
