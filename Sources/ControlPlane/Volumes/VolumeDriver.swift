// SPDX-License-Identifier: Apache-2.0

public import Kinds
public import ObjectModel

/// What moves the volumes of one storage system between clusters; docs/volume-drivers.md is the
/// contract for who writes another one.
///
/// The controllers know no more of storage than this. Every call may come again after a crash, in
/// any order, from another process: a driver keeps nothing that its storage system does not keep.
/// All calls honour cancellation by throwing ``VolumeTrouble`` with ``VolumeTrouble/Reason/interrupted``.
public protocol VolumeDriver: Sendable {
    /// The name of the CSI driver whose volumes it moves.
    var name: String { get }

    /// The volume of a PersistentVolume that this driver moves; nil where it is not its own.
    func volume(of persistentVolume: KubeObject) -> String?

    /// A PersistentVolume of this driver as it has to be at the destination: with the handle, and
    /// whatever else names a place, that the copy has there. Its name stays.
    func atDestination(_ persistentVolume: KubeObject) -> KubeObject

    /// Pairs the local storage with a remote one; pairing again with what is paired is success.
    ///
    /// - Returns: the identity of the remote storage, the same for every name it is reached by.
    /// - Throws: ``VolumeTrouble``.
    func pair(_ request: StoragePairRequest) async throws(VolumeTrouble) -> String

    /// Whether the pair still works, asked cheaply.
    ///
    /// - Throws: ``VolumeTrouble``: what keeps it from working; `notPaired` and `certificateExpired`
    ///   where pairing again helps.
    func check(remote: String) async throws(VolumeTrouble)

    /// Ends the pair with a remote storage; one that is gone already is success. Volumes stay.
    func unpair(remote: String) async throws(VolumeTrouble)

    /// Freezes the volumes of a group as one and begins their copies; asked again for the same group
    /// it freezes nothing anew (no volume is copied twice).
    ///
    /// Nothing that it copies is shown before ``commit(_:)``.
    func begin(_ group: VolumeGroup) async throws(VolumeTrouble) -> VolumeFreeze

    /// How far each copy is, in the order of the group; nil where the driver knows nothing of the
    /// group, or not of all of it.
    func progress(of group: VolumeGroup) async throws(VolumeTrouble) -> [VolumeProgress]?

    /// Has the destination show every volume of a group whose copies are all `prepared`.
    ///
    /// What was shown stays where it fails; asked again it finishes what was begun.
    func commit(_ group: VolumeGroup) async throws(VolumeTrouble)

    /// Ends the copies of a group that run; ones that have ended, or were never begun, are success.
    ///
    /// The destination keeps what it showed before. No volume is deleted on either side.
    func cancel(_ group: VolumeGroup) async throws(VolumeTrouble)

    // MARK: - At a destination

    /// Brings what was copied here together and was not yet shown to an end without its source: it is
    /// shown where it is one of `states`, and else thrown away, so that nothing is in the way of them.
    ///
    /// - Parameter states: by the names of the volumes. Asked again: success.
    /// - Throws: ``VolumeTrouble``.
    func settle(_ states: [String: VolumeFreeze.Frozen]) async throws(VolumeTrouble)

    /// The states of a copy that are kept here, the oldest first; nil where there is no such copy.
    func states(of volume: String) async throws(VolumeTrouble) -> [VolumeFreeze.Frozen]?

    /// Lets applications write to a copy, from one of its states on; asked again: success.
    ///
    /// From then on nothing that its source sends is taken, until ``revert(_:)``.
    func promote(
        _ volume: String,
        to state: VolumeFreeze.Frozen
    ) async throws(VolumeTrouble)

    /// Takes a promotion back, with what was written since; a volume that is a copy: success.
    func revert(_ volume: String) async throws(VolumeTrouble)

    /// Makes an independent volume out of a state of a volume, every byte of it proven.
    func clone(
        _ volume: String,
        as name: String,
        of state: VolumeFreeze.Frozen
    ) async throws(VolumeTrouble)

    /// Deletes a volume that ``clone(_:as:of:)`` made; one that is gone: success. No other volume is
    /// deleted, whatever its name.
    func discard(clone: String) async throws(VolumeTrouble)

    // MARK: - At a source

    /// Ends the replication of a volume whose applications run elsewhere; asked again: success.
    func fence(_ volume: String) async throws(VolumeTrouble)

    /// Lets a volume be replicated again.
    func unfence(_ volume: String) async throws(VolumeTrouble)
}

/// Asks for a pair with a remote storage.
public struct StoragePairRequest: Hashable, Sendable {
    /// What the pair may be called where it needs a name.
    public var name: String
    /// The address of the remote storage's API.
    public var ip: String
    /// The port of the remote storage's API.
    public var port: Int
    /// The secret of the remote storage; never logged.
    public var token: String
    /// Which copies may be incremental.
    public var cadence: Cadence

    /// A request for one pair.
    public init(name: String, ip: String, port: Int, token: String, cadence: Cadence) {
        self.name = name
        self.ip = ip
        self.port = port
        self.token = token
        self.cadence = cadence
    }
}

/// Which copies of a volume may be incremental.
public enum Cadence: String, Hashable, Sendable, CaseIterable {
    /// Every seventh copy is full.
    case everySeventhFull = "Default"
    /// Always incremental where there is a common base.
    case alwaysIncremental = "DisasterRecovery"

    /// Of the option `mode` of a ClusterPair; any word that is unknown is the default, as in Stork.
    public init(option: String?) {
        self = option.flatMap(Self.init(rawValue:)) ?? .everySeventhFull
    }
}

/// How far a copy is.
public struct VolumeProgress: Hashable, Sendable {
    /// Where it is in its life.
    public enum State: Hashable, Sendable {
        case running
        /// Durable and proven at the destination, and not shown before the group is committed.
        case prepared
        /// Durable, proven and shown at the destination.
        case done
        /// It will not go on by itself.
        case failed(VolumeTrouble)
        /// Somebody ended it.
        case cancelled
    }

    /// Where it is in its life.
    public var state: State
    /// What it does, in Stork's words: `Backup` while bytes travel, `Restore` while they are made
    /// visible.
    public var stage: String
    /// Bytes of the volume that are looked at.
    public var bytesDone: UInt64
    /// Bytes of the volume; zero until that is known.
    public var bytesTotal: UInt64
    /// Bytes that went over the network; nil before the end.
    public var bytesTransferred: UInt64?
    /// Seconds until the end; nil where nobody knows.
    public var secondsLeft: Int?
    /// Whether every byte was shipped; nil until that is known.
    public var isFull: Bool?
    /// Why every byte was shipped; nil where that is not so, or not known.
    public var fullReason: FullCopyReason?
    /// The number of the copy among those of the volume that have reached this destination, from 1;
    /// nil before the end.
    public var run: UInt64?
    /// Why it does not go on at the moment; nil where it goes on.
    public var waitsFor: VolumeTrouble?

    /// The state of one copy.
    public init(
        state: State,
        stage: String = "Backup",
        bytesDone: UInt64 = 0,
        bytesTotal: UInt64 = 0,
        bytesTransferred: UInt64? = nil,
        secondsLeft: Int? = nil,
        isFull: Bool? = nil,
        fullReason: FullCopyReason? = nil,
        run: UInt64? = nil,
        waitsFor: VolumeTrouble? = nil
    ) {
        self.state = state
        self.stage = stage
        self.bytesDone = bytesDone
        self.bytesTotal = bytesTotal
        self.bytesTransferred = bytesTransferred
        self.secondsLeft = secondsLeft
        self.isFull = isFull
        self.fullReason = fullReason
        self.run = run
        self.waitsFor = waitsFor
    }
}

/// Why a storage system did not do what was asked.
public struct VolumeTrouble: Error, Hashable, Sendable, CustomStringConvertible {
    /// What a person looks at, and what the controllers act on.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        /// The local storage does not answer.
        case agentUnreachable = "AgentUnreachable"
        /// The remote storage does not answer.
        case destinationUnreachable = "DestinationUnreachable"
        /// The token is wrong, or none.
        case tokenRefused = "TokenRefused"
        /// Somebody ended the pair at the destination.
        case pairRevoked = "PairRevoked"
        /// The local storage has no such pair.
        case notPaired = "NotPaired"
        /// A certificate is of somebody else.
        case certificateInvalid = "CertificateInvalid"
        /// The pair's own certificate ended, as after a day without renewal: pairing again helps.
        case certificateExpired = "CertificateExpired"
        /// Nobody holds the volume.
        case volumeNotFound = "VolumeNotFound"
        /// The volume is used at the destination, or is another one of that name.
        case volumeInUse = "VolumeInUse"
        /// Applications write to the volume at the destination, since a failover.
        case activeElsewhere = "VolumeActiveElsewhere"
        /// The volume is fenced here: its applications run elsewhere since a failover.
        case fenced = "VolumeFenced"
        /// The destination was the source once, and still takes itself for it.
        case notFenced = "VolumeNotFenced"
        /// There is no space for the copy.
        case noSpace = "NoSpace"
        /// An option or a name cannot be used.
        case invalid = "InvalidOptions"
        /// Anything else.
        case failed = "VolumeFailed"
        /// The caller does not wait any more.
        case interrupted = "Interrupted"
    }

    /// What the controllers act on.
    public let reason: Reason
    /// What happened, with the names: one sentence.
    public let message: String
    /// What to do next, where something can be done.
    public let remedy: String?
    /// Whether asking again can help without anybody changing anything.
    public let isPassing: Bool
    /// The volume of a group that it is about; nil where it is about all of them.
    public var volume: String?

    /// A failure of the kind `reason`.
    public init(
        _ reason: Reason,
        _ message: String,
        remedy: String? = nil,
        isPassing: Bool,
        volume: String? = nil
    ) {
        self.reason = reason
        self.message = message
        self.remedy = remedy
        self.isPassing = isPassing
        self.volume = volume
    }

    /// What happened and what to do.
    public var description: String { self.message + (self.remedy.map { " Try: \($0)" } ?? "") }
}
