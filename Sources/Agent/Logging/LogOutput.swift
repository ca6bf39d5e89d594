// SPDX-License-Identifier: Apache-2.0

import AgentAPI
public import Foundation
import Locks
public import Logging

/// The keys that log lines carry, so that one transfer can be followed by its identity.
enum LogKey {
    static let transfer = "transfer"
    static let volume = "volume"
    static let pair = "pair"
    static let error = "error"
    static let reason = "reason"
    /// Bytes that were durable at the destination before, and are not sent again (P5).
    static let resumedBytes = "resumedBytes"
    /// Bytes of data that the run had sent until then, before compression.
    static let sentBytes = "sentBytes"
    /// What a session brought, and how much of it is durable.
    static let receivedBytes = "receivedBytes"
    static let durableBytes = "durableBytes"
}

/// The least severe level that is written, which may change while loggers exist.
public final class LogThreshold: Sendable {
    private let value: Locked<LogLevel>

    /// A threshold that stands at a level.
    public init(_ level: LogLevel) { self.value = Locked(level) }

    /// Where it stands.
    public var level: LogLevel {
        get { self.value.withLock { $0 } }
        set { self.value.withLock { $0 = newValue } }
    }
}

/// Writes log lines to standard error: for people, or as one JSON object each.
public struct LogOutput: LogHandler {
    /// The least severe level that is written: the threshold's, or what this logger was told.
    public var logLevel: Logger.Level {
        get { self.ownLevel ?? Logger.Level(rawValue: self.threshold.level.rawValue) ?? .info }
        set { self.ownLevel = newValue }
    }
    /// What every line carries.
    public var metadata: Logger.Metadata = [:]
    private var ownLevel: Logger.Level?
    private let threshold: LogThreshold
    private let isJSON: Bool
    private let now: @Sendable () -> Date
    private let write: @Sendable (String) -> Void

    /// A handler that calls `write` with each finished line.
    public init(
        isJSON: Bool,
        threshold: LogThreshold,
        now: @escaping @Sendable () -> Date,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.isJSON = isJSON
        self.threshold = threshold
        self.now = now
        self.write = write
    }

    /// One value of what every line carries.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    /// Writes one event as one line.
    public func log(event: LogEvent) {
        var values = self.metadata
        for (key, value) in event.metadata ?? [:] { values[key] = value }
        var facts = values.mapValues { "\($0)" }
        if let error = event.error { facts[LogKey.error] = "\(error)" }
        let time = self.now().formatted(.iso8601)
        self.write(
            self.isJSON
                ? Self.json(time, event.level, "\(event.message)", facts)
                : Self.human(time, event.level, "\(event.message)", facts)
        )
    }

    static func json(
        _ time: String,
        _ level: Logger.Level,
        _ message: String,
        _ facts: [String: String]
    ) -> String {
        var object = facts
        object["time"] = time
        object["level"] = level.rawValue
        object["message"] = message
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(object) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }

    static func human(
        _ time: String,
        _ level: Logger.Level,
        _ message: String,
        _ facts: [String: String]
    ) -> String {
        let shown = facts.sorted { $0.key < $1.key }
            .map { "\($0.key)=\($0.value.contains(" ") ? "\"\($0.value)\"" : $0.value)" }
        let text = "\(time) \(level.rawValue.uppercased()) \(message)"
        return PlainText.line(([text] + shown).joined(separator: "  "))
    }
}
