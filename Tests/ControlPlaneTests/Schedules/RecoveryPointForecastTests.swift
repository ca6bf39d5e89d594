// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel
import Testing

@testable import ControlPlane

@Suite struct RecoveryPointForecastTests {
    private func world() async throws -> (ScheduleStage, ScheduleController) {
        let world = try ScheduleStage(at: "2027-03-01T00:00:00Z")
        world.putPolicy(["interval": ["intervalMinutes": 30]])
        world.putSchedule()
        let controller = world.controller()
        _ = try await world.look(controller)
        return (world, controller)
    }

    @Test func theFigureIsOfTheNewestSuccess() async throws {
        let (world, controller) = try await self.world()
        #expect(world.status.recoveryPoint == nil)
        #expect(world.status.conditions["RecoveryPointMet"]?.reason == "NoRecoveryPoint")
        let run = try #require(world.migrations.first?.name)
        world.pass(90)
        try world.finish(run, .successful, bytes: 7_000)
        _ = try await world.look(controller)
        let figure = try #require(world.status.recoveryPoint)
        #expect(figure.time.description == "2027-03-01T00:00:00Z" && figure.migration == run)
        #expect(figure.targetSeconds == 1_800)
        // The next begins at 0:30 and has to be there half an hour later.
        #expect(figure.deadline?.description == "2027-03-01T01:00:00Z")
        #expect(figure.expectedSeconds == 90 && figure.expectedBytes == 7_000)
        #expect(figure.expectedAt?.description == "2027-03-01T00:31:30Z")
        #expect(world.status.conditions["RecoveryPointMet"]?.status == .yes)
    }

    private func volume(
        _ claim: String,
        _ generation: Int,
        _ status: MigrationState = .successful
    ) -> MigratedVolume {
        var volume = MigratedVolume(claim: ObjectKey("db", claim), volume: "pv", taskID: "t")
        volume.status = status
        volume.generation = generation
        volume.bytesTransferred = generation * 100
        return volume
    }

    @Test func eachVolumeHasTheFigureOfItsOwnNewestState() async throws {
        let (world, controller) = try await self.world()
        let first = try #require(world.migrations.first?.name)
        let former = [self.volume("data", 1), self.volume("log", 1), self.volume("old", 1)]
        try world.finish(first, .successful, volumes: former)
        world.pass(31 * 60)
        _ = try await world.look(controller)
        let second = try #require(world.migrations.last?.name)
        let later = [self.volume("data", 2), self.volume("log", 2, .failed)]
        try world.finish(second, .partialSuccess, volumes: later)
        _ = try await world.look(controller)
        let figure = try #require(world.status.recoveryPoint)
        #expect(figure.migration == second)
        #expect(figure.volumes.map(\.claim.name) == ["data", "log"], "old is gone at the source")
        let times = figure.volumes.map(\.time.description)
        #expect(times == ["2027-03-01T00:31:00Z", "2027-03-01T00:00:00Z"])
        #expect(figure.volumes.map(\.generation) == [2, 1])
        #expect(figure.volumes.map(\.bytes) == [200, 100])
        #expect(RecoveryPointFigure(figure.json) == figure)
    }

    @Test func aRunThatTakesTooLongIsToldBeforeTheGoalIsMissed() async throws {
        let (world, controller) = try await self.world()
        world.pass(60)
        try world.finishAll()
        _ = try await world.look(controller)
        world.pass(30 * 60)
        let alarm = try await world.look(controller)
        #expect(world.migrations.count == 2)
        // From 0:31 to 0:45: half of the time of grace.
        #expect(alarm == .seconds(14 * 60))
        world.pass(14 * 60)
        let end = try await world.look(controller)
        #expect(world.reasons.last == "RecoveryPointAtRisk")
        #expect(try #require(world.texts.last).contains("will be missed at 2027-03-01T01:00:00Z"))
        #expect(end == .seconds(15 * 60) + .microseconds(1))
        world.pass(15 * 60 + 1)
        _ = try await world.look(controller)
        #expect(world.reasons.last == "RecoveryPointMissed")
        #expect(world.status.conditions["RecoveryPointMet"]?.status == .no)
        let count = world.reasons.count
        world.pass(600)
        _ = try await world.look(controller)
        #expect(world.reasons.count == count, "told once")
        try world.finishAll()
        _ = try await world.look(controller)
        #expect(world.status.recoveryPoint?.migration.hasSuffix("003100") == true)
        // The next began at once, and is expected to take as long as this one did.
        #expect(world.reasons.last == "RecoveryPointAtRisk")
        world.pass(60)
        try world.finishAll()
        _ = try await world.look(controller)
        #expect(world.reasons.last == "RecoveryPointMet")
    }

    @Test func aRunThatHasTooMuchToCopyIsToldByItsOwnRate() async throws {
        let (world, controller) = try await self.world()
        world.pass(60)
        try world.finishAll()
        _ = try await world.look(controller)
        world.pass(30 * 60)
        _ = try await world.look(controller)
        let run = try #require(world.migrations.last?.name)
        let begin = world.now
        // A tenth in two minutes: the end is expected 20 minutes after the begin, which was at 0:31.
        world.pass(120)
        try world.copy(100, of: 1_000, run, since: begin)
        _ = try await world.look(controller)
        #expect(world.status.conditions["RecoveryPointMet"]?.reason == "RecoveryPointMet")
        #expect(world.status.recoveryPoint?.expectedAt?.description == "2027-03-01T00:52:00Z")
        // Somebody writes: there is twice as much to copy.
        try world.copy(101, of: 2_000, run, since: begin)
        _ = try await world.look(controller)
        #expect(world.reasons.last == "RecoveryPointAtRisk", "half an hour before it is missed")
        #expect(
            try #require(world.texts.last)
                .hasSuffix(
                    "will be missed at 2027-03-01T01:00:00Z: by what it has copied, the run that "
                        + "goes on ends at 2027-03-01T01:11:00Z"
                )
        )
        let told = world.reasons.count
        // As fast as it has to be, and no more: not told again.
        world.pass(60)
        try world.copy(211, of: 2_000, run, since: begin)
        _ = try await world.look(controller)
        #expect(world.status.recoveryPoint?.expectedAt?.description == "2027-03-01T01:00:00Z")
        #expect(world.reasons.count == told)
        world.pass(60)
        try world.copy(1_000, of: 2_000, run, since: begin)
        _ = try await world.look(controller)
        #expect(world.reasons.last == "RecoveryPointMet" && world.reasons.count == told + 1)
    }

    @Test(arguments: [(0, 10, 60), (1, 10, 9), (11, 10, 60), (-1, 10, 60)])
    func whereThereIsTooLittleToTellNothingIsMeasured(done: Int, total: Int, seconds: Int) {
        let progress = ScheduleFacts.Progress(
            since: Timestamp(seconds: 0),
            done: done,
            total: total
        )
        #expect(progress.end(now: Timestamp(seconds: seconds)) == nil)
    }

    @Test func anEndThatIsAsGoodAsNeverIsATime() {
        let progress = ScheduleFacts.Progress(
            since: Timestamp(seconds: 0),
            done: 1,
            total: .max
        )
        #expect(progress.end(now: Timestamp(seconds: 60))?.seconds == 31_622_520)
    }

    @Test func runsThatAreExpectedToTakeTooLongAreToldAtOnce() async throws {
        let world = try ScheduleStage(at: "2027-03-01T22:14:00Z")
        world.putPolicy(["daily": ["time": "10:14PM"]])
        world.putSchedule()
        let controller = world.controller()
        _ = try await world.look(controller)
        world.pass(2 * 3_600)
        try world.finishAll()
        _ = try await world.look(controller)
        #expect(world.reasons.last == "RecoveryPointAtRisk")
        #expect(world.status.recoveryPoint?.deadline?.description == "2027-03-02T23:14:00Z")
        #expect(world.status.recoveryPoint?.expectedAt?.description == "2027-03-03T00:14:00Z")
    }

    @Test func aScheduleThatNeverSucceedsSaysSo() async throws {
        let (world, controller) = try await self.world()
        for _ in 0..<3 {
            try world.finishAll(.failed)
            world.pass(31 * 60)
            _ = try await world.look(controller)
        }
        #expect(world.status.conditions["RecoveryPointMet"]?.status == .no)
        #expect(world.texts.contains { $0.hasPrefix("No migration has succeeded yet, and one") })
        try world.change { $0.set(true, at: "spec", "suspend") }
        _ = try await world.look(controller)
        #expect(world.status.conditions["RecoveryPointMet"]?.status == .unknown)
    }
}
