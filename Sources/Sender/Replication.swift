// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import SecureTransport
import VolumeStore

/// One run: a volume's next generation brought to one destination, however many attempts it takes.
///
/// ``run()`` blocks: call it on a thread of its own. Everything else may be called from anywhere.
public final class Replication: Sendable {
    /// Names the run in logs and events.
    public let id: TransferID

    /// What it is to do.
    public let request: ReplicationRequest

    private let threads: ThreadBudget
    private let environment: SenderEnvironment
    private let observer: any ReplicationObserver
    private let counters = ProgressCounters()
    private let cancellation = Cancellation()

    /// A run that has not begun.
    ///
    /// - Parameters:
    ///   - request: what it is to do.
    ///   - threads: the agent's data threads, shared by all runs.
    ///   - environment: clocks and randomness.
    ///   - observer: hears what happens.
    public init(
        _ request: ReplicationRequest,
        threads: ThreadBudget,
        environment: SenderEnvironment,
        observer: any ReplicationObserver = SilentObserver()
    ) {
        var generator = environment.generator
        self.id = .random(using: &generator)
        self.request = request
        self.threads = threads
        self.environment = environment
        self.observer = observer
    }

    /// Where the run is.
    public var progress: ReplicationProgress { self.counters.reading }

    /// Brings the volume's state at this moment to the destination.
    ///
    /// A target that an earlier run began is finished first, with its own snapshot (P5); when the
    /// volume was written since, what changed follows in the same run.
    ///
    /// - Returns: what was done; the destination shows the generation, proven (P2).
    /// - Throws: why it was not finished (P10). What is durable at the destination stays there.
    public func run() throws(ReplicationError) -> ReplicationResult {
        defer { self.counters.enter(.finished) }
        let volume = self.request.volume
        let pair = self.request.destination.pair
        guard volume.beginRun(to: pair) else {
            throw ReplicationError(
                .alreadyRunning,
                "volume \(volume.name): a run to this pair is under way"
            )
        }
        defer { volume.endRun(to: pair) }
        let wanted = min(
            max(self.request.streams, SenderLimits.streams.lowerBound),
            SenderLimits.streams.upperBound
        )
        let cancellation = self.cancellation
        let taken = self.threads.take(
            wanted,
            isCancelled: { cancellation.isCancelled },
            queued: { self.observer.replication(self.id, .queued) }
        )
        guard let taken else {
            throw ReplicationError(.cancelled, "volume \(volume.name): cancelled while in line")
        }
        defer { self.threads.release(taken) }
        var run = ReplicationRun(
            self.id,
            self.request,
            streams: taken,
            environment: self.environment,
            observer: self.observer,
            counters: self.counters,
            cancellation: cancellation
        )
        return try run.run()
    }

    /// Removes snapshots that nothing needs since the run; call it when its outcome was told.
    ///
    /// Apart from ``run()``, because nobody should wait for it: XFS takes some 20 ms to remove a
    /// clone of some thousand extents. What fails here is done by the next run.
    public func tidy() { try? self.request.volume.prune() }

    /// Ends the run soon; what is durable at the destination stays for the next one.
    public func cancel() {
        self.cancellation.cancel()
        self.threads.wake()
    }
}

/// Whether somebody cancelled, and whom that wakes up.
final class Cancellation: Sendable {
    private struct State {
        var isCancelled = false
        var wakeup: Wakeup?
        var connecting: ConnectInterruption?
    }

    private let state = Monitor(State())

    var isCancelled: Bool { self.state.read { $0.isCancelled } }

    func cancel() {
        let (wakeup, connecting) = self.state.update { state in
            state.isCancelled = true
            return (state.wakeup, state.connecting)
        }
        connecting?.interrupt()
        wakeup?.signal()
    }

    /// Whom a cancellation wakes from now on, and what it breaks off.
    func set(_ wakeup: Wakeup?, _ connecting: ConnectInterruption?) {
        let isCancelled = self.state.update { state in
            state.wakeup = wakeup
            state.connecting = connecting
            return state.isCancelled
        }
        // It came before anybody could be told.
        if isCancelled { connecting?.interrupt() }
    }

    /// Sleeps; returns early, and true, when somebody cancels.
    func sleep(_ duration: Duration) -> Bool {
        self.state.wait(atMost: duration) { $0.isCancelled ? true : nil } ?? false
    }
}
