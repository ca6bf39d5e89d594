// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import KubernetesClient
import ObjectModel

/// What a person sees while something is waited for.
protocol WaitLines {
    mutating func show(_ object: KubeObject, now: ContinuousClock.Instant)
    /// Says something in between.
    mutating func say(_ text: String)
    /// Ends the line that is written over.
    mutating func finish()
}

/// Waits until an object has come to its end.
///
/// The work is the controller's: ending the wait ends nothing else.
struct ObjectWait {
    let cluster: Cluster
    let resource: APIResource
    /// As sentences name it: `Migration`.
    let title: String
    let timeout: Duration
    /// The command that waits again.
    let back: String
    /// Whether it may not be there yet: what a schedule has begun is written down before it is made.
    var isToCome = false

    /// As long as storkctl waits, in seconds.
    static let longest = 6 * 3600
    /// How long an API server may be away: a restart takes seconds.
    static let patience: Duration = .seconds(30)
    /// Between two looks.
    static let beat: Duration = .milliseconds(500)

    /// Follows an object until it is final.
    ///
    /// - Parameters:
    ///   - key: which one.
    ///   - lines: gets every look at it.
    ///   - isFinal: whether it has come to its end.
    ///   - progress: how far it is, for whoever waited in vain.
    /// - Returns: the object as it is then.
    /// - Throws: `GW3005` on Ctrl-C, `GW3006` at the timeout, and `GW6002` where it is gone.
    func object(
        _ key: ObjectKey,
        _ lines: inout some WaitLines,
        isFinal: (KubeObject) -> Bool,
        progress: (KubeObject) -> String
    ) async throws -> KubeObject {
        let interrupt = Interrupt()
        defer { interrupt.stop() }
        let clock = ContinuousClock()
        let end = clock.now + self.timeout
        var lost: ContinuousClock.Instant?
        defer { lines.finish() }
        while true {
            do throws(APIError) {
                let object = try await self.cluster.get(self.resource, key.name, key.namespace)
                lost = nil
                lines.show(object, now: clock.now)
                if isFinal(object) { return object }
                if clock.now >= end { throw self.timedOut(key, progress(object)) }
            } catch {
                let isMissing = self.isToCome && error.id == .objectNotFound
                guard error.id == .clusterUnreachable || isMissing else { throw error }
                let since = lost ?? clock.now
                if lost == nil, !isMissing {
                    lines.say("the cluster does not answer; waiting for it")
                }
                lost = since
                guard clock.now - since < Self.patience else {
                    throw isMissing ? error : self.gone(error)
                }
            }
            if interrupt.happened { throw self.detached }
            try await clock.sleep(for: Self.beat)
        }
    }

    private var detached: APIError {
        APIError(
            .detached,
            "Stopped watching; the \(self.title.lowercased()) goes on.",
            cause: "interrupted",
            try: self.back
        )
    }

    private func timedOut(_ key: ObjectKey, _ progress: String) -> APIError {
        APIError(
            .waitTimedOut,
            "Timed out performing task",
            cause: "\(self.title) \(key.name) has not ended within "
                + "\(self.timeout.components.seconds) s and goes on: \(progress)",
            try: self.back
        )
    }

    private func gone(_ error: APIError) -> APIError {
        APIError(
            .clusterUnreachable,
            error.message,
            cause: "it has not answered for \(Self.patience.components.seconds) s; the "
                + "\(self.title.lowercased()) goes on when its controller does",
            try: self.back
        )
    }
}

/// One line for each phase, on standard error.
struct PhaseLines: WaitLines {
    let console: Console
    /// The phase that an object is in.
    let phase: (KubeObject) -> String
    private var last: String?

    init(console: Console, phase: @escaping (KubeObject) -> String) {
        self.console = console
        self.phase = phase
    }

    mutating func show(_ object: KubeObject, now: ContinuousClock.Instant) {
        let phase = self.phase(object)
        guard phase != self.last else { return }
        self.last = phase
        self.console.note("\(object.name)  \(phase)")
    }

    mutating func say(_ text: String) { self.console.note(text) }
    mutating func finish() {}
}
