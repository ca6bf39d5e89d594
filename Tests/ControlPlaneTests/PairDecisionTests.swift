// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel
import Testing

@testable import ControlPlane

@Suite struct PairDecisionTests {
    private let request = StoragePairRequest(
        name: "ns-pair",
        ip: "10.0.0.1",
        port: 9001,
        token: "t",
        cadence: .everySeventhFull
    )
    private let config: JSON = ["current-context": "a"]
    private let now = Timestamp(seconds: 1_000_000)

    private var wish: PairWish {
        PairWish(storage: .paired(self.request), scheduler: .reached(self.config))
    }

    private var ready: PairFacts {
        PairFacts(storage: .ready, scheduler: .ready, remote: "r", wish: self.wish)
    }

    private let down = Trouble(.destinationUnreachable, "cannot reach it", remedy: "start it")

    private func memory(_ answers: PairDecision.Answers) -> PairMemory {
        PairDecision.memory(PairMemory(), self.wish, after: answers, now: self.now, jitter: 0.5)
    }

    private let good = PairDecision.Answers(storage: .success("r"), scheduler: .success("v1.32.1"))

    // MARK: What is asked

    @Test func aNewPairIsPairedAndItsServerAsked() {
        let facts = PairFacts(wish: self.wish)
        #expect(
            PairDecision.step(facts, now: self.now)
                == .probe([.pairStorage(self.request), .askVersion(self.config)])
        )
    }

    @Test func theFinalizerComesBeforeAnythingThatHasToBeUndone() {
        let facts = PairFacts(hasFinalizer: false, wish: self.wish)
        #expect(PairDecision.step(facts, now: self.now) == .addFinalizer)
    }

    @Test func aReadyPairIsCheckedAfterARestartAndThenEveryMinute() {
        var facts = self.ready
        #expect(
            PairDecision.step(facts, now: self.now)
                == .probe([
                    .checkStorage(remote: "r", self.request), .askVersion(self.config),
                ])
        )
        facts.memory = self.memory(self.good)
        #expect(PairDecision.step(facts, now: self.now) == .rest(seconds: 63))
        let later = Timestamp(seconds: self.now.seconds + 63)
        #expect(
            PairDecision.step(facts, now: later)
                == .probe([
                    .checkStorage(remote: "r", self.request), .askVersion(self.config),
                ])
        )
    }

    @Test func whatFailsIsTriedSoonerAndTheOtherHalfIsLeftAlone() {
        var facts = self.ready
        facts.memory = self.memory(
            PairDecision.Answers(storage: .failure(self.down), scheduler: .success("v1"))
        )
        #expect(PairDecision.step(facts, now: self.now) == .rest(seconds: 2))
        let later = Timestamp(seconds: self.now.seconds + 2)
        #expect(
            PairDecision.step(facts, now: later)
                == .probe([.checkStorage(remote: "r", self.request)])
        )
    }

    @Test func whoeverIsAwayIsAskedMoreAndMoreSeldom() {
        var memory = PairMemory()
        let away = PairDecision.Answers(storage: .failure(self.down))
        let waits = (0..<6)
            .map { _ in
                memory = PairDecision.memory(
                    memory,
                    self.wish,
                    after: away,
                    now: self.now,
                    jitter: 0
                )
                return memory.storageDue?.seconds(since: self.now)
            }
        #expect(waits == [2, 4, 8, 16, 20, 20])
        memory = PairDecision.memory(memory, self.wish, after: self.good, now: self.now, jitter: 0)
        memory = PairDecision.memory(memory, self.wish, after: away, now: self.now, jitter: 0)
        #expect(memory.storageDue?.seconds(since: self.now) == 2)
    }

    @Test func aRefusalIsNotRepeatedSoon() {
        let refused = Trouble(.tokenRefused, "the token is wrong", isPassing: false)
        let memory = PairDecision.memory(
            PairMemory(),
            self.wish,
            after: PairDecision.Answers(storage: .failure(refused)),
            now: self.now,
            jitter: 0
        )
        #expect(
            memory.storageDue?.seconds(since: self.now) == 20,
            "five in a minute close the door"
        )
    }

    @Test func otherOptionsPairAgainAtOnce() {
        var facts = self.ready
        facts.memory = self.memory(self.good)
        var request = self.request
        request.token = "new"
        facts.wish.storage = .paired(request)
        #expect(
            PairDecision.step(facts, now: self.now)
                == .probe([.pairStorage(request), .askVersion(self.config)])
        )
    }

    @Test func deletionEndsThePairUnlessAnotherOneHasTheSameStorage() {
        var facts = self.ready
        facts.isBeingDeleted = true
        #expect(PairDecision.step(facts, now: self.now) == .release(unpairing: "r"))
        facts.isRemoteShared = true
        #expect(PairDecision.step(facts, now: self.now) == .release(unpairing: nil))
    }

    // MARK: What is said

    @Test func bothHalvesReadyMakeThePairReady() {
        let verdict = PairDecision.verdict(PairFacts(wish: self.wish), self.good, reasons: [:])
        #expect(verdict.storage == .ready && verdict.scheduler == .ready)
        #expect(verdict.remote == "r")
        #expect(
            verdict.notices == [
                .normal("Ready", "Storage successfully paired"),
                .normal("Ready", "Scheduler successfully paired"),
            ]
        )
        #expect(verdict.findings.map(\.type) == ["StorageReady", "SchedulerReady", "Ready"])
        #expect(verdict.findings.allSatisfy { $0.status == .yes })
    }

    @Test func aSteadyPairTellsNothing() {
        let verdict = PairDecision.verdict(
            self.ready,
            self.good,
            reasons: ["StorageReady": "Ready", "SchedulerReady": "Ready"]
        )
        #expect(verdict.notices.isEmpty)
    }

    @Test func withoutATokenStorageIsNotProvidedInStorksWords() {
        var facts = PairFacts(wish: self.wish)
        facts.wish.storage = .notWanted
        let verdict = PairDecision.verdict(
            facts,
            PairDecision.Answers(scheduler: .success("v1")),
            reasons: [:]
        )
        #expect(verdict.storage == .notProvided)
        #expect(
            verdict.notices.contains(
                .normal(
                    "NotProvided",
                    "Skipping storage pairing since no storage options provided"
                )
            )
        )
        #expect(verdict.findings.last?.status == .yes, "what was not asked for is not missing")
    }

    @Test func aPairThatNeverWorkedIsAnErrorAndOneThatDidIsDegraded() {
        let answers = PairDecision.Answers(storage: .failure(self.down))
        let new = PairDecision.verdict(PairFacts(wish: self.wish), answers, reasons: [:])
        #expect(new.storage == .error)
        let old = PairDecision.verdict(self.ready, answers, reasons: ["StorageReady": "Ready"])
        #expect(old.storage == .degraded && old.scheduler == .ready && old.remote == "r")
        #expect(old.notices == [.warning("Degraded", "cannot reach it Try: start it")])
        #expect(old.findings[0].reason == "DestinationUnreachable")
        #expect(old.findings.last?.message == "storage: Degraded")
    }

    @Test func aDegradedPairComesBackAndTellsOnce() {
        var facts = self.ready
        facts.storage = .degraded
        let reasons = ["StorageReady": "DestinationUnreachable"]
        let still = PairDecision.verdict(
            facts,
            PairDecision.Answers(storage: .failure(self.down)),
            reasons: reasons
        )
        #expect(still.notices.isEmpty, "the same trouble is told once")
        let back = PairDecision.verdict(
            facts,
            PairDecision.Answers(storage: .success("r")),
            reasons: reasons
        )
        #expect(back.storage == .ready)
        #expect(back.notices == [.normal("Ready", "Storage pairing works again")])
    }

    // MARK: What the spec says

    @Test(arguments: ["0", "65536", "http", "90 01"])
    func aPortThatIsNoneIsNamed(port: String) {
        let answer = PairSpec.request(
            ClusterPairSpec(options: ["ip": "h", "port": port]),
            "t",
            name: "n"
        )
        guard case .failure(let trouble) = answer else {
            Issue.record("port \(port) was taken")
            return
        }
        #expect(trouble.message == "invalid port (\(port)) specified for cluster pair")
    }

    @Test func thePortIs9001AndUnknownModesAreTheDefault() throws {
        let request =
            try PairSpec.request(
                ClusterPairSpec(options: ["ip": "h", "mode": "What"]),
                "t",
                name: "n"
            )
            .get()
        #expect(request.port == 9001 && request.cadence == .everySeventhFull)
        let disaster =
            try PairSpec.request(
                ClusterPairSpec(options: ["ip": "h", "mode": "DisasterRecovery"]),
                "t",
                name: "n"
            )
            .get()
        #expect(disaster.cadence == .alwaysIncremental)
    }
}
