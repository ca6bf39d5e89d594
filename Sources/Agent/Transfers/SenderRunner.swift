// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockDiff
import BlockTypes
import Catalogue
import Foundation
import Identity
import Locks
import Logging
import SecureTransport
import Sender
import VolumeStore
import WireProtocol

/// Makes tries of the sender: resolves names to volumes and pairs at the moment of each try, and
/// pairs at each attempt in it, so that a renewed certificate and a moved destination are used.
struct SenderRunner: TransferRunner {
    let sources: SourceStore
    let groups: GroupStore
    let registry: PairRegistry
    let identity: SenderIdentity
    let environment: SenderEnvironment
    let threads: ThreadBudget
    let journal: Journal

    func rest() {
        self.registry.clients.closeResting()
        ChunkBuffer.trim()
    }

    func makeRun(
        _ transfer: String,
        _ request: ReplicateRequest,
        limit: UInt64?
    ) throws(RunFailure) -> any TransferRun {
        let name = request.volumes[0]
        guard let volume = self.sources.volume(named: name) else {
            throw RunFailure(
                APIError(
                    .volumeNotFound,
                    "Volume \(name) was deleted.",
                    try: "godwit volume list"
                )
            )
        }
        let (record, destination): (TrustRecord, Destination)
        do {
            (record, destination) = try self.destination(request.pair)
            let now = Double(self.environment.secondsSince1970())
            try record.checkValidity(at: Date(timeIntervalSince1970: now))
        } catch {
            // Who has the token pairs again, and the transfer goes on under the same pair.
            throw RunFailure(error, isRetryable: error.id == .pairExpired)
        }
        let limits = self.registry.limits
        let limiter = limits.limiter(of: record, limit, now: self.environment.now)
        var wanted = ReplicationRequest(
            volume,
            to: destination,
            as: self.identity,
            limit: limiter
        )
        switch request.full {
        case .copy: wanted.mode = .full(.copy)
        case .verify: wanted.mode = .full(.verify)
        case nil:
            let own: PairMode = record.pair.disasterRecovery ? .disasterRecovery : .migration
            switch request.mode ?? own {
            case .migration: wanted.mode = .automatic(.standard)
            case .disasterRecovery: wanted.mode = .automatic(.disasterRecovery)
            }
        }
        if let group = request.group { wanted.target = try self.target(of: volume, in: group) }
        wanted.codec = Self.codec(request.codec)
        if let streams = request.streams { wanted.streams = streams }
        wanted.allowShrink = request.allowShrink
        let trouble = Locked(APIError?.none)
        let observer = SenderJournal(
            journal: self.journal,
            volume: name,
            pair: request.pair,
            transfer: transfer,
            trouble: trouble
        )
        return SenderRun(
            replication: Replication(
                wanted,
                threads: self.threads,
                environment: self.environment,
                observer: observer
            ),
            limiter: limiter,
            heldBy: trouble,
            volume: name,
            pair: request.pair,
            transfer: transfer,
            now: self.environment.now
        )
    }

    /// The view that a group has frozen of a volume.
    private func target(
        of volume: SourceVolume,
        in group: String
    ) throws(RunFailure) -> FrozenTarget {
        let record = GroupID(group).flatMap { self.groups.group($0) }
        guard let record, record.state != .cancelled,
            let member = record.members.first(where: { $0.volume == volume.id })
        else {
            throw RunFailure(
                APIError(
                    .groupEnded,
                    "Group \(group) of volume \(volume.name) has ended.",
                    try: "freeze a new one"
                )
            )
        }
        return FrozenTarget(number: member.number, snapshot: member.snapshot)
    }

    private func destination(_ name: String) throws(APIError) -> (TrustRecord, Destination) {
        let record = try self.registry.outgoing(named: name)
        guard let cluster = record.cluster, let host = record.pair.host,
            let port = record.pair.dataPort.flatMap({ UInt16(exactly: $0) })
        else { throw APIError(.stateDamaged, "Pair \(name) has no data address.") }
        do {
            let client = try self.registry.clients.client(of: record, at: cluster)
            let destination = Destination(
                host: host,
                port: port,
                client: client,
                pair: cluster,
                present: { try? self.destination(name).1 }
            )
            return (record, destination)
        } catch let error as APIError {
            throw error
        } catch {
            throw APIError(
                .stateDamaged,
                "The certificate of pair \(name) cannot be used.",
                cause: "\(error)",
                try: "delete the pair and pair again"
            )
        }
    }

    static func rate(_ limit: UInt64?) -> ByteRate? {
        limit.flatMap { Int(exactly: $0) }.map { ByteRate(bytesPerSecond: max($0, 1)) }
    }

    private static func codec(_ setting: CodecSetting) -> CodecChoice {
        switch setting {
        case .auto: .auto
        case .none: .none
        case .lz4: .lz4
        case .deflate: .deflate
        case .zstd: .zstd
        }
    }
}

/// One try of the sender in the words of the API.
final class SenderRun: TransferRun {
    private let replication: Replication
    private let limiter: RateLimiter
    private let held: Locked<APIError?>
    private let blank: TransferReport
    private let started: MonotonicTime
    /// Never goes back, as the time of day does when it is corrected.
    private let now: @Sendable () -> MonotonicTime

    init(
        replication: Replication,
        limiter: RateLimiter,
        heldBy held: Locked<APIError?>,
        volume: String,
        pair: String,
        transfer: String,
        now: @escaping @Sendable () -> MonotonicTime
    ) {
        self.replication = replication
        self.limiter = limiter
        self.held = held
        self.blank = TransferReport(volume: volume, pair: pair, transfer: transfer)
        self.started = now()
        self.now = now
    }

    func run() throws(RunFailure) -> TransferReport {
        do throws(ReplicationError) {
            return self.report(try self.replication.run())
        } catch {
            var report = self.report(self.replication.progress)
            let told = APIError(error)
            report.error = told
            report.seconds = self.seconds
            throw RunFailure(
                told,
                isRetryable: error.isRetryable,
                retryAfter: error.retryAfter.map { Double($0.components.seconds) },
                report: report
            )
        }
    }

    func tidy() { self.replication.tidy() }

    func cancel() { self.replication.cancel() }

    var trouble: APIError? { self.held.withLock { $0 } }

    var isQueued: Bool { self.replication.progress.phase == .queued }

    func limit(to bytesPerSecond: UInt64?) {
        self.limiter.change(to: SenderRunner.rate(bytesPerSecond))
    }

    var progress: TransferProgress {
        let progress = self.replication.progress
        let isKnown = progress.volumeBytes > .zero
        return TransferProgress(
            phase: progress.phase.text,
            totalBytes: isKnown ? UInt64(progress.volumeBytes.bytes) : nil,
            doneBytes: UInt64(min(progress.coveredBytes, progress.volumeBytes).bytes),
            readBytes: UInt64(progress.readBytes.bytes),
            changedBytes: UInt64(progress.changedBytes.bytes),
            zeroBytes: UInt64(progress.zeroBytes.bytes),
            sameBytes: UInt64(progress.sameBytes.bytes),
            wireBytes: UInt64(progress.wireBytes.bytes),
            resumedBytes: UInt64(progress.resumedBytes.bytes),
            seconds: self.seconds
        )
    }

    private var seconds: Double { self.now().elapsed(since: self.started) / .seconds(1) }

    private func report(_ progress: ReplicationProgress) -> TransferReport {
        var report = self.blank
        report.volumeBytes = UInt64(progress.volumeBytes.bytes)
        report.readBytes = UInt64(progress.readBytes.bytes)
        report.changedBytes = UInt64(progress.changedBytes.bytes)
        report.zeroBytes = UInt64(progress.zeroBytes.bytes)
        report.wireBytes = UInt64(progress.wireBytes.bytes)
        report.resumedBytes = UInt64(progress.resumedBytes.bytes)
        report.auditedBytes = UInt64(progress.auditedBytes.bytes)
        return report
    }

    private func report(_ result: ReplicationResult) -> TransferReport {
        var report = self.report(result.progress)
        report.mode =
            switch result.outcome {
            case .full: .full
            case .incremental: .incremental
            case .none: .none
            }
        if report.mode == .full {
            report.fullReason = result.fullReason.map { ReportedFullReason($0) }
        }
        report.run = result.run
        report.baseGeneration = result.base?.number
        report.targetGeneration = result.target.number.number
        report.volumeBytes = UInt64(result.target.size.bytes)
        report.rootDigest = "\(result.target.root)"
        report.changeSource = result.changeSource.rawValue
        report.streams = result.streams
        report.seconds = result.seconds
        return report
    }
}

extension ReplicationPhase {
    /// The word that people see.
    var text: String {
        switch self {
        case .queued: "queued"
        case .freezing: "freezing"
        case .connecting: "connecting"
        case .streaming: "streaming"
        case .committing: "committing"
        case .waiting: "waiting"
        case .finished: "finished"
        }
    }
}

extension APIError {
    /// A failure of the sender, as the API tells it.
    init(_ error: ReplicationError) {
        let id: ErrorID =
            switch error.code {
            case .cancelled: .transferCancelled
            case .unreachable: .peerUnreachable
            case .notAuthorised: .peerNotTrusted
            case .noSpace: .noSpace
            case .busy, .alreadyRunning: .volumeInUse
            case .incompatible: .transferRefused
            case .historyDiffers: .lineageForked
            case .shrinkNotAllowed: .shrinkNotAllowed
            case .sourceChanged: .cannotFreeze
            case .sourceFailed, .stateFailed: .storeFailed
            case .destinationFailed: .peerFailed
            case .proofFailed, .protocolViolation: .transferFailed
            case .activeElsewhere: .volumeActiveElsewhere
            case .fenced: .volumeFenced
            }
        self.init(
            id,
            error.message,
            cause: error.cause.isEmpty ? nil : error.cause,
            try: error.remedy,
            retryAfter: error.retryAfter.map { Int($0.components.seconds) }
        )
    }
}

/// Tells what happens during a try.
struct SenderJournal: ReplicationObserver {
    let journal: Journal
    let volume: String
    let pair: String
    let transfer: String
    /// What the run waits for; nil while it gets on.
    let trouble: Locked<APIError?>

    func replication(_ transfer: TransferID, _ event: ReplicationEvent) {
        switch event {
        case .queued:
            self.note("TransferQueued", "volume \(self.volume) waits for data threads")
        case .frozen(let number, let isResumed):
            self.note(
                "SnapshotReady",
                "generation \(number.number) of volume \(self.volume) is "
                    + "\(isResumed ? "gone on with" : "frozen")"
            )
        case .started(let session, let mode, let source, let resumed, let sent):
            self.trouble.withLock { $0 = nil }
            self.note(
                "TransferStarted",
                "volume \(self.volume): \(mode), change source "
                    + "\(source?.rawValue ?? "none"), \(ByteSize.text(of: resumed)) durable "
                    + "there already, session \(session)",
                facts: [
                    LogKey.resumedBytes: "\(resumed.bytes)", LogKey.sentBytes: "\(sent.bytes)",
                ]
            )
        case .changeSourceDistrusted(let source, let leaf):
            self.note(
                "ChangeSourceDistrusted",
                "\(source.rawValue) missed a change in leaf \(leaf.index) of volume "
                    + "\(self.volume) and is not used any more",
                isWarning: true
            )
        case .driftFound(let leaves):
            self.note(
                "DriftFound",
                "\(leaves) leaves of the copy of volume \(self.volume) were not what was committed",
                isWarning: true
            )
        case .fallenBack(let reason, let cause):
            self.note(
                "FellBackToFull",
                "volume \(self.volume) is sent in full (\(reason.rawValue)): \(cause)",
                isWarning: true
            )
        case .retrying(let error, let attempt, let wait):
            self.trouble.withLock { $0 = APIError(error) }
            self.note(
                "TransferRetrying",
                "try \(attempt) of volume \(self.volume) failed, the next one comes in "
                    + "\(wait): \(error)",
                isWarning: true
            )
        case .committed(let number):
            self.note(
                "GenerationCommitted",
                "generation \(number.number) of volume \(self.volume) is committed there"
            )
        }
    }

    private func note(
        _ reason: String,
        _ message: String,
        isWarning: Bool = false,
        facts: Logger.Metadata = [:]
    ) {
        self.journal.note(
            reason,
            message,
            volume: self.volume,
            pair: self.pair,
            transfer: self.transfer,
            level: isWarning ? .warning : .info,
            facts: facts
        )
    }
}
