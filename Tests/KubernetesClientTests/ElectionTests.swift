// SPDX-License-Identifier: Apache-2.0

import Locks
import ObjectModel
import TestSupport
import Testing

@testable import KubernetesClient

@Suite struct ElectionCoreTests {
    private let start = ContinuousClock.now
    private let key = ObjectKey("godwit", "controller")

    private func at(_ seconds: Double) -> ContinuousClock.Instant {
        self.start + .seconds(seconds)
    }

    private func lease(_ record: LeaseRecord, version: String = "1") -> KubeObject {
        var lease = KubeObject(
            LeaseRecord.resource.groupVersionKind,
            self.key,
            ["spec": record.json]
        )
        lease.set(.string(version), at: "metadata", "resourceVersion")
        return lease
    }

    private static func record(
        _ holder: String,
        _ renewed: String,
        transitions: Int = 0
    )
        -> LeaseRecord
    {
        var record = LeaseRecord()
        record.holder = holder
        record.durationSeconds = 15
        record.acquireTime = "t0"
        record.renewTime = renewed
        record.transitions = transitions
        return record
    }

    private func core(_ name: String = "me") -> ElectionCore {
        ElectionCore(identity: name, times: .standard)
    }

    @Test func aLeaseThatIsNotThereIsMade() {
        var core = self.core()
        #expect(core.decide(now: self.at(0), written: "t0", jitter: 0) == .read)
        core.read(nil, now: self.at(0))
        let record = Self.record("me", "t0")
        #expect(core.decide(now: self.at(0), written: "t0", jitter: 0) == .create(record))
        core.wrote(self.lease(record), sent: self.at(0), now: self.at(0.1))
        #expect(core.isLeading(at: self.at(9.9)))
        #expect(!core.isLeading(at: self.at(10)))
    }

    @Test func theLeaderRenewsEveryTwoSeconds() {
        var core = self.core()
        core.wrote(self.lease(Self.record("me", "t0")), sent: self.at(0), now: self.at(0))
        #expect(core.decide(now: self.at(0.5), written: "t1", jitter: 0) == .wait(.seconds(1.5)))
        #expect(
            core.decide(now: self.at(2), written: "t2", jitter: 0)
                == .replace(Self.record("me", "t2"), resourceVersion: "1")
        )
    }

    @Test func anothersLeaseIsTakenWhenItStoodStillForItsTime() {
        var core = self.core()
        core.read(self.lease(Self.record("other", "t0")), now: self.at(0))
        #expect(core.decide(now: self.at(0), written: "t", jitter: 0) == .wait(.seconds(2)))
        // It was renewed: the wait begins anew.
        core.read(self.lease(Self.record("other", "t9"), version: "2"), now: self.at(9))
        _ = core.decide(now: self.at(9), written: "t", jitter: 0)
        core.read(self.lease(Self.record("other", "t9"), version: "2"), now: self.at(23.9))
        guard case .wait = core.decide(now: self.at(23.9), written: "t", jitter: 0) else {
            Issue.record("the lease was taken before its time")
            return
        }
        core.read(self.lease(Self.record("other", "t9"), version: "2"), now: self.at(26))
        var taken = Self.record("me", "now", transitions: 1)
        taken.acquireTime = "now"
        #expect(
            core.decide(now: self.at(26), written: "now", jitter: 0)
                == .replace(taken, resourceVersion: "2")
        )
    }

    /// Whenever it died, and however the looks at its lease fall.
    @Test(arguments: [0, 0.5, 0.999]) func aDeadLeaderIsReplacedWithinTwentySeconds(
        jitter: Double
    ) {
        let lease = self.lease(Self.record("other", "t0"))
        for phase in stride(from: 0, to: 2.5, by: 0.25) {
            var core = self.core()
            // It was renewed at 0, for the last time; seen first at the next look.
            var now = self.at(phase)
            core.read(lease, now: now)
            var action = core.decide(now: now, written: "t", jitter: jitter)
            while case .wait(let pause) = action, now < self.at(20) {
                now += pause
                core.read(lease, now: now)
                action = core.decide(now: now, written: "t", jitter: jitter)
            }
            guard case .replace = action else {
                Issue.record("it does not take the lease: \(action)")
                return
            }
            #expect((self.at(15)..<self.at(20)).contains(now), "after \(now - self.start)")
        }
    }

    @Test func aLeaseThatWasGivenBackIsTakenAtOnce() {
        var core = self.core()
        core.read(self.lease(Self.record("", "t0")), now: self.at(0))
        guard case .replace = core.decide(now: self.at(0), written: "t", jitter: 0) else {
            Issue.record("a free lease was not taken")
            return
        }
    }

    @Test func withoutRenewalsLeadershipEndsBeforeTheLeaseDoes() {
        var core = self.core()
        core.wrote(self.lease(Self.record("me", "t0")), sent: self.at(0), now: self.at(1))
        core.failed(now: self.at(9), jitter: 1)
        // Not 2.4 s: the end of leadership comes before.
        #expect(core.decide(now: self.at(9), written: "t", jitter: 1) == .wait(.seconds(1)))
        #expect(core.decide(now: self.at(10), written: "t", jitter: 1) == .stepDown)
        #expect(core.leadsUntil == nil)
    }

    @Test func aLeaderWhoseLeaseWasTakenStepsDown() {
        var core = self.core()
        core.wrote(self.lease(Self.record("me", "t0")), sent: self.at(0), now: self.at(0))
        core.failed(now: self.at(2), jitter: 0)
        #expect(core.decide(now: self.at(4), written: "t", jitter: 0) == .read)
        core.read(self.lease(Self.record("other", "t4"), version: "2"), now: self.at(4))
        #expect(core.decide(now: self.at(4), written: "t", jitter: 0) == .stepDown)
    }

    /// Several candidates on one lease, with requests that fail, come late or are done unseen:
    /// never two leaders at one time.
    @Test func thereAreNeverTwoLeaders() {
        let seed = TestSeed()
        var generator = seed.generator
        var terms = 0
        for _ in 0..<40 {
            var server = FakeLease()
            var cores = (0..<3).map { self.core("c\($0)") }
            var wakes = [0.0, 0.0, 0.0]
            var now = 0.0
            while now < 200 {
                guard let index = wakes.indices.min(by: { wakes[$0] < wakes[$1] }) else { return }
                now = max(now, wakes[index])
                wakes[index] = self.turn(&cores[index], &server, now, &generator)
                let leaders = cores.count { $0.isLeading(at: self.at(now)) }
                #expect(leaders <= 1, "\(seed) at \(now)")
                if leaders > 1 { return }
            }
            terms += server.record?.transitions ?? 0
        }
        // Else nothing was tried.
        #expect(terms > 10)
    }

    private struct FakeLease {
        var record: LeaseRecord?
        var version = 0
    }

    /// One decision of one candidate; returns when it is asked again.
    private func turn(
        _ core: inout ElectionCore,
        _ server: inout FakeLease,
        _ now: Double,
        _ generator: inout SeededGenerator
    ) -> Double {
        let answered = now + Double.random(in: 0.001...3, using: &generator)
        let isDone = Int.random(in: 0..<10, using: &generator) > 0
        let isHeard = Int.random(in: 0..<10, using: &generator) > 1
        switch core.decide(now: self.at(now), written: "\(now)", jitter: 0.5) {
        case .wait(let pause):
            // Some machines stop for a while.
            let stop = Int.random(in: 0..<20, using: &generator) == 0 ? 30.0 : 0
            let seconds = Double(pause.components.seconds)
            return now + seconds + Double(pause.components.attoseconds) * 1e-18 + stop
        case .stepDown: return now
        case .read:
            if isDone, isHeard {
                core.read(
                    server.record.map { self.lease($0, version: "\(server.version)") },
                    now: self.at(answered)
                )
            } else {
                core.failed(now: self.at(answered), jitter: 0.5)
            }
        case .create(let record):
            self.write(record, over: nil, &core, &server, (now, answered), (isDone, isHeard))
        case .replace(let record, let version):
            self.write(record, over: version, &core, &server, (now, answered), (isDone, isHeard))
        }
        return answered
    }

    private func write(
        _ record: LeaseRecord,
        over version: String?,
        _ core: inout ElectionCore,
        _ server: inout FakeLease,
        _ time: (sent: Double, answered: Double),
        _ luck: (isDone: Bool, isHeard: Bool)
    ) {
        let isCurrent = version == (server.record == nil ? nil : "\(server.version)")
        if luck.isDone, isCurrent {
            server.version += 1
            server.record = record
        }
        guard luck.isDone, luck.isHeard, isCurrent else {
            return core.failed(now: self.at(time.answered), jitter: 0.5)
        }
        core.wrote(
            self.lease(record, version: "\(server.version)"),
            sent: self.at(time.sent),
            now: self.at(time.answered)
        )
    }
}

/// The election over HTTP.
@Suite(.timeLimit(.minutes(10))) struct LeaseElectionTests {
    /// A server that keeps one object, with its version.
    private final class OneObject: Sendable {
        private let object = Locked(JSON?.none)
        private let isDown = Locked(false)

        var current: KubeObject? { self.object.withLock { $0 }.map(KubeObject.init) }
        func fail() { self.isDown.withLock { $0 = true } }

        func reply(_ request: FakeServer.Request) -> FakeServer.Reply {
            if self.isDown.withLock({ $0 }) { return .failure(500, "InternalError") }
            return self.object.withLock { object in
                guard request.method != "GET" else {
                    return object.map(FakeServer.Reply.ok) ?? .failure(404, "NotFound")
                }
                let version = object?["metadata", "resourceVersion"]
                if request.method == "POST", object != nil {
                    return .failure(409, "AlreadyExists")
                }
                guard
                    request.method == "POST"
                        || request.json?["metadata", "resourceVersion"] == version
                else { return .failure(409, "Conflict") }
                var stored = request.json ?? [:]
                let next = (version?.string.flatMap { Int($0) } ?? 0) + 1
                stored.set(.string("\(next)"), at: "metadata", "resourceVersion")
                object = stored
                return .ok(stored)
            }
        }
    }

    private static let key = ObjectKey("godwit", "controller")

    @Test func oneLeadsAndGivesTheLeaseBackToTheNext() async throws {
        let store = OneObject()
        try await FakeServer.run {
            store.reply($0)
        } during: { server in
            let client = try server.client(environment: .live(variables: [:]))
            let times = ElectionTimes(
                lease: .seconds(60),
                renewal: .seconds(50),
                retry: .milliseconds(50)
            )
            func candidate(_ name: String) -> LeaseElection {
                LeaseElection(client, lease: Self.key, identity: name, times: times)
            }
            let (first, second) = (candidate("first"), candidate("second"))
            let (led, leading) = AsyncStream<String>.makeStream()
            func start(_ election: LeaseElection, _ name: String) -> Task<Void, any Error> {
                Task {
                    try await election.run {
                        leading.yield(name)
                        let (never, _) = AsyncStream<Void>.makeStream()
                        for await _ in never {}
                    }
                }
            }
            var names = led.makeAsyncIterator()
            let one = start(first, "first")
            #expect(await names.next() == "first")
            #expect(first.isLeading)
            let two = start(second, "second")
            first.stop()
            try await one.value
            #expect(!first.isLeading)
            #expect(await names.next() == "second")
            #expect(store.current?["spec", "holderIdentity"] == "second")
            #expect(store.current?["spec", "leaseTransitions"] == 1)
            #expect(!first.isLeading)
            second.stop()
            try await two.value
            #expect(store.current?["spec", "holderIdentity"] == "")
        }
    }

    @Test func whenTheServerFailsTheWorkEndsInTime() async throws {
        let store = OneObject()
        let now = Locked(ContinuousClock.now)
        var environment = testEnvironment()
        environment.instant = { now.withLock { $0 } }
        // Time goes on by waiting only.
        environment.wait = { pause in
            try Task.checkCancellation()
            now.withLock { $0 += pause }
            await Task.yield()
        }
        let given = environment
        try await FakeServer.run {
            store.reply($0)
        } during: { server in
            var limits = ClientLimits()
            limits.attempts = 1
            let client = try server.client(limits: limits, environment: given)
            let election = LeaseElection(client, lease: Self.key, identity: "me")
            let (ends, end) = AsyncStream<Void>.makeStream()
            let run = Task {
                try await election.run {
                    store.fail()
                    let (never, _) = AsyncStream<Void>.makeStream()
                    for await _ in never {}
                    end.yield()
                }
            }
            for await _ in ends { break }
            #expect(!election.isLeading)
            run.cancel()
            _ = await run.result
        }
    }

    @Test func workThatEndsByItselfEndsTheElection() async throws {
        let store = OneObject()
        try await FakeServer.run {
            store.reply($0)
        } during: { server in
            let election = LeaseElection(
                try server.client(),
                lease: Self.key,
                identity: "me"
            )
            try await election.run {}
            #expect(store.current?["spec", "holderIdentity"] == "")
            #expect(store.current?["spec", "leaseDurationSeconds"] == 1)
        }
    }
}
