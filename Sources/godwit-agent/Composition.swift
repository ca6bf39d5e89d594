// SPDX-License-Identifier: Apache-2.0

import Agent
import AgentAPI
import Foundation
import Logging

/// The only place that looks at clocks, the terminal and the machine.
enum Composition {
    static func environment(_ configuration: AgentConfiguration) -> AgentEnvironment {
        let isJSON =
            switch configuration.logFormat {
            case .json: true
            case .human: false
            case .auto: isatty(2) == 0
            }
        // A reader of the log that went away must not end the agent.
        signal(SIGPIPE, SIG_IGN)
        let now: @Sendable () -> Date = { Date() }
        let threshold = LogThreshold(configuration.logLevel)
        let logger = Logger(label: "godwit-agent") { _ in
            LogOutput(
                isJSON: isJSON,
                threshold: threshold,
                now: now,
                write: { Self.write($0) }
            )
        }
        return AgentEnvironment(
            now: now,
            monotonicNanoseconds: { DispatchTime.now().uptimeNanoseconds },
            hostName: ProcessInfo.processInfo.hostName,
            logger: logger,
            setLogLevel: { threshold.level = $0 },
            stuck: { _exit(1) }
        )
    }

    /// Tells why the agent does not run, and ends with the documented code.
    static func fail(_ error: APIError) -> Never {
        var text = "error: \(error.message)   [\(error.id.rawValue)]"
        if let cause = error.cause { text += "\n  cause  \(cause)" }
        if let remedy = error.try { text += "\n  try    \(remedy)" }
        Self.write(text)
        Foundation.exit(error.exitCode)
    }

    private static func write(_ line: String) {
        try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
    }
}
