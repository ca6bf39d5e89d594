// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Logging
import Synchronization

/// What people ask of the queue.
extension TransferQueue {
    /// Puts one transfer for each volume into the line; all or none.
    func submit(_ requests: [ReplicateRequest]) throws(APIError) -> [TransferInfo] {
        guard !self.isDraining.load(ordering: .sequentiallyConsistent) else {
            throw APIError(
                .draining,
                "The agent is stopping.",
                try: "repeat it after the restart",
                retryAfter: 5
            )
        }
        guard self.jobs.count + requests.count <= Self.lineLimit else {
            throw APIError(
                .agentFailed,
                "\(self.jobs.count) transfers wait in line already.",
                try: "wait until some have ended",
                retryAfter: 60
            )
        }
        if let known = try self.known(requests) { return [known] }
        var generator = SystemRandomNumberGenerator()
        let created = self.now()
        let settings = self.settings.current
        var added: [Job] = []
        for request in requests {
            let entry = TransferEntry(
                id: request.id ?? "\(TransferID.random(using: &generator))",
                volume: request.volumes[0],
                pair: request.pair,
                created: created,
                request: Self.json(request) ?? "{}"
            )
            let limit = request.limit ?? settings.bandwidth
            added.append(Job(entry: entry, request: request, limit: limit))
        }
        do { try self.catalogue.insert(added.map(\.entry)) } catch { throw APIError(error) }
        for job in added {
            self.jobs[job.entry.id] = job
            self.order.append(job.entry.id)
        }
        self.wake.yield()
        return added.map { self.info(of: $0) }
    }

    /// The transfer that was asked for before under the identity that the caller chose.
    private func known(_ requests: [ReplicateRequest]) throws(APIError) -> TransferInfo? {
        guard requests.count == 1, let request = requests.first, let id = request.id else {
            return nil
        }
        let info: TransferInfo
        do { info = try self.show(id) } catch {
            guard error.id == .transferNotFound else { throw error }
            return nil
        }
        guard info.volume == request.volumes.first, info.pair == request.pair else {
            throw APIError(
                .transferExists,
                "Transfer \(id) is one of volume \(info.volume) to pair \(info.pair).",
                try: "ask under another identity"
            )
        }
        return info
    }

    /// Refuses an identity that is none, or is meant for several transfers.
    static func checkIdentity(of request: ReplicateRequest) throws(APIError) {
        guard let id = request.id else { return }
        let isOne = request.volumes.count == 1 && id == id.lowercased()
        guard isOne, TransferID(id) != nil else {
            throw APIError(
                .invalidRequest,
                "'\(PlainText.line(id.prefix(64)))' cannot be the identity of these transfers.",
                try: "give 32 lower-case hexadecimal digits, and one volume"
            )
        }
    }

    func cancel(_ id: String) throws(APIError) -> TransferInfo {
        guard var job = self.unfinished(id) else { throw try self.ended(id, "cancelled") }
        job.isCancelling = true
        self.jobs[id] = job
        if self.running.contains(id) {
            job.run?.cancel()
        } else {
            job.entry.state = .cancelled
            self.finish(
                &job,
                job.report,
                reason: "TransferCancelled",
                "the transfer of volume \(job.entry.volume) was cancelled",
                level: .info
            )
        }
        return self.info(of: job)
    }

    func limit(_ id: String, to limit: UInt64?) throws(APIError) -> TransferInfo {
        try Self.check(limit)
        guard var job = self.unfinished(id) else { throw try self.ended(id, "limited") }
        var request = job.request
        request.limit = limit
        job.limit = limit
        // In what was asked for, too: the next start knows nothing else.
        job.entry.request = Self.json(request) ?? job.entry.request
        self.jobs[id] = job
        self.store(job.entry)
        job.run?.limit(to: limit)
        return self.info(of: job)
    }

    private func unfinished(_ id: String) -> Job? {
        self.jobs[id].flatMap { $0.entry.state.isFinal ? nil : $0 }
    }

    /// Transfers to a pair that was revoked do not go on.
    func cancelAll(to pair: String) {
        for (id, job) in self.jobs where job.entry.pair == pair { _ = try? self.cancel(id) }
    }
}
