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
    /// - Throws: when the process is out of descriptors.
    public init(
        store: ReplicaStore,
        listener: TLSListener,
        configuration: ReceiverConfiguration,
        authorise: @escaping @Sendable (PeerCertificate) -> PairIdentity?,
        observer: any ReceiverObserver
    ) throws(TransportError) {
        self.listener = listener
        self.environment = ReceiverEnvironment(
            configuration,
            store: store,
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
                let store = self.environment.store
                for volume in store.discardStages(untouchedSince: oldest.partialValue) {
                    self.environment.observer.received(.stageExpired(volume))
                }
            }
            _ = self.threads.closing.wait(timeout: .seconds(3600))
        }
    }
}
