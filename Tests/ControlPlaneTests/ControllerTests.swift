// SPDX-License-Identifier: Apache-2.0

import Locks
import Logging
import ObjectModel
import Testing

@testable import ControlPlane

@Suite(.timeLimit(.minutes(10))) struct ControllerTests {
    private struct Broken: Error {}

    /// A clock that jumps to the end of every wait.
    private func environment() -> ControllerEnvironment {
        let clock = Locked(Duration.zero)
        return ControllerEnvironment(
            now: { Timestamp(seconds: 0) },
            elapsed: { clock.withLock { $0 } },
            wait: { duration in
                try Task.checkCancellation()
                clock.withLock { $0 += duration }
                await Task.yield()
            },
            jitter: { 0 },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// Runs a controller until `body` has seen enough.
    private func running(
        _ controller: Controller,
        _ reconcile: @escaping @Sendable (ObjectKey) async throws -> Requeue,
        _ body: @escaping @Sendable () async -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await controller.run(reconcile) }
            await body()
            group.cancelAll()
        }
    }

    @Test func everyKeyIsLookedAtAndFailuresAreTriedAgain() async {
        let controller = Controller("test", environment: self.environment())
        let (looks, look) = AsyncStream<ObjectKey>.makeStream(bufferingPolicy: .bufferingOldest(99))
        let failures = Locked(3)
        controller.enqueue(ObjectKey("n", "steady"))
        controller.enqueue(ObjectKey("n", "broken"))
        let seen = Locked<[String]>([])
        await self.running(controller) { key in
            look.yield(key)
            guard key.name == "broken" else { return .onChange }
            let isBroken = failures.withLock { left in
                left -= 1
                return left >= 0
            }
            if isBroken { throw Broken() }
            return .onChange
        } _: {
            for await key in looks {
                let count = seen.withLock { seen in
                    seen.append(key.name)
                    return seen.count
                }
                if count == 5 { break }
            }
        }
        let names = seen.withLock { $0 }
        #expect(names.filter { $0 == "steady" }.count == 1)
        #expect(names.filter { $0 == "broken" }.count == 4)
    }

    @Test func workThatGoesOnIsLookedAtAgainByItself() async {
        let controller = Controller("test", environment: self.environment())
        let (looks, look) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingOldest(99))
        controller.enqueue(ObjectKey("n", "a"))
        await self.running(controller) { _ in
            look.yield()
            return .after(.seconds(10))
        } _: {
            var count = 0
            for await _ in looks {
                count += 1
                if count == 3 { break }
            }
            #expect(count == 3)
        }
    }

    @Test func cancellingEndsWhatIsUnderWay() async {
        let controller = Controller("test", environment: self.environment())
        let (begun, begin) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingOldest(1))
        let wasCancelled = Locked(false)
        controller.enqueue(ObjectKey("n", "a"))
        await self.running(controller) { _ in
            begin.yield()
            // Ends only when it is cancelled.
            let (never, hold) = AsyncStream<Never>.makeStream()
            _ = hold
            for await _ in never {}
            wasCancelled.withLock { $0 = Task.isCancelled }
            return .onChange
        } _: {
            for await _ in begun { break }
        }
        #expect(wasCancelled.withLock { $0 })
    }
}
