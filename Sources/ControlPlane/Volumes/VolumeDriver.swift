// SPDX-License-Identifier: Apache-2.0

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

    /// Begins a copy; asked again under the same task it does nothing (no volume is copied twice).
    func start(_ copy: VolumeCopy) async throws(VolumeTrouble)

    /// How far a copy is; nil where the driver knows nothing of the task.
    func progress(of copy: VolumeCopy) async throws(VolumeTrouble) -> VolumeProgress?

    /// Ends a copy that runs; one that has ended, or was never begun, is success.
    ///
    /// The destination keeps what it showed before. No volume is deleted on either side.
    func cancel(_ copy: VolumeCopy) async throws(VolumeTrouble)
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

/// One copy of one volume, under an identity that does not change over restarts.
public struct VolumeCopy: Hashable, Sendable {
    /// `<uid of the Migration>-<namespace>-<claim>`.
    public var task: String
    /// As ``VolumeDriver/volume(of:)`` names it.
    public var volume: String
    /// The identity of the remote storage.
    public var remote: String
    /// Which copies may be incremental.
    public var cadence: Cadence

    /// A copy of one volume.
    public init(task: String, volume: String, remote: String, cadence: Cadence) {
        self.task = task
        self.volume = volume
        self.remote = remote
        self.cadence = cadence
    }

    /// The identity of the copy of a claim's volume for a Migration.
    public static func task(uid: String, namespace: String, claim: String) -> String {
        "\(uid)-\(namespace)-\(claim)"
    }
}

/// How far a copy is.
public struct VolumeProgress: Hashable, Sendable {
    /// Where it is in its life.
    public enum State: Hashable, Sendable {
        case running
        /// Durable and proven at the destination.
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
        waitsFor: VolumeTrouble? = nil
    ) {
        self.state = state
        self.stage = stage
        self.bytesDone = bytesDone
        self.bytesTotal = bytesTotal
        self.bytesTransferred = bytesTransferred
        self.secondsLeft = secondsLeft
        self.isFull = isFull
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

    /// A failure of the kind `reason`.
    public init(_ reason: Reason, _ message: String, remedy: String? = nil, isPassing: Bool) {
        self.reason = reason
        self.message = message
        self.remedy = remedy
        self.isPassing = isPassing
    }

    /// What happened and what to do.
    public var description: String { self.message + (self.remedy.map { " Try: \($0)" } ?? "") }
}
