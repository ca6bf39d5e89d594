// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// How long leadership lasts and how often it is renewed.
public struct ElectionTimes: Sendable, Hashable {
    /// How long others wait after a renewal before they take the lease.
    public var lease: Duration
    /// How long after a renewal the leader gives up, where no further one succeeds.
    public var renewal: Duration
    /// Between two tries.
    public var retry: Duration

    /// The times that Kubernetes' own components have: 15, 10 and 2 s.
    public static let standard = Self(
        lease: .seconds(15),
        renewal: .seconds(10),
        retry: .seconds(2)
    )

    /// Times that relate as ``standard``'s do, for a lease of some whole seconds.
    ///
    /// - Parameter lease: the time after which another takes over from one that was killed; from 1 s.
    /// - Returns: that time, and two thirds and two fifteenths of it.
    public static func lasting(_ lease: Duration) -> Self {
        Self(lease: lease, renewal: lease * 2 / 3, retry: lease * 2 / 15)
    }

    /// Times of which the first is the longest, in whole seconds.
    ///
    /// The leader must be gone before another comes: `renewal` is less than `lease`, and a try fits
    /// into `renewal`.
    public init(lease: Duration, renewal: Duration, retry: Duration) {
        precondition(
            retry < renewal && renewal < lease && lease >= .seconds(1),
            "retry \(retry) < renewal \(renewal) < lease \(lease) does not hold"
        )
        self.lease = lease
        self.renewal = renewal
        self.retry = retry
    }
}

/// Who leads: what is known of the lease, and what to do next, without a clock or a network.
///
/// The clocks of two machines are never compared: another's lease is over when it has not changed
/// for its whole duration by our own clock. Our own leadership counts from the moment before the
/// renewal was sent, so it ends before anybody else can have waited out the lease.
struct ElectionCore {
    typealias Instant = ContinuousClock.Instant

    enum Action: Equatable {
        case read
        case create(LeaseRecord)
        case replace(LeaseRecord, resourceVersion: String)
        case wait(Duration)
        /// Leadership is over; what it allowed must stop now.
        case stepDown
    }

    private enum Knowledge {
        case nothing
        case absent
        case present(LeaseRecord, resourceVersion: String)
    }

    private let identity: String
    private let times: ElectionTimes
    private var knowledge = Knowledge.nothing
    /// The record that was seen last, and when it was seen for the first time.
    private var observed: (record: LeaseRecord, since: Instant)?
    /// When the last renewal that succeeded was sent; nil where we do not lead.
    private var renewedAt: Instant?
    private var nextTry: Instant?

    init(identity: String, times: ElectionTimes) {
        precondition(!identity.isEmpty, "nobody can lead without a name")
        self.identity = identity
        self.times = times
    }

    /// Until when we lead, unless a renewal succeeds before; nil where we do not.
    var leadsUntil: Instant? { self.renewedAt.map { $0 + self.times.renewal } }

    /// Whether we lead at this time.
    func isLeading(at now: Instant) -> Bool { self.leadsUntil.map { now < $0 } ?? false }

    /// What to do now.
    ///
    /// - Parameters:
    ///   - now: by a clock that nobody sets.
    ///   - written: the time of day, for people who read the lease.
    ///   - jitter: from 0 to 1, so that those who wait do not all come at once.
    /// - Returns: one thing to do; then this is asked again.
    mutating func decide(now: Instant, written: String, jitter: Double) -> Action {
        if let until = self.leadsUntil, now >= until { return self.stepDown() }
        if let next = self.nextTry, now < next {
            let end = self.leadsUntil.map { min($0, next) } ?? next
            return .wait(end - now)
        }
        switch self.knowledge {
        case .nothing: return .read
        case .absent: return .create(self.record(written, after: LeaseRecord()))
        case .present(let record, let version):
            let isFree = record.holder.isEmpty || record.holder == self.identity
            if isFree || self.isOver(record, now) {
                return .replace(self.record(written, after: record), resourceVersion: version)
            }
            if self.renewedAt != nil { return self.stepDown() }
            self.knowledge = .nothing
            self.nextTry = now + self.times.retry * (1 + 0.2 * jitter)
            return .wait(self.times.retry * (1 + 0.2 * jitter))
        }
    }

    private mutating func stepDown() -> Action {
        self.renewedAt = nil
        self.knowledge = .nothing
        return .stepDown
    }

    private func isOver(_ record: LeaseRecord, _ now: Instant) -> Bool {
        guard let observed = self.observed, observed.record == record else { return false }
        return now >= observed.since + record.duration
    }

    private func record(_ written: String, after former: LeaseRecord) -> LeaseRecord {
        var record = former
        record.durationSeconds = Int(self.times.lease.components.seconds)
        record.renewTime = written
        guard former.holder != self.identity else { return record }
        record.holder = self.identity
        record.acquireTime = written
        // The first holder ever succeeds nobody.
        if !former.renewTime.isEmpty { record.transitions += 1 }
        return record
    }

    /// The lease was read; nil where there is none.
    mutating func read(_ lease: KubeObject?, now: Instant) {
        guard let lease else {
            self.knowledge = .absent
            return
        }
        let record = LeaseRecord(lease)
        self.knowledge = .present(record, resourceVersion: lease.resourceVersion)
        if self.observed?.record != record { self.observed = (record, now) }
    }

    /// We wrote the lease, and the server has it.
    ///
    /// - Parameters:
    ///   - lease: as the server answered.
    ///   - sent: when the request was begun.
    ///   - now: when it was answered.
    mutating func wrote(_ lease: KubeObject, sent: Instant, now: Instant) {
        self.read(lease, now: now)
        self.renewedAt = sent
        self.nextTry = now + self.times.retry
    }

    /// Reading or writing failed, or someone else was faster.
    mutating func failed(now: Instant, jitter: Double) {
        self.knowledge = .nothing
        self.nextTry = now + self.times.retry * (1 + 0.2 * jitter)
    }

    /// We no longer want to lead.
    mutating func resign() {
        self.renewedAt = nil
        self.knowledge = .nothing
    }
}
