// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import Locks
import Logging
import ObjectModel

/// What a controller needs of its surroundings; tests put their own in.
struct ControllerEnvironment: Sendable {
    /// The time of day.
    var now: @Sendable () -> Timestamp
    /// A clock that nobody sets, from an origin of its own.
    var elapsed: @Sendable () -> Duration
    /// Waits; throws when the task is cancelled.
    var wait: @Sendable (Duration) async throws -> Void
    /// A number from 0 up to, but not including, 1.
    var jitter: @Sendable () -> Double
    var logger: Logger
    /// Counts what the controllers do.
    var statistics = ControlPlaneStatistics()

    /// Notes that a watch has failed; it begins again by itself.
    var watchFailed: @Sendable (ClusterError) -> Void {
        { error in
            self.logger.warning("watch failed", metadata: ["error": "\(error)"])
        }
    }
}

/// When a key is to be looked at again.
enum Requeue: Hashable, Sendable {
    /// When something changes.
    case onChange
    case after(Duration)
}

/// Brings the objects of one kind to what they ask for, several at once, each by one worker.
///
/// Level-based: a key says that something may have changed, never what. A look at a steady object
/// writes nothing.
final class Controller: Sendable {
    /// Of the field manager and the log.
    let name: String
    let environment: ControllerEnvironment
    private let queue: Locked<WorkQueue<ObjectKey>>
    private let wakeups: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    /// A controller that does nothing until ``run(_:)``.
    ///
    /// - Parameters:
    ///   - name: of the field manager and the log.
    ///   - workers: the most keys that are looked at at once.
    ///   - environment: clocks and the log.
    init(
        _ name: String,
        workers: Int = 10,
        environment: ControllerEnvironment
    ) {
        self.name = name
        self.environment = environment
        self.queue = Locked(WorkQueue(workers: workers))
        (self.wakeups, self.wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Asks for a look at a key.
    func enqueue(_ key: ObjectKey) {
        let now = self.environment.elapsed()
        self.queue.withLock { $0.add(key, now: now) }
        self.wake.yield()
    }

    /// Works until the task is cancelled; what is under way is cancelled with it.
    ///
    /// - Parameter reconcile: one look at one key.
    func run(_ reconcile: @escaping @Sendable (ObjectKey) async throws -> Requeue) async {
        await withDiscardingTaskGroup { group in
            self.wake.yield()
            var alarm: Duration?
            for await _ in self.wakeups {
                let now = self.environment.elapsed()
                while let taken = self.queue.withLock({ $0.take(now: now) }) {
                    group.addTask { await self.work(on: taken.key, taken.waited, reconcile) }
                }
                if let due = alarm, due <= now { alarm = nil }
                // One alarm for the earliest key; a later one rings for nothing, and is heard.
                guard let due = self.queue.withLock({ $0.nextDue }) else { continue }
                guard alarm.map({ due < $0 }) ?? true else { continue }
                alarm = due
                group.addTask {
                    try? await self.environment.wait(due - now)
                    self.wake.yield()
                }
            }
            group.cancelAll()
        }
    }

    private func work(
        on key: ObjectKey,
        _ waited: Duration,
        _ reconcile: @Sendable (ObjectKey) async throws -> Requeue
    ) async {
        let outcome: WorkQueue<ObjectKey>.Outcome
        let begun = self.environment.elapsed()
        do {
            switch try await reconcile(key) {
            case .onChange: outcome = .settled
            case .after(let wait): outcome = .again(after: wait)
            }
        } catch let error as ClusterError where error.reason == .conflict {
            outcome = .overtaken
        } catch {
            outcome = .failed
            if !Task.isCancelled {
                self.environment.logger.warning(
                    "look at an object failed",
                    metadata: [
                        "controller": "\(self.name)", "object": "\(key)", "error": "\(error)",
                    ]
                )
            }
        }
        let now = self.environment.elapsed()
        self.environment.statistics.looked(
            self.name,
            waited: waited,
            took: now - begun,
            hasFailed: outcome == .failed
        )
        self.queue.withLock { $0.finish(key, outcome, now: now) }
        self.wake.yield()
    }
}
