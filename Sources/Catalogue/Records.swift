// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// One pair of this agent, in one direction.
public struct PairEntry: Codable, Hashable, Sendable {
    /// Which way the bytes go.
    public enum Direction: String, Codable, Hashable, Sendable, CaseIterable {
        case outgoing
        case incoming
    }

    /// The name that people use.
    public var name: String
    /// Which way the bytes go.
    public var direction: Direction
    /// The other cluster's identity in hexadecimal digits.
    public var cluster: String
    /// A name or an address.
    public var host: String?
    /// The port of the API.
    public var apiPort: Int?
    /// The port that takes data.
    public var dataPort: Int?
    /// Whether every seventh transfer may be incremental too.
    public var disasterRecovery: Bool
    /// When it was made.
    public var created: Date

    /// A pair with all its facts.
    public init(
        name: String,
        direction: Direction,
        cluster: String,
        host: String?,
        apiPort: Int?,
        dataPort: Int?,
        disasterRecovery: Bool,
        created: Date
    ) {
        self.name = name
        self.direction = direction
        self.cluster = cluster
        self.host = host
        self.apiPort = apiPort
        self.dataPort = dataPort
        self.disasterRecovery = disasterRecovery
        self.created = created
    }
}

/// One transfer, in the queue or in the history.
public struct TransferEntry: Codable, Hashable, Sendable {
    /// Where it is in its life; the same words as in the API.
    public enum State: String, Codable, Hashable, Sendable, CaseIterable {
        case queued
        case running
        case waiting
        case succeeded
        case failed
        case cancelled

        /// Whether nothing more will happen.
        public var isFinal: Bool {
            switch self {
            case .queued, .running, .waiting: false
            case .succeeded, .failed, .cancelled: true
            }
        }
    }

    /// The identity, 32 hexadecimal digits.
    public var id: String
    /// The name of the volume.
    public var volume: String
    /// The name of the pair.
    public var pair: String
    /// Where it is in its life.
    public var state: State
    /// Tries so far, the running one included.
    public var attempt: Int
    /// When it was made.
    public var created: Date
    /// When the first try began.
    public var started: Date?
    /// When it ended.
    public var finished: Date?
    /// When the next try comes.
    public var nextAttempt: Date?
    /// What was asked for, as the API's JSON.
    public var request: String
    /// What it did, as the API's JSON.
    public var report: String?
    /// Why it failed, as the API's JSON.
    public var error: String?

    /// A transfer that was just asked for.
    public init(id: String, volume: String, pair: String, created: Date, request: String) {
        self.id = id
        self.volume = volume
        self.pair = pair
        self.state = .queued
        self.attempt = 0
        self.created = created
        self.request = request
    }
}

/// One thing that happened.
public struct EventEntry: Codable, Hashable, Sendable {
    /// When it happened.
    public var time: Date
    /// One word in camel case.
    public var reason: String
    /// What happened: one sentence.
    public var message: String
    /// The name of the volume.
    public var volume: String?
    /// The name of the pair.
    public var pair: String?
    /// The identity of the transfer.
    public var transfer: String?

    /// An event with what it is about.
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
