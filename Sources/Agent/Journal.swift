// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Catalogue
import Foundation
import Logging

/// Says what happens twice: as a log line, and as an event that survives restarts.
struct Journal: Sendable {
    let catalogue: Catalogue
    let logger: Logger
    let now: @Sendable () -> Date

    /// Notes one event, never a secret.
    ///
    /// The reason is one word in camel case.
    func note(
        _ reason: String,
        _ message: String,
        volume: String? = nil,
        pair: String? = nil,
        transfer: String? = nil,
        level: Logger.Level = .info
    ) {
        let event = EventEntry(
            time: self.now(),
            reason: reason,
            message: message,
            volume: volume,
            pair: pair,
            transfer: transfer
        )
        self.log(event, level: level)
        do { try self.catalogue.append(event) } catch {
            self.logger.error("event not stored", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// Only the log line, for an event that is stored with something else.
    func log(_ event: EventEntry, level: Logger.Level) {
        var metadata: Logger.Metadata = ["reason": "\(event.reason)"]
        if let volume = event.volume { metadata[LogKey.volume] = "\(volume)" }
        if let pair = event.pair { metadata[LogKey.pair] = "\(pair)" }
        if let transfer = event.transfer { metadata[LogKey.transfer] = "\(transfer)" }
        self.logger.log(level: level, "\(event.message)", metadata: metadata)
    }
}
