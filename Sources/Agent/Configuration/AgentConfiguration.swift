// SPDX-License-Identifier: Apache-2.0

public import AgentAPI
import BlockTypes
public import WireProtocol

/// How log lines are written.
public enum LogFormat: String, Sendable, CaseIterable {
    /// For people on a terminal, for programs elsewhere.
    case auto
    case human
    /// One object a line.
    case json
}

/// How much is logged.
public enum LogLevel: String, Sendable, CaseIterable {
    case debug
    case info
    case warning
    case error
}

/// Everything that can be set about an agent, with what holds where nothing is.
public struct AgentConfiguration: Sendable, Hashable {
    /// The pool directory; there is no default.
    public var pool: String?
    /// Where pairs send data to.
    public var data = HostPort(host: "0.0.0.0", port: 9010)
    /// Where peers reach the API.
    public var api = HostPort(host: "0.0.0.0", port: 9001)
    /// Where controllers of the same cluster reach the API of the socket; nil for nowhere.
    public var control: HostPort?
    /// The directory with `tls.crt`, `tls.key` and `ca.crt` for ``control``.
    public var controlTLS: String?
    /// How this agent is called by those it pairs with; the host's name where it is nil.
    public var name: String?
    /// Transfers at work at once; the others wait in line, and say so.
    ///
    /// Small ones wait for syncs most of the time. Large ones wait for ``threads`` first.
    public var transfers = 16
    /// Data threads of all transfers together.
    public var threads = 16
    /// Bytes per second of each transfer that asks for nothing else; nil for no limit.
    public var bandwidth: UInt64?
    /// Tries of one transfer before it fails.
    public var retries = 10
    /// Generations that a replica keeps where that is cheap.
    public var keepGenerations = 2
    /// How long a pair's certificate is good, in seconds.
    public var certificateLifetime: Double = 24 * 3600
    /// How log lines are written.
    public var logFormat = LogFormat.auto
    /// The least severe level that is written.
    public var logLevel = LogLevel.info
    /// How long a stop waits for transfers to come to a resumable point, in seconds.
    public var drainTimeout: Double = 30

    /// What the agent says on 9010 that it speaks; no key of the file sets it.
    public private(set) var protocolVersion = WireVersion.current

    /// The configuration with every default.
    public init() {}

    /// The keys whose values have changed since `former` and hold after a restart only.
    public func keysForRestart(since former: Self) -> [String] {
        let fixed: [(key: String, value: (Self) -> AnyHashable)] = [
            ("pool", { $0.pool }), ("data", { $0.data }), ("api", { $0.api }),
            ("control.address", { $0.control }), ("control.tls", { $0.controlTLS }),
            ("name", { $0.name }), ("log.format", { $0.logFormat }),
            ("drainTimeout", { $0.drainTimeout }),
        ]
        return fixed.filter { $0.value(self) != $0.value(former) }.map(\.key)
    }

    /// Makes the agent say that it speaks another protocol than it does, such as `1.1`: so that
    /// tests have a peer of a later release (docs/agent.md).
    ///
    /// - Throws: `GW5001` where `text` is no version.
    public mutating func announce(protocol text: String) throws(APIError) {
        guard let version = WireVersion(text) else {
            throw APIError(.invalidConfiguration, "'\(text)' is not a version such as 1.1.")
        }
        self.protocolVersion = version
    }
}

/// One setting: its key in the file, and how its text becomes a value.
struct Setting: Sendable {
    let key: String
    let apply: @Sendable (inout AgentConfiguration, String) throws(APIError) -> Void

    init(
        _ key: String,
        _ apply: @escaping @Sendable (inout AgentConfiguration, String) throws(APIError) -> Void
    ) {
        self.key = key
        self.apply = apply
    }

    /// Every key of the file; sections are written with a dot.
    static let all: [Setting] = [
        Setting("pool") { (configuration, text) throws(APIError) in
            configuration.pool = try Self.present(text)
        },
        Setting("data") { (configuration, text) throws(APIError) in
            configuration.data = try HostPort(text)
        },
        Setting("api") { (configuration, text) throws(APIError) in
            configuration.api = try HostPort(text)
        },
        Setting("control.address") { (configuration, text) throws(APIError) in
            configuration.control = try HostPort(text)
        },
        Setting("control.tls") { (configuration, text) throws(APIError) in
            configuration.controlTLS = try Self.present(text)
        },
        Setting("name") { (configuration, text) throws(APIError) in
            configuration.name = try Self.printable(text)
        },
        Setting("limits.transfers") { (configuration, text) throws(APIError) in
            configuration.transfers = try Self.count(text, 1...256)
        },
        Setting("limits.threads") { (configuration, text) throws(APIError) in
            configuration.threads = try Self.count(text, 1...1024)
        },
        Setting("limits.bandwidth") { (configuration, text) throws(APIError) in
            configuration.bandwidth = try ByteSize.rate(of: text)
        },
        Setting("limits.retries") { (configuration, text) throws(APIError) in
            configuration.retries = try Self.count(text, 1...1000)
        },
        Setting("keepGenerations") { (configuration, text) throws(APIError) in
            configuration.keepGenerations = try Self.count(text, 1...100)
        },
        Setting("certificates.lifetime") { (configuration, text) throws(APIError) in
            configuration.certificateLifetime = try Self.seconds(text, 1...31_536_000)
        },
        Setting("log.format") { (configuration, text) throws(APIError) in
            configuration.logFormat = try Self.choice(text)
        },
        Setting("log.level") { (configuration, text) throws(APIError) in
            configuration.logLevel = try Self.choice(text)
        },
        Setting("drainTimeout") { (configuration, text) throws(APIError) in
            configuration.drainTimeout = try Self.seconds(text, 0...3600)
        },
    ]

    private static func present(_ text: String) throws(APIError) -> String {
        guard !text.isEmpty else { throw APIError(.invalidConfiguration, "it is empty.") }
        return text
    }

    /// A name that others show to people.
    private static func printable(_ text: String) throws(APIError) -> String {
        let isClean = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard isClean, !text.isEmpty, text.utf8.count <= 253 else {
            throw APIError(
                .invalidConfiguration,
                "it must have 1 to 253 bytes and no control characters.",
                try: "leave it out for the name of the machine"
            )
        }
        return text
    }

    private static func count(_ text: String, _ range: ClosedRange<Int>) throws(APIError) -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw APIError(
                .invalidConfiguration,
                "'\(text)' is not a number from \(range.lowerBound) to \(range.upperBound)."
            )
        }
        return number
    }

    private static func choice<Value: RawRepresentable<String> & CaseIterable>(
        _ text: String
    ) throws(APIError) -> Value {
        if let value = Value(rawValue: text) { return value }
        let names = Value.allCases.map(\.rawValue)
        throw APIError(
            .invalidConfiguration,
            "'\(text)' is none of \(names.joined(separator: ", ")).",
            try: Suggestion.nearest(to: text, in: names).map { "did you mean \($0)?" }
        )
    }

    /// A duration such as `24h`, `30m`, `90s`, `7d`.
    private static func seconds(
        _ text: String,
        _ range: ClosedRange<Double>
    ) throws(APIError) -> Double {
        let units = ["s": 1.0, "m": 60, "h": 3600, "d": 86_400]
        let unit = text.last.map { String($0) } ?? ""
        guard let scale = units[unit], let number = Double(text.dropLast()),
            range.contains(number * scale)
        else {
            throw APIError(
                .invalidConfiguration,
                "'\(text)' is not a duration from \(Int(range.lowerBound)) to "
                    + "\(Int(range.upperBound)) seconds.",
                try: "write it with s, m, h or d, such as 30s"
            )
        }
        return number * scale
    }
}
