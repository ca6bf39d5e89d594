// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ControlPlane
import Foundation
import Kinds
import KubernetesClient
import Logging

/// The only place that looks at clocks, the terminal and the machine.
enum Composition {
    /// The machine's clocks and this process's variables.
    static let environment = ClientEnvironment.live(
        variables: ProcessInfo.processInfo.environment
    )

    /// A name that no other process has, for the lease and for events.
    static let identity =
        "\(ProcessInfo.processInfo.hostName)_\(UUID().uuidString.prefix(8).lowercased())"

    /// The zone of this machine.
    static let zone = ScheduleZone(TimeZone.current)

    static func logger(_ level: Logger.Level) -> Logger {
        // A reader of the log that went away must not end the controllers.
        signal(SIGPIPE, SIG_IGN)
        let isJSON = isatty(2) == 0
        var logger = Logger(label: "godwit-controller") { _ in
            LogLines(isJSON: isJSON, now: { Date() }, write: { Self.write($0) })
        }
        logger.logLevel = level
        return logger
    }

    /// Tells why the controllers do not run, and ends with the documented code.
    static func fail(_ error: APIError) -> Never {
        var text = "error: \(error.message)   [\(error.id.rawValue)]"
        if let cause = error.cause { text += "\n  cause  \(cause)" }
        if let remedy = error.try { text += "\n  try    \(remedy)" }
        Self.write(text)
        Foundation.exit(error.exitCode)
    }

    /// Writes what was asked for.
    static func show(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }

    private static func write(_ line: String) {
        try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
    }
}

/// Log lines on standard error: for people, or as one JSON object each.
struct LogLines: LogHandler {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    let isJSON: Bool
    let now: @Sendable () -> Date
    let write: @Sendable (String) -> Void

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    init(
        isJSON: Bool,
        now: @escaping @Sendable () -> Date,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.isJSON = isJSON
        self.now = now
        self.write = write
    }

    func log(event: LogEvent) {
        var facts = self.metadata.mapValues { "\($0)" }
        for (key, value) in event.metadata ?? [:] { facts[key] = "\(value)" }
        if let error = event.error { facts["error"] = "\(error)" }
        let time = self.now().formatted(.iso8601)
        self.write(
            self.isJSON ? Self.json(time, event, facts) : Self.human(time, event, facts)
        )
    }

    private static func json(
        _ time: String,
        _ event: LogEvent,
        _ facts: [String: String]
    ) -> String {
        var object = facts
        object["time"] = time
        object["level"] = event.level.rawValue
        object["message"] = "\(event.message)"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(object)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    private static func human(
        _ time: String,
        _ event: LogEvent,
        _ facts: [String: String]
    ) -> String {
        let shown = facts.sorted { $0.key < $1.key }.map { "\($0.key)=\"\($0.value)\"" }
        let line = ["\(time) \(event.level.rawValue.uppercased()) \(event.message)"] + shown
        return PlainText.line(line.joined(separator: "  "))
    }
}
