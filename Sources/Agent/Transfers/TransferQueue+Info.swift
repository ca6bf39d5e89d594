// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Catalogue
import Foundation

/// What the queue and the history look like from outside.
extension TransferQueue {
    /// The newest transfers, those in the queue with their progress.
    func list(limit: Int) throws(APIError) -> [TransferInfo] {
        let entries: [TransferEntry]
        do { entries = try self.catalogue.transfers(limit: limit) } catch { throw APIError(error) }
        return entries.map { entry in
            self.jobs[entry.id].map { self.info(of: $0) } ?? TransferInfo(entry)
        }
    }

    /// One transfer.
    func show(_ id: String) throws(APIError) -> TransferInfo {
        if let job = self.jobs[id] { return self.info(of: job) }
        guard let entry = try self.entry(id) else { throw Self.unknown(id) }
        return TransferInfo(entry)
    }

    /// One transfer as soon as it has ended, or as it is after a while.
    ///
    /// - Parameters:
    ///   - id: the transfer.
    ///   - limit: how long to wait; cut at ``longestWait``.
    /// - Returns: the transfer as it is then.
    /// - Throws: `transferNotFound`.
    func show(_ id: String, within limit: Duration) async throws(APIError) -> TransferInfo {
        let info = try self.show(id)
        guard !info.state.isFinal, limit > .zero else { return info }
        let (ended, continuation) = AsyncStream.makeStream(of: Never.self)
        self.waiterCount += 1
        let number = self.waiterCount
        self.waiters[id, default: [:]][number] = continuation
        await withDiscardingTaskGroup { group in
            group.addTask {
                try? await Task.sleep(for: min(limit, Self.longestWait))
                continuation.finish()
            }
            for await _ in ended {}
            group.cancelAll()
        }
        self.waiters[id]?[number] = nil
        if self.waiters[id]?.isEmpty ?? false { self.waiters[id] = nil }
        return try self.show(id)
    }

    /// The longest wait of one request: a stop of the agent waits for it.
    static let longestWait = Duration.seconds(1)

    func info(of job: Job) -> TransferInfo {
        var info = TransferInfo(job.entry)
        info.limit = job.limit
        info.report = info.report ?? job.report
        guard info.state == .running else { return info }
        info.progress = job.run?.progress
        // The sender tries again inside of one try, for seconds: nobody should have to guess why.
        if let trouble = job.run?.trouble { info.error = trouble }
        // In line for threads, inside the sender: the caller should know that nothing moves.
        if job.run?.isQueued ?? true { info.state = .queued }
        return info
    }

    /// The failure for something that can only be done to a transfer that has not ended.
    func ended(_ id: String, _ what: String) throws(APIError) -> APIError {
        let held = self.jobs[id]?.entry
        guard let entry = held == nil ? try self.entry(id) : held else { return Self.unknown(id) }
        return APIError(
            .transferEnded,
            "Transfer \(id) cannot be \(what): it has ended.",
            cause: "its state is \(entry.state.rawValue)",
            try: "godwit transfer show \(id)"
        )
    }

    func event(_ job: Job, _ reason: String, _ message: String) -> EventEntry {
        EventEntry(
            time: self.now(),
            reason: reason,
            message: message,
            volume: job.entry.volume,
            pair: job.entry.pair,
            transfer: job.entry.id
        )
    }

    /// Refuses limits that let nothing through, or are none.
    static func check(_ limit: UInt64?) throws(APIError) {
        guard let limit, limit == 0 || limit > UInt64(Int.max) else { return }
        throw APIError(.invalidRequest, "A limit of \(limit) bytes a second is out of range.")
    }

    private func entry(_ id: String) throws(APIError) -> TransferEntry? {
        do { return try self.catalogue.transfer(id) } catch { throw APIError(error) }
    }

    private static func unknown(_ id: String) -> APIError {
        APIError(
            .transferNotFound,
            "There is no transfer \(id).",
            try: "godwit transfer list"
        )
    }
}

extension TransferInfo {
    init(_ entry: TransferEntry) {
        self.init(
            id: entry.id,
            volume: entry.volume,
            pair: entry.pair,
            state: Self.state(entry.state),
            attempt: entry.attempt,
            created: entry.created,
            started: entry.started,
            finished: entry.finished,
            nextAttempt: entry.nextAttempt,
            limit: Self.value(ReplicateRequest.self, entry.request)?.limit,
            report: Self.value(TransferReport.self, entry.report),
            error: Self.value(APIError.self, entry.error)
        )
    }

    /// What the catalogue keeps as text.
    static func value<Value: Decodable>(_ type: Value.Type, _ text: String?) -> Value? {
        text.flatMap { try? AgentJSON.value(type, from: Data($0.utf8)) }
    }

    private static func state(_ state: TransferEntry.State) -> TransferState {
        switch state {
        case .queued: .queued
        case .running: .running
        case .waiting: .waiting
        case .succeeded: .succeeded
        case .failed: .failed
        case .cancelled: .cancelled
        }
    }
}

extension APIError {
    /// A failure of the catalogue, as the API tells it.
    init(_ error: CatalogueError) {
        let id: ErrorID =
            switch error.code {
            case .newer: .poolNewer
            case .damaged: .stateDamaged
            case .exists: .pairExists
            case .failed: .catalogueFailed
            }
        self.init(
            id,
            "The catalogue of the pool failed: \(error.what).",
            cause: error.cause,
            try: "check the free space and the permissions of the pool"
        )
    }
}
