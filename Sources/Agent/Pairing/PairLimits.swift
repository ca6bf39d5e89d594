// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Catalogue
import Locks
import Sender
import WireProtocol

/// The bandwidth that all transfers to a pair share, by the other cluster.
final class PairLimits: Sendable {
    private let shared = Locked<[String: SharedLimit]>([:])

    /// Brings the limit in line with the record of its pair, also for what runs.
    @discardableResult
    func follow(_ record: TrustRecord, now: MonotonicTime) -> SharedLimit {
        let wanted = SenderRunner.rate(record.limit)
        return self.shared.withLock { shared in
            guard let known = shared[record.pair.cluster] else {
                let made = SharedLimit(limit: wanted, now: now)
                shared[record.pair.cluster] = made
                return made
            }
            if known.limit != wanted { known.change(to: wanted, now: now) }
            return known
        }
    }

    /// The limiter of one transfer: its own limit, and the share of the pair's.
    func limiter(
        of record: TrustRecord,
        _ limit: UInt64?,
        now: @escaping @Sendable () -> MonotonicTime
    ) -> RateLimiter {
        RateLimiter(
            limit: SenderRunner.rate(limit),
            sharing: self.follow(record, now: now()),
            now: now
        )
    }
}

extension AgentCore {
    /// Changes the bandwidth of a pair, also for the transfers that run.
    ///
    /// - Parameters:
    ///   - name: an outgoing pair.
    ///   - limit: bytes per second of all its transfers together; nil for none.
    /// - Returns: the pair with its new limit.
    /// - Throws: `pairNotFound`; `invalidRequest` for a limit that lets nothing through.
    func limitPair(_ name: String, to limit: UInt64?) throws(APIError) -> PairInfo {
        try TransferQueue.check(limit)
        let record = try self.registry.outgoing(named: name)
        try self.registry.update(record) { $0.limit = limit }
        // As it is now: another request may have come in between, or a revocation.
        let changed = try self.registry.outgoing(named: name)
        let now = MonotonicTime(nanoseconds: self.environment.monotonicNanoseconds())
        self.registry.limits.follow(changed, now: now)
        self.journal.note(
            "PairLimited",
            limit.map { "its transfers share \(ByteSize.rateText(of: Double($0)))" }
                ?? "its transfers have no limit together",
            pair: name
        )
        return changed.info
    }
}
