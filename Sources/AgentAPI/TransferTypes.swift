// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// Where a transfer is in its life.
///
/// ```
/// queued ──▶ running ──▶ succeeded
///   ▲           │ └────▶ failed, cancelled
///   └ waiting ◀─┘ (a failure that passes; tried again)
/// ```
/// A restart of the agent takes `running` and `waiting` back to `queued`; nothing that has not
/// committed at the destination is ever `succeeded` (P10).
public enum TransferState: String, Codable, Hashable, Sendable, CaseIterable {
    /// It waits for its turn: the threads of this agent are at work for others.
    case queued
    /// A session with the destination is open, or is being opened.
    case running
    /// A try failed in a way that passes; the next one comes at `nextAttempt`.
    case waiting
    /// The destination committed the target generation, and both roots are equal.
    case succeeded
    /// It will not be tried again; `error` says why and what to do.
    case failed
    /// A person ended it. The destination shows its base generation.
    case cancelled

    /// Whether nothing more will happen.
    public var isFinal: Bool {
        switch self {
        case .queued, .running, .waiting: false
        case .succeeded, .failed, .cancelled: true
        }
    }
}

/// Which full transfer is asked for.
public enum FullMode: String, Codable, Hashable, Sendable, CaseIterable {
    /// Ships every allocated byte.
    case copy
    /// Compares digests of every byte on both sides, ships what differs.
    case verify
}

/// How chunks are compressed.
public enum CodecSetting: String, Codable, Hashable, Sendable, CaseIterable {
    /// Chosen for each chunk.
    case auto
    case none
    case lz4
    case deflate
    case zstd
}

/// Asks for transfers of volumes to one pair.
public struct ReplicateRequest: Codable, Hashable, Sendable {
    /// The volumes.
    public let volumes: [String]
    /// The name of the pair.
    public let pair: String
    /// The identity of the transfer, 32 lower-case hexadecimal digits; nil for a random one.
    ///
    /// Asking again under the same identity for the same volume and pair answers with the transfer
    /// that there is, whatever its state: a caller that was killed after asking may ask again.
    public let id: String?
    /// The cadence of this transfer; nil for the pair's.
    public let mode: PairMode?
    /// Which full transfer is wanted; nil for what the cadence says.
    public var full: FullMode?
    /// Bytes per second; nil for none.
    public var limit: UInt64?
    /// How chunks are compressed.
    public let codec: CodecSetting
    /// Data connections; nil for the agent's default.
    public let streams: Int?
    /// Whether a smaller volume may cut its copy.
    public let allowShrink: Bool
    /// The group whose frozen view is brought; only the agent itself says this.
    public var group: String?

    /// A request for one transfer of each volume.
    public init(
        volumes: [String],
        pair: String,
        id: String? = nil,
        mode: PairMode? = nil,
        full: FullMode? = nil,
        limit: UInt64? = nil,
        codec: CodecSetting = .auto,
        streams: Int? = nil,
        allowShrink: Bool = false
    ) {
        self.volumes = volumes
        self.pair = pair
        self.id = id
        self.mode = mode
        self.full = full
        self.limit = limit
        self.codec = codec
        self.streams = streams
        self.allowShrink = allowShrink
    }
}

/// How far a running transfer is.
///
/// Monotone within one try; never over 100 %.
public struct TransferProgress: Codable, Hashable, Sendable {
    /// What it does now: connecting, freezing, comparing, streaming, committing.
    public var phase: String
    /// Bytes to look at, fixed for the run; nil until known.
    public var totalBytes: UInt64?
    /// Of them, done.
    public var doneBytes: UInt64
    /// Bytes that were read.
    public var readBytes: UInt64
    /// Bytes found different and shipped, before compression.
    public var changedBytes: UInt64
    /// Bytes that travelled as records of zeros.
    public var zeroBytes: UInt64
    /// Bytes that the destination had already.
    public var sameBytes: UInt64
    /// Bytes of all connections, both directions.
    public var wireBytes: UInt64
    /// Bytes that were durable there before and did not travel again.
    public var resumedBytes: UInt64
    /// How long it took or takes, in seconds.
    public var seconds: Double

    /// The progress of a transfer that has not begun.
    public init(
        phase: String = "connecting",
        totalBytes: UInt64? = nil,
        doneBytes: UInt64 = 0,
        readBytes: UInt64 = 0,
        changedBytes: UInt64 = 0,
        zeroBytes: UInt64 = 0,
        sameBytes: UInt64 = 0,
        wireBytes: UInt64 = 0,
        resumedBytes: UInt64 = 0,
        seconds: Double = 0
    ) {
        self.phase = phase
        self.totalBytes = totalBytes
        self.doneBytes = doneBytes
        self.readBytes = readBytes
        self.changedBytes = changedBytes
        self.zeroBytes = zeroBytes
        self.sameBytes = sameBytes
        self.wireBytes = wireBytes
        self.resumedBytes = resumedBytes
        self.seconds = seconds
    }

    /// Hundredths done, in `0...100`; nil until the total is known.
    public var percent: Double? {
        guard let total = self.totalBytes else { return nil }
        guard total > 0 else { return 100 }
        return min(100, Double(self.doneBytes) * 100 / Double(total))
    }
}

/// One transfer, as the API shows it.
public struct TransferInfo: Codable, Hashable, Sendable {
    /// The identity, 32 hexadecimal digits.
    public var id: String
    /// The name of the volume.
    public var volume: String
    /// The name of the pair.
    public var pair: String
    /// Where it is in its life.
    public var state: TransferState
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
    /// Bytes per second; nil for none.
    public var limit: UInt64?
    /// How far the running try is.
    public var progress: TransferProgress?
    /// What it did; for a failed one, as far as it came.
    public var report: TransferReport?
    /// Why it failed, why the last try did, or what the running one waits for.
    public var error: APIError?

    /// A transfer with all its facts.
    public init(
        id: String,
        volume: String,
        pair: String,
        state: TransferState,
        attempt: Int,
        created: Date,
        started: Date? = nil,
        finished: Date? = nil,
        nextAttempt: Date? = nil,
        limit: UInt64? = nil,
        progress: TransferProgress? = nil,
        report: TransferReport? = nil,
        error: APIError? = nil
    ) {
        self.id = id
        self.volume = volume
        self.pair = pair
        self.state = state
        self.attempt = attempt
        self.created = created
        self.started = started
        self.finished = finished
        self.nextAttempt = nextAttempt
        self.limit = limit
        self.progress = progress
        self.report = report
        self.error = error
    }
}

/// Changes the bandwidth of a transfer, also while it runs.
public struct TransferLimitRequest: Codable, Hashable, Sendable {
    /// Bytes per second; nil for none.
    public let limit: UInt64?

    /// A request for this limit.
    public init(limit: UInt64?) { self.limit = limit }
}
