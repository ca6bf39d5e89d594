// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// Which program answers, and what it speaks.
public struct VersionInfo: Codable, Hashable, Sendable {
    /// The version of the release.
    public let version: String
    /// Major and minor of the wire protocol, such as `1.0`.
    public let protocolVersion: String
    /// The agent's cluster identity, 32 hexadecimal digits.
    public let cluster: String?
    /// Where this agent takes data and API requests, after port 0 was resolved.
    public let data: String?
    /// Where the API is reached.
    public let api: String?
    /// Where controllers of the same cluster reach the agent; nil where they do not.
    public let control: String?

    /// The versions of one program.
    public init(
        version: String,
        protocolVersion: String,
        cluster: String? = nil,
        data: String? = nil,
        api: String? = nil,
        control: String? = nil
    ) {
        self.version = version
        self.protocolVersion = protocolVersion
        self.cluster = cluster
        self.data = data
        self.api = api
        self.control = control
    }
}

/// The version of this release; kept with CHANGELOG.md.
public enum Release {
    /// The version of the release.
    public static let version = "0.1.0"

    /// What this release speaks on 9010; a test compares it with `WireProtocol`.
    public static let protocolVersion = "1.0"
}

/// One thing that happened, kept over restarts.
public struct EventInfo: Codable, Hashable, Sendable {
    /// When it happened.
    public let time: Date
    /// One word in camel case, such as `TransferSucceeded`.
    public let reason: String
    /// What happened: one sentence.
    public let message: String
    /// The name of the volume.
    public let volume: String?
    /// The name of the pair.
    public let pair: String?
    /// The identity of the transfer.
    public let transfer: String?

    /// One event with what it is about.
    public init(
        time: Date,
        reason: String,
        message: String,
        volume: String? = nil,
        pair: String? = nil,
        transfer: String? = nil
    ) {
        self.time = time
        self.reason = reason
        self.message = message
        self.volume = volume
        self.pair = pair
        self.transfer = transfer
    }
}
