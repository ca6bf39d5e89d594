// SPDX-License-Identifier: Apache-2.0

import Foundation
import Locks

/// Kills a process at an instant that files tell: the n-th thing that happens in a pool.
///
/// Reads, writes, new files and renames are what the steps of freeze, diff, staging, commit and
/// switch consist of, so a random number falls into all of them, however short they are. No clock is
/// asked. Between the thing and the kill pass some ten microseconds, which nobody controls.
final class KillInstant: Sendable {
    /// How far a pool has got since its events are counted.
    struct Moment: Sendable {
        /// What happened so far; a long copy makes most of it.
        var events = 0
        /// The same for each name of a file.
        var byName: [String: Int] = [:]
        /// Where the last thing happened.
        var path = ""
    }

    private struct State {
        var moment = Moment()
        var isArmed = false
        var killedAt: String?
    }

    private let state = Locked(State())
    private let events = Locked<FileEvents?>(nil)

    private static let mask = UInt32(
        IN_ACCESS | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE
    )

    /// Begins to look at a pool and all that is below it; nothing is counted yet.
    init(in pool: String) throws {
        let events = try FileEvents { events, event in
            if event.isDirectory, event.isNew { Self.watch(event.path, events) }
            self.happened(event)
        }
        Self.watch(pool, events)
        self.events.withLock { $0 = events }
    }

    /// From now on counts, and kills when `isNow` says so.
    func arm(
        _ victim: RunningCommand,
        when isNow: @escaping @Sendable (Moment) -> Bool
    ) {
        self.decision.withLock { $0 = (victim, isNow) }
        self.state.withLock { $0.isArmed = true }
    }

    private let decision = Locked<(RunningCommand, @Sendable (Moment) -> Bool)?>(nil)

    /// Looks no more; how far the pool got, and at which file's event the victim was killed.
    func end() -> (moment: Moment, killedAt: String?) {
        self.events.withLock { events in
            events?.stop()
            events = nil
        }
        return self.state.withLock { ($0.moment, $0.killedAt) }
    }

    private func happened(_ event: FileEvents.Event) {
        // Our own look at a new directory.
        guard !event.isDirectory || event.isNew else { return }
        let moment = self.state.withLock { state -> Moment? in
            guard state.isArmed, state.killedAt == nil else { return nil }
            state.moment.events += 1
            state.moment.byName[event.name, default: 0] += 1
            state.moment.path = event.path
            return state.moment
        }
        guard let moment, let (victim, isNow) = self.decision.withLock({ $0 }), isNow(moment)
        else { return }
        victim.signal(SIGKILL)
        self.state.withLock { $0.killedAt = event.name }
    }

    private static func watch(_ directory: String, _ events: FileEvents) {
        events.watch(directory, Self.mask)
        // What came into it before the watch was set is not told.
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            var isDirectory: ObjCBool = false
            let path = "\(directory)/\(name)"
            if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
                isDirectory.boolValue
            {
                Self.watch(path, events)
            }
        }
    }
}
