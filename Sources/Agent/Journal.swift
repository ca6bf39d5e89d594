// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Catalogue
import Foundation
import Locks
import Logging

/// Says what happens twice: as a log line, and as an event that survives restarts.
struct Journal: Sendable {
    let catalogue: Catalogue
    let logger: Logger
    let now: @Sendable () -> Date
    private let repetitions = Repetitions()

    init(catalogue: Catalogue, logger: Logger, now: @escaping @Sendable () -> Date) {
        self.catalogue = catalogue
        self.logger = logger
        self.now = now
    }

    /// Notes one event, never a secret.
    ///
    /// The reason is one word in camel case. Facts are for programs that read the log: exact numbers,
    /// where the message has rounded ones.
    func note(
        _ reason: String,
        _ message: String,
        volume: String? = nil,
        pair: String? = nil,
        transfer: String? = nil,
        level: Logger.Level = .info,
        facts: Logger.Metadata = [:]
    ) {
        let event = EventEntry(
            time: self.now(),
            reason: reason,
            message: message,
            volume: volume,
            pair: pair,
            transfer: transfer
        )
        // First: who reads the line may ask for the event.
        self.keep(event)
        self.log(event, level: level, facts: facts)
    }

    /// Notes what repeats itself, or what anybody can make happen: each time in the log, and of each
    /// reason and pair one in a while as an event.
    ///
    /// Events that are kept push older ones out, and those may be the ones that matter.
    func noteSeldom(
        _ reason: String,
        _ message: String,
        pair: String? = nil,
        every seconds: Double,
        level: Logger.Level
    ) {
        let now = self.now()
        let event = EventEntry(time: now, reason: reason, message: message, pair: pair)
        if self.repetitions.isDue("\(reason)/\(pair ?? "")", every: seconds, at: now) {
            self.keep(event)
        }
        self.log(event, level: level)
    }

    private func keep(_ event: EventEntry) {
        do { try self.catalogue.append(event) } catch {
            self.logger.error("event not stored", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// Only the log line, for an event that is stored with something else.
    func log(_ event: EventEntry, level: Logger.Level, facts: Logger.Metadata = [:]) {
        var metadata = facts
        metadata[LogKey.reason] = "\(event.reason)"
        if let volume = event.volume { metadata[LogKey.volume] = "\(volume)" }
        if let pair = event.pair { metadata[LogKey.pair] = "\(pair)" }
        if let transfer = event.transfer { metadata[LogKey.transfer] = "\(transfer)" }
        self.logger.log(level: level, "\(event.message)", metadata: metadata)
    }
}

/// When something was told the last time.
private final class Repetitions: Sendable {
    private let told = Locked<[String: Date]>([:])

    func isDue(_ what: String, every seconds: Double, at now: Date) -> Bool {
        self.told.withLock { told in
            // A clock that was set back must not silence anything for longer.
            if let last = told[what], abs(now.timeIntervalSince(last)) < seconds { return false }
            told[what] = now
            return true
        }
    }
}
