// SPDX-License-Identifier: Apache-2.0

/// What a transfer did.
public enum ReportedMode: String, Codable, Hashable, Sendable, CaseIterable {
    case full
    case incremental
    /// The destination had the generation already, or nothing was done.
    case none
}

/// Why a transfer was full.
public enum ReportedFullReason: String, Codable, Hashable, Sendable, CaseIterable {
    /// Somebody asked for it.
    case requested
    /// It was a seventh run.
    case seventhRun
    /// The pair had no generation of the volume in common: the first run, or what was known is lost.
    case noBase
    /// The destination did not have the base any more, or another one.
    case baseRefused
    /// Neither the source's clone of the base nor its digests were left.
    case baseDigestsLost
    /// The base at the destination was not what it should have been.
    case proofFailed
}

/// What one transfer of one volume did, with the keys that scripts rely on.
///
/// Every key is present in JSON, `null` where there is no value.
public struct TransferReport: Codable, Hashable, Sendable {
    /// The name of the volume.
    public var volume: String
    /// The name of the pair.
    public var pair: String
    /// The identity of the transfer.
    public var transfer: String
    /// Full, incremental, or as the pair says.
    public var mode: ReportedMode
    /// Why it was full; nil where it was not.
    public var fullReason: ReportedFullReason?
    /// Successful transfers of the volume to this pair, this one included; nil where it failed.
    ///
    /// Every seventh is full, except for disaster recovery.
    public var run: UInt64?
    /// The generation that it started from.
    public var baseGeneration: UInt64?
    /// The generation that the destination shows now.
    public var targetGeneration: UInt64?
    /// The size of the volume.
    public var volumeBytes: UInt64
    /// Bytes that were read.
    public var readBytes: UInt64
    /// Bytes shipped as data, before compression.
    public var changedBytes: UInt64
    /// Bytes that travelled as records of zeros, or not at all.
    public var zeroBytes: UInt64
    /// Bytes of all connections, both directions.
    public var wireBytes: UInt64
    /// How long it took or takes, in seconds.
    public var seconds: Double
    /// Data connections.
    public var streams: Int
    /// Bytes that were durable there before and did not travel again.
    public var resumedBytes: UInt64
    /// The root digest in hexadecimal digits, where it is known.
    public var rootDigest: String?
    /// Which change source told what to look at.
    public var changeSource: String?
    /// Bytes called unchanged that were checked nevertheless (P9).
    public var auditedBytes: UInt64
    /// What went wrong; nil where nothing did.
    public var error: APIError?

    /// The report of a transfer that did nothing yet.
    public init(volume: String, pair: String, transfer: String) {
        self.volume = volume
        self.pair = pair
        self.transfer = transfer
        self.mode = .none
        self.volumeBytes = 0
        self.readBytes = 0
        self.changedBytes = 0
        self.zeroBytes = 0
        self.wireBytes = 0
        self.seconds = 0
        self.streams = 0
        self.resumedBytes = 0
        self.auditedBytes = 0
    }

    /// This report with the work of an earlier try of the same transfer counted in.
    ///
    /// What was durable before belongs to the try that met it first.
    public func after(_ earlier: Self?) -> Self {
        guard let earlier else { return self }
        var sum = self
        sum.volumeBytes = max(self.volumeBytes, earlier.volumeBytes)
        sum.readBytes += earlier.readBytes
        sum.changedBytes += earlier.changedBytes
        sum.zeroBytes += earlier.zeroBytes
        sum.wireBytes += earlier.wireBytes
        sum.auditedBytes += earlier.auditedBytes
        sum.seconds += earlier.seconds
        sum.streams = max(self.streams, earlier.streams)
        sum.resumedBytes = earlier.resumedBytes
        return sum
    }

    /// Writes every key, `null` where there is no value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.volume, forKey: .volume)
        try container.encode(self.pair, forKey: .pair)
        try container.encode(self.transfer, forKey: .transfer)
        try container.encode(self.mode, forKey: .mode)
        try container.encode(self.fullReason, forKey: .fullReason)
        try container.encode(self.run, forKey: .run)
        try container.encode(self.baseGeneration, forKey: .baseGeneration)
        try container.encode(self.targetGeneration, forKey: .targetGeneration)
        try container.encode(self.volumeBytes, forKey: .volumeBytes)
        try container.encode(self.readBytes, forKey: .readBytes)
        try container.encode(self.changedBytes, forKey: .changedBytes)
        try container.encode(self.zeroBytes, forKey: .zeroBytes)
        try container.encode(self.wireBytes, forKey: .wireBytes)
        try container.encode(self.seconds, forKey: .seconds)
        try container.encode(self.streams, forKey: .streams)
        try container.encode(self.resumedBytes, forKey: .resumedBytes)
        try container.encode(self.rootDigest, forKey: .rootDigest)
        try container.encode(self.changeSource, forKey: .changeSource)
        try container.encode(self.auditedBytes, forKey: .auditedBytes)
        try container.encode(self.error, forKey: .error)
    }
}
