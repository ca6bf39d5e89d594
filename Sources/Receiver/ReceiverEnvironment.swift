// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Locks
import SecureTransport
import Synchronization
import VolumeStore
import WireProtocol

/// What all connections of a receiver share.
final class ReceiverEnvironment: Sendable {
    let configuration: ReceiverConfiguration
    let store: ReplicaStore
    let holds: HoldStore?
    let limits: ReceiverLimits
    let observer: any ReceiverObserver
    let authorise: @Sendable (PeerCertificate) -> PairIdentity?
    let registry = SessionRegistry()
    let isDraining = Atomic<Bool>(false)
    private let keptStages = Locked<[Stage]>([])
    private let origin = ContinuousClock.now

    init(
        _ configuration: ReceiverConfiguration,
        store: ReplicaStore,
        holds: HoldStore?,
        observer: any ReceiverObserver,
        authorise: @escaping @Sendable (PeerCertificate) -> PairIdentity?
    ) {
        self.configuration = configuration
        self.store = store
        self.holds = holds
        self.limits = configuration.limits
        self.observer = observer
        self.authorise = authorise
    }

    /// Keeps the stage of a broken session open, instead of the one that was kept the longest.
    func keep(_ stage: Stage) {
        self.keptStages.withLock { kept in
            kept.removeAll { $0 === stage }
            kept.append(stage)
            if kept.count > self.limits.keptStages { kept.removeFirst() }
        }
    }

    /// Lets go of a stage that was committed or thrown away.
    func forget(_ stage: Stage) {
        self.keptStages.withLock { kept in kept.removeAll { $0 === stage } }
    }

    /// What holds say about a target of a pair; where nothing can be held, nothing is.
    func verdict(on offer: Offer, of pair: PairIdentity) -> HoldVerdict {
        self.holds?.verdict(on: offer.volume, offer.target.snapshot, of: pair.cluster) ?? .free
    }

    /// The time of the session machines.
    var now: MonotonicTime {
        let parts = self.origin.duration(to: ContinuousClock.now).components
        let nanoseconds = parts.seconds * 1_000_000_000 + parts.attoseconds / 1_000_000_000
        return MonotonicTime(nanoseconds: UInt64(clamping: nanoseconds))
    }

    /// What this side says on a connection of a client.
    func hello(answering hello: Hello, as kind: ConnectionKind) -> Hello {
        Hello(
            kind: kind,
            cluster: self.configuration.cluster,
            nonce: hello.nonce,
            software: self.configuration.software,
            version: self.configuration.version
        )
    }

    /// Thirty-two bytes that nobody can guess.
    func joinToken() -> JoinToken {
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        for _ in 0..<4 {
            let word = generator.next()
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        }
        guard let token = JoinToken(bytes) else { preconditionFailure("4 words are 32 bytes") }
        return token
    }
}

/// The sessions of a receiver: which transfers data connections can join, which volumes are taken.
final class SessionRegistry: Sendable {
    private struct Entries {
        var transfers: [TransferID: IncomingTransfer] = [:]
        var volumes: [VolumeID: IncomingTransfer] = [:]
    }

    private let entries = Locked(Entries())

    /// What became of a claim.
    enum Claim {
        case claimed
        /// Another session has the volume.
        case held(IncomingTransfer)
        /// All places for transfers are taken.
        case full
        /// Another session has the transfer's identity.
        case duplicate
    }

    /// Takes a volume, and the name of a transfer, for one session.
    func claim(_ offer: Offer, for transfer: IncomingTransfer, limit: Int) -> Claim {
        self.entries.withLock { entries in
            if let holder = entries.volumes[offer.volume] { return .held(holder) }
            guard entries.volumes.count < limit else { return .full }
            guard entries.transfers[offer.transfer] == nil else { return .duplicate }
            entries.volumes[offer.volume] = transfer
            entries.transfers[offer.transfer] = transfer
            return .claimed
        }
    }

    /// Gives back what a session claimed; nothing happens where it claimed nothing.
    func release(_ offer: Offer, of transfer: IncomingTransfer) {
        self.entries.withLock { entries in
            if entries.volumes[offer.volume] === transfer { entries.volumes[offer.volume] = nil }
            if entries.transfers[offer.transfer] === transfer {
                entries.transfers[offer.transfer] = nil
            }
        }
    }

    /// The session of a transfer.
    func transfer(_ id: TransferID) -> IncomingTransfer? {
        self.entries.withLock { $0.transfers[id] }
    }

    /// All sessions with a volume.
    var transfers: [IncomingTransfer] { self.entries.withLock { Array($0.volumes.values) } }
}
