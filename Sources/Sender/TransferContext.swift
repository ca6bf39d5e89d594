// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Codecs
import SecureTransport
import VolumeStore
import WireProtocol

/// How a data thread finds out what of a candidate has to be sent.
enum Confirmation: Hashable {
    /// Everything that is not zero: the destination starts from zeros.
    case ship
    /// The granules that differ from the base's clone.
    case compareBase
    /// Leaves whose digest is not the stored one; then their granules, with the destination's help.
    case compareStored
    /// Leaves whose digest is not the one that the destination computes from its bytes.
    case comparePeer

    /// Whether work comes in whole leaves.
    var needsWholeLeaves: Bool {
        switch self {
        case .ship, .compareStored, .comparePeer: true
        case .compareBase: false
        }
    }

    /// The largest piece of work.
    var unit: ByteCount {
        switch self {
        case .ship, .compareBase, .compareStored:
            ByteCount(SenderLimits.unitLeaves * Geometry.leaf.bytes)
        case .comparePeer: ByteCount(SenderLimits.verifyUnitLeaves * Geometry.leaf.bytes)
        }
    }
}

/// What the data threads of one attempt share; nothing in it but counters and locks changes.
final class TransferContext: Sendable {
    let transfer: TransferID
    let confirmation: Confirmation
    /// The frozen bytes, and the base's where both are clones.
    let image: BlockFile
    let base: BlockFile?
    /// What audits of holes read.
    let holes: BlockFile?
    let size: ByteCount
    let hasher: LeafHasher
    let digests: TargetDigests
    /// Whether the digests began as those of the base.
    let hasBaseDigests: Bool
    /// The leaf in which the target ends and the longer base does not.
    let cutLeaf: LeafIndex?
    let dispenser: WorkDispenser
    let progress: ProgressCounters
    let request: ReplicationRequest
    let environment: SenderEnvironment
    let state: Monitor<AttemptState>
    /// Wakes the control thread.
    let wakeup: Wakeup
    /// Breaks off connections that are being made.
    let connecting: ConnectInterruption

    init(_ link: AttemptLink, _ source: AttemptSource) {
        self.transfer = link.transfer
        self.confirmation = source.confirmation
        self.image = source.image
        self.base = source.base
        self.holes = source.holes
        self.size = source.size
        self.hasher = LeafHasher(key: link.request.volume.key)
        self.digests = source.digests
        self.hasBaseDigests = source.hasBaseDigests
        self.cutLeaf = source.cutLeaf
        self.dispenser = source.dispenser
        self.progress = link.progress
        self.request = link.request
        self.environment = link.environment
        self.state = link.state
        self.wakeup = link.wakeup
        self.connecting = link.connecting
    }
}

/// What changes during an attempt, behind its lock.
struct AttemptState: Sendable {
    /// What is read and how it is compared; nil until that was found out.
    var source: AttemptSource?
    /// What there is to read; nil where it is much.
    var work: ByteCount?
    /// The last acknowledgement of each stream; empty before the acceptance.
    var acks: [Ack?] = []
    /// The data connections, for interruption from any thread.
    var connections: [TLSConnection] = []
    /// Those whose streams are complete, for another transfer once this one is committed.
    var resting: [RestingConnection] = []
    /// Bytes on the wire of those.
    var restingWire = ByteCount.zero
    /// Data threads that wait for credit.
    var waiting = 0
    /// Data threads that have not ended.
    var running = 0
    /// What the ended ones sent.
    var totals = StreamTotals()
    /// Streams that sent their end frame.
    var ended = 0
    /// The root of the target, until it was sent.
    var root: RootDigest?
    /// The first primary failure, else the first one.
    var failure: StreamFailure?
    /// The attempt is over: nobody waits for anything any more.
    var isOver = false
    /// Leaves of the destination's base without their recorded digest.
    var drifted = 0

    /// Bytes on the wire of all data connections so far.
    var wire: ByteCount {
        self.connections.reduce(self.restingWire) { $0 + $1.sentBytes + $1.receivedBytes }
    }

    /// Takes a connection from those that the attempt interrupts when it is over.
    ///
    /// - Returns: false where it is over already.
    mutating func release(_ connection: TLSConnection) -> Bool {
        guard !self.isOver,
            let place = self.connections.firstIndex(where: { $0 === connection })
        else { return false }
        self.connections.remove(at: place)
        self.restingWire += connection.sentBytes + connection.receivedBytes
        return true
    }

    mutating func fail(_ failure: StreamFailure) {
        guard let known = self.failure else {
            self.failure = failure
            return
        }
        if known.isSecondary && !failure.isSecondary { self.failure = failure }
    }
}
