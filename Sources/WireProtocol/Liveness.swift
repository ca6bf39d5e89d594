// SPDX-License-Identifier: Apache-2.0

/// Notices a silent peer and our own silence on one control connection.
///
/// The frames' times are known to one tick only, which saves a clock reading for each frame:
/// a side calls ``tick(_:)`` each ``Limits/timeoutResolution``.
struct Liveness {
    private var begin: MonotonicTime?
    private var lastHeard = MonotonicTime(nanoseconds: 0)
    private var lastSpoke = MonotonicTime(nanoseconds: 0)
    private var hasHeard = true
    private var hasSpoken = true
    private var pingsSent: UInt64 = 0
    private var pongsReceived: UInt64 = 0

    /// What a tick found.
    enum Tick: Hashable {
        case quiet
        /// This side was silent: say something.
        case ping(UInt64)
        /// The peer was silent for too long.
        case lost
    }

    mutating func heard() { self.hasHeard = true }

    mutating func spoke() { self.hasSpoken = true }

    /// The time since the first tick.
    mutating func age(_ now: MonotonicTime) -> Duration {
        let begin = self.begin ?? now
        self.begin = begin
        return now.elapsed(since: begin)
    }

    mutating func tick(_ now: MonotonicTime) -> Tick {
        if self.hasHeard { self.lastHeard = now }
        if self.hasSpoken { self.lastSpoke = now }
        self.hasHeard = false
        self.hasSpoken = false
        if now.elapsed(since: self.lastHeard) >= Limits.peerTimeout { return .lost }
        guard now.elapsed(since: self.lastSpoke) >= Limits.pingInterval else { return .quiet }
        self.lastSpoke = now
        defer { self.pingsSent &+= 1 }
        return .ping(self.pingsSent)
    }

    /// Whether a pong answers the oldest ping that has no answer yet.
    mutating func answered(_ nonce: UInt64) -> Bool {
        guard self.pongsReceived != self.pingsSent, nonce == self.pongsReceived else {
            return false
        }
        self.pongsReceived &+= 1
        return true
    }

    /// The report about a peer that ``tick(_:)`` found lost.
    static var report: ErrorReport {
        ErrorReport(code: .timedOut, text: "the peer has said nothing for \(Limits.peerTimeout)")
    }

    /// The report about a peer that did not introduce itself or did not offer in time.
    static func lateReport(_ what: String) -> ErrorReport {
        ErrorReport(
            code: .timedOut,
            text: "the peer sent no \(what) within \(Limits.handshakeTimeout)"
        )
    }
}
