// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// One copy of one volume, under an identity that does not change over restarts.
public struct VolumeCopy: Hashable, Sendable {
    /// `<task of the group>-<namespace>-<claim>`.
    public var task: String
    /// As ``VolumeDriver/volume(of:)`` names it.
    public var volume: String

    /// A copy of one volume.
    public init(task: String, volume: String) {
        self.task = task
        self.volume = volume
    }
}

/// The volumes of one Migration: frozen together, copied, and shown together.
public struct VolumeGroup: Hashable, Sendable {
    /// The UID of the Migration; with the number of the attempt where a freeze could not be used.
    public var task: String
    /// The identity of the remote storage.
    public var remote: String
    /// Which copies may be incremental.
    public var cadence: Cadence
    /// The volumes, each once.
    public var copies: [VolumeCopy]

    /// A group of copies.
    public init(task: String, remote: String, cadence: Cadence, copies: [VolumeCopy]) {
        self.task = task
        self.remote = remote
        self.cadence = cadence
        self.copies = copies
    }

    /// The task of a Migration's group after so many freezes that could not be used.
    public static func task(uid: String, freezes: Int) -> String {
        freezes == 0 ? uid : "\(uid)-\(freezes)"
    }
}

/// What freezing a group came to.
public struct VolumeFreeze: Hashable, Sendable {
    /// One frozen state of one volume.
    public struct Frozen: Hashable, Sendable {
        /// The number of the generation in the volume's history.
        public var generation: UInt64
        /// The identity of the frozen view, 32 hexadecimal digits.
        public var snapshot: String

        /// A frozen state by its names.
        public init(generation: UInt64, snapshot: String) {
            self.generation = generation
            self.snapshot = snapshot
        }
    }

    /// What the storage calls the group, 32 hexadecimal digits: a destination without its source
    /// finds under it what is prepared.
    public var group: String
    /// When the first of them was frozen.
    public var time: Timestamp
    /// Whether it is known that nothing was written between the first freeze and the last.
    public var isAtomic: Bool
    /// The states by the names of the volumes.
    public var volumes: [String: Frozen]

    /// A freeze with all its facts.
    public init(group: String, time: Timestamp, isAtomic: Bool, volumes: [String: Frozen]) {
        self.group = group
        self.time = time
        self.isAtomic = isAtomic
        self.volumes = volumes
    }
}
