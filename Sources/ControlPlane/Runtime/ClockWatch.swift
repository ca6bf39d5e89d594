// SPDX-License-Identifier: Apache-2.0

import Logging
import ObjectModel

/// Sees that the clock of the machine was set: timers count the time that passes and would ring too
/// late or too early.
///
/// One look a minute for a whole process, which asks nobody; Linux tells of it in no way that could be
/// awaited here.
struct ClockWatch: Sendable {
    private static let interval = Duration.seconds(60)
    /// What clocks that are slowly put right are off in a minute.
    private static let tolerance = Duration.seconds(2)

    let environment: ControllerEnvironment
    /// Called after the clock was set.
    let onJump: @Sendable () -> Void

    /// Looks until the task is cancelled.
    func run() async {
        var former = self.distance
        while !Task.isCancelled {
            do { try await self.environment.wait(Self.interval) } catch { return }
            let present = self.distance
            if abs(present - former) > Self.tolerance {
                self.environment.logger.warning("the clock was set")
                self.onJump()
            }
            former = present
        }
    }

    /// How far the clock is from one that nobody sets.
    private var distance: Duration {
        .microseconds(self.environment.now().microseconds) - self.environment.elapsed()
    }

    private func abs(_ duration: Duration) -> Duration { max(duration, .zero - duration) }
}
