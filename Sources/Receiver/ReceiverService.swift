// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Glibc
import Locks
public import SecureTransport
import Synchronization
public import VolumeStore
public import WireProtocol

/// What a receiver says of itself, and how it is bounded.
public struct ReceiverConfiguration: Sendable {
    /// The own installation.
    public var cluster: ClusterID
    /// Program and version, for the peer's logs.
    public var software: String
    /// What hellos say that this side speaks; another one than the current only in tests.
    public var version: WireVersion
    /// The bounds.
    public var limits: ReceiverLimits
    /// Where the bytes of a new replica go: into the pool, or over a device that somebody attached.
    public var place: @Sendable (PairIdentity, Offer) -> VolumeBacking
    /// Whether a replica of the pair was promoted: since when, in words; nil where it was not.
    public var active: @Sendable (PairIdentity, VolumeID) -> String?

    /// A receiver of this installation.
    public init(
        cluster: ClusterID,
        software: String,
        version: WireVersion = .current,
        limits: ReceiverLimits = ReceiverLimits(),
        place: @escaping @Sendable (PairIdentity, Offer) -> VolumeBacking = { (_, _) in .pool },
        active: @escaping @Sendable (PairIdentity, VolumeID) -> String? = { (_, _) in nil }
    ) {
        self.cluster = cluster
        self.software = software
        self.version = version
        self.limits = limits
        self.place = place
        self.active = active
    }
}

/// The data port of an agent: takes transfers of paired clusters into a ``ReplicaStore``.
///
/// Threads of its own, no Swift concurrency: one accepts, one for each connection from its handshake
/// to its end, one more for each transfer that waits for the disk. Their number is bounded by
/// ``ReceiverLimits``. A peer that misbehaves loses its own session only (P7).
public final class ReceiverService: Sendable {
    /// The port that is listened on.
    public var port: UInt16 { self.listener.port }

    private let listener: TLSListener
    private let environment: ReceiverEnvironment
    private let threads: ThreadRoll

    /// A service that does nothing before ``start()``.
    ///
    /// - Parameters:
    ///   - store: where replicas are.
    ///   - holds: which generations wait for the release of their group; nil where none ever does.
    ///   - listener: the data port.
    ///   - configuration: identity and bounds.
    ///   - authorise: the pair that a certificate stands for; nil where it opens nothing.
    ///   - observer: hears what happens.
    /// - Throws: when the process is out of descriptors.
    public init(
        store: ReplicaStore,
        holds: HoldStore? = nil,
        listener: TLSListener,
        configuration: ReceiverConfiguration,
        authorise: @escaping @Sendable (PeerCertificate) -> PairIdentity?,
        observer: any ReceiverObserver
    ) throws(TransportError) {
        self.listener = listener
        self.environment = ReceiverEnvironment(
            configuration,
            store: store,
            holds: holds,
            observer: observer,
            authorise: authorise
        )
        self.threads = try ThreadRoll(limits: configuration.limits)
    }

    /// Begins to accept.
    ///
    /// - Throws: when no thread can be started.
    public func start() throws(TransportError) {
        _ = try DataThread.spawn(name: "gw-accept") { self.accept() }
        _ = try DataThread.spawn(name: "gw-expiry") { self.expire() }
    }

    /// The sessions that have a volume.
    var sessions: [IncomingTransfer] { self.environment.registry.transfers }

    /// The transfers that have a session, as they stand.
    public var transfers: [TransferStatus] {
        self.environment.registry.transfers.compactMap(\.status)
    }

    /// Ends a transfer from this side; false when there is no such session.
    ///
    /// - Parameters:
    ///   - id: the transfer.
    ///   - discard: whether what was staged is thrown away; else the sender can resume.
    /// - Returns: whether the session was told to end.
    @discardableResult
    public func cancel(_ id: TransferID, discard: Bool) -> Bool {
        guard let transfer = self.environment.registry.transfer(id) else { return false }
        if discard { transfer.state.withLock { $0.isDiscarding = true } }
        transfer.post(
            .failed(ErrorReport(code: .cancelled, text: "cancelled at the destination"))
        )
        return true
    }

    /// Ends the sessions that bring one of these views of volumes; what they staged goes.
    public func abandon(_ snapshots: Set<SnapshotID>) {
        for transfer in self.environment.registry.transfers {
            let snapshot = transfer.state.withLock { $0.offer?.target.snapshot }
            guard let snapshot, snapshots.contains(snapshot) else { continue }
            transfer.state.withLock { $0.isDiscarding = true }
            transfer.post(
                .failed(ErrorReport(code: .cancelled, text: "the group was dropped"))
            )
        }
    }

    /// Ends the sessions of a pair that was revoked.
    public func disconnect(_ pair: ClusterID) {
        for transfer in self.environment.registry.transfers where transfer.pair.cluster == pair {
            transfer.post(
                .failed(ErrorReport(code: .notAuthorised, text: "the pair was revoked"))
            )
        }
    }

    /// Refuses new transfers, asks the others to rest, and waits until they have.
    ///
    /// - Parameter deadline: how long to wait.
    /// - Returns: whether all sessions had ended by then.
    @discardableResult
    public func drain(within deadline: Duration) -> Bool {
        self.environment.isDraining.store(true, ordering: .releasing)
        for transfer in self.environment.registry.transfers { transfer.post(.drain) }
        let begin = ContinuousClock.now
        while !self.environment.registry.transfers.isEmpty {
            guard begin.duration(to: ContinuousClock.now) < deadline else { return false }
            _ = self.threads.changed.wait(timeout: .milliseconds(50))
        }
        return true
    }

    /// Ends everything: sessions are broken off and can be resumed, threads have ended on return.
    public func stop() {
        self.environment.isDraining.store(true, ordering: .releasing)
        self.threads.close()
        self.listener.close()
        for transfer in self.environment.registry.transfers {
            transfer.post(
                .failed(ErrorReport(code: .draining, text: "the agent stops"))
            )
        }
        // The last words of the sessions need a moment; who holds up the stop longer is cut off.
        let begin = ContinuousClock.now
        while !self.threads.isEmpty {
            if begin.duration(to: ContinuousClock.now) > self.environment.limits.stopGrace {
                self.threads.interruptAll()
            }
            _ = self.threads.changed.wait(timeout: .milliseconds(50))
        }
    }

    // MARK: Threads

    private func accept() {
        while true {
            let socket: AcceptedSocket
            do throws(TransportError) {
                socket = try self.listener.accept()
            } catch {
                // Only after close(): everything else is waited out by the listener.
                return
            }
            guard let place = self.threads.enter({ socket.interrupt() }) else {
                self.environment.observer.received(
                    .connectionRefused(
                        address: socket.peerAddress,
                        reason: "too many connections"
                    )
                )
                socket.close()
                continue
            }
            do throws(TransportError) {
                _ = try DataThread.spawn(name: "gw-receive") {
                    IncomingConnection(self.environment, self.threads, place).run(socket)
                    self.threads.leave(place)
                }
            } catch {
                self.threads.provenOrGone()
                self.threads.leave(place)
                socket.close()
            }
        }
    }

    /// Throws away stages that nobody continues; looks once an hour.
    private func expire() {
        let lifetime = self.environment.limits.stageLifetime.components.seconds
        while !self.threads.isClosed {
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            let oldest = (Int64(now.tv_sec) - lifetime)
                .multipliedReportingOverflow(
                    by: 1_000_000_000
                )
            if !oldest.overflow {
                self.expire(untouchedSince: oldest.partialValue, now: UInt64(max(0, now.tv_sec)))
            }
            _ = self.threads.closing.wait(timeout: .seconds(3600))
        }
    }

    /// Holds first: a stage whose hold has gone stale goes with it.
    private func expire(untouchedSince oldest: Int64, now: UInt64) {
        let holds = self.environment.holds
        let seconds = UInt64(max(0, oldest / 1_000_000_000))
        for hold in holds?.expire(untouchedSince: seconds, now: now) ?? [] {
            self.environment.observer.received(.holdExpired(hold))
        }
        let expired = self.environment.store.discardStages(
            untouchedSince: oldest,
            keeping: holds?.heldVolumes() ?? []
        )
        for volume in expired { self.environment.observer.received(.stageExpired(volume)) }
    }
}
