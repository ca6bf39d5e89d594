// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// The token that lets another cluster pair with this one.
public struct TokenInfo: Codable, Hashable, Sendable {
    /// 128 hexadecimal digits.
    public let token: String

    /// The answer that shows `token` to the local administrator.
    public init(token: String) { self.token = token }
}

/// What a pair lets us do.
public enum PairDirection: String, Codable, Hashable, Sendable, CaseIterable {
    /// We send our volumes there.
    case outgoing
    /// It sends its volumes here.
    case incoming
}

/// Whether a full transfer is made now and then, or never when a base exists.
public enum PairMode: String, Codable, Hashable, Sendable, CaseIterable {
    /// Every seventh transfer of a volume is full.
    case migration = "Migration"
    /// Always incremental when a base exists.
    case disasterRecovery = "DisasterRecovery"
}

/// One pair, as the API shows it.
public struct PairInfo: Codable, Hashable, Sendable {
    /// The name that people use.
    public let name: String
    /// Which way the bytes go.
    public let direction: PairDirection
    /// The other agent's cluster identity, 32 hexadecimal digits.
    public let cluster: String
    /// Where the other agent's API is.
    public let host: String?
    /// The port of the API.
    public let apiPort: Int?
    /// Where its data port is.
    public let dataPort: Int?
    /// Full, incremental, or as the pair says.
    public let mode: PairMode
    /// When it was made.
    public let created: Date
    /// When the certificate that opens the destination ends; renewed well before.
    public let certificateExpires: Date?
    /// SHA-256 of the other side's CA certificate, to compare by eye.
    public let fingerprint: String?
    /// Bytes per second of all transfers to it together; nil for none.
    public let limit: UInt64?

    /// A pair with all its facts.
    public init(
        name: String,
        direction: PairDirection,
        cluster: String,
        host: String?,
        apiPort: Int?,
        dataPort: Int?,
        mode: PairMode,
        created: Date,
        certificateExpires: Date?,
        fingerprint: String?,
        limit: UInt64? = nil
    ) {
        self.name = name
        self.direction = direction
        self.cluster = cluster
        self.host = host
        self.apiPort = apiPort
        self.dataPort = dataPort
        self.mode = mode
        self.created = created
        self.certificateExpires = certificateExpires
        self.fingerprint = fingerprint
        self.limit = limit
    }
}

/// Changes the bandwidth that the transfers to a pair share, also while they run.
public struct PairLimitRequest: Codable, Hashable, Sendable {
    /// Bytes per second; nil for none.
    public let limit: UInt64?

    /// A request for this limit.
    public init(limit: UInt64?) { self.limit = limit }
}

/// Asks the source agent to pair with a destination.
public struct PairCreateRequest: Codable, Sendable {
    /// The name that people use.
    public let name: String
    /// The address of the destination.
    public let ip: String
    /// The port of the destination's API.
    public let port: Int
    /// The destination's token; a secret, in this body only.
    public let token: String
    /// Full, incremental, or as the pair says.
    public let mode: PairMode
    /// Whether a pair that there is with the same agent is renewed under the name and with the mode
    /// it has; without it, another name is refused.
    public let adopt: Bool?

    /// A request for one pair.
    public init(
        name: String,
        ip: String,
        port: Int,
        token: String,
        mode: PairMode,
        adopt: Bool? = nil
    ) {
        self.name = name
        self.ip = ip
        self.port = port
        self.token = token
        self.mode = mode
        self.adopt = adopt
    }
}

/// What the other agent of a pair answered, when it was asked over the pair's own certificate.
public struct PairCheck: Codable, Hashable, Sendable {
    /// The name that people use.
    public let name: String
    /// The other agent's cluster identity, 32 hexadecimal digits.
    public let cluster: String
    /// The version of the other agent's release.
    public let version: String
    /// Major and minor of the wire protocol that it speaks.
    public let protocolVersion: String

    /// The answer of one agent.
    public init(name: String, cluster: String, version: String, protocolVersion: String) {
        self.name = name
        self.cluster = cluster
        self.version = version
        self.protocolVersion = protocolVersion
    }
}

/// Which ports the other agent of a pair is to look for, at the address that asks.
public struct PairReachRequest: Codable, Hashable, Sendable {
    /// Of the API.
    public let apiPort: Int
    /// Of the data.
    public let dataPort: Int

    /// Ports of the agent that asks.
    public init(apiPort: Int, dataPort: Int) {
        self.apiPort = apiPort
        self.dataPort = dataPort
    }
}

/// Whether the other agent of a pair reaches this one, as it must for a failback.
public struct PairReach: Codable, Hashable, Sendable {
    /// One port of this agent, seen from there.
    public struct Port: Codable, Hashable, Sendable {
        /// The port.
        public let number: Int
        /// Why it is not reached; nil where it is.
        public let problem: String?
        /// What to look at there; nil where it is reached.
        public let remedy: String?

        /// What an attempt has shown.
        public init(number: Int, problem: String?, remedy: String?) {
            self.number = number
            self.problem = problem
            self.remedy = remedy
        }
    }

    /// This agent's address, as the other one sees it.
    public let address: String
    /// API and data, in this order.
    public let ports: [Port]

    /// What the attempts have shown.
    public init(address: String, ports: [Port]) {
        self.address = address
        self.ports = ports
    }
}
