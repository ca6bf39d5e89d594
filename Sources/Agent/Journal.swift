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
    private let crowds = Crowds()

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

    /// Notes what a peer can make happen as often as it likes: of each reason and pair at most
    /// ``Crowds/limit`` in ``Crowds/period``, in the log and as events (P6).
    ///
    /// The log says where the telling stops, and with the next one that is told how many were left out.
    func noteSome(
        _ reason: String,
        _ message: String,
        volume: String? = nil,
        pair: String? = nil,
        transfer: String? = nil,
        level: Logger.Level
    ) {
        let whose = pair.map { " of pair \($0)" } ?? ""
        let place = self.crowds.enter("\(reason)/\(pair ?? "")", at: self.now())
        guard case .told(let leftOut, let isLast) = place else { return }
        let facts: Logger.Metadata = [LogKey.reason: "\(reason)", LogKey.pair: "\(pair ?? "")"]
        if leftOut > 0 {
            self.logger.log(
                level: level,
                "\(leftOut) more of \(reason)\(whose) were left out here",
                metadata: facts
            )
        }
        self.note(
            reason,
            message,
            volume: volume,
            pair: pair,
            transfer: transfer,
            level: level
        )
        guard isLast else { return }
        self.logger.log(
            level: level,
            "more of \(reason)\(whose) are only counted for \(Int(Crowds.period)) seconds",
            metadata: facts
        )
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

/// How many of a kind were told lately, and how many were not.
///
/// As large as the number of kinds: reasons are ours, and pairs are made by people.
final class Crowds: Sendable {
    enum Place: Equatable {
        /// It is told; so many before it were not. After the last one they are only counted.
        case told(leftOut: Int, isLast: Bool)
        case leftOut
    }

    /// Enough for who sends many volumes at once; with 144 an hour of each kind a pair needs days
    /// to push the events of others out.
    static let limit = 24

    /// Seconds in which at most ``limit`` are told.
    static let period = 600.0

    private struct Crowd {
        let since: Date
        var count = 0
    }

    private let crowds = Locked<[String: Crowd]>([:])

    func enter(_ kind: String, at now: Date) -> Place {
        self.crowds.withLock { crowds in
            var crowd = crowds[kind] ?? Crowd(since: now)
            var leftOut = 0
            // A clock that was set back must not silence anything for longer.
            if abs(now.timeIntervalSince(crowd.since)) >= Self.period {
                leftOut = max(0, crowd.count - Self.limit)
                crowd = Crowd(since: now)
            }
            // Counted by us, one for each offer: 2^63 of them do not come.
            crowd.count += 1
            crowds[kind] = crowd
            guard crowd.count <= Self.limit else { return .leftOut }
            return .told(leftOut: leftOut, isLast: crowd.count == Self.limit)
        }
    }
}
