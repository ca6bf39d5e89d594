// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// What a destination holds back for one group of a pair: the record of
/// `holds/<pair>-<group>.json`.
///
/// ```
/// held ──release──▶ releasing ──all shown──▶ committed
///   └────drop─────▶ dropped
/// ```
/// Holds: `releasing` is durable before the first member is shown, and only when all are proven.
public struct HoldRecord: StateRecord, Codable, Hashable {
    /// The version of the form of the file.
    public static let format = 1

    /// One volume of the group, and the view of it that is held back.
    public struct Member: Codable, Hashable, Sendable {
        /// The volume.
        public let volume: VolumeID
        /// The frozen view at the source.
        public let snapshot: SnapshotID

        /// A volume and its view.
        public init(volume: VolumeID, snapshot: SnapshotID) {
            self.volume = volume
            self.snapshot = snapshot
        }
    }

    /// Where the hold is in its life.
    public enum State: String, Codable, Sendable, CaseIterable {
        /// Nothing of it may become visible.
        case held
        /// It is decided that all of it becomes visible.
        case releasing
        /// All of it was shown.
        case committed
        /// Its members are refused.
        case dropped

        /// Whether nothing more will happen.
        public var isEnded: Bool {
            switch self {
            case .held, .releasing: false
            case .committed, .dropped: true
            }
        }
    }

    /// The group.
    public let group: GroupID
    /// The source cluster that registered it.
    public let pair: ClusterID
    /// What is held back.
    public let members: [Member]
    /// When it was registered, in seconds since 1970.
    public let created: UInt64
    /// When somebody last asked about it, to the hour, in seconds since 1970.
    public var touched: UInt64
    /// Where it is in its life.
    public var state: State

    /// A hold that begins.
    public init(group: GroupID, pair: ClusterID, members: [Member], created: UInt64) {
        self.group = group
        self.pair = pair
        self.members = members
        self.created = created
        self.touched = created
        self.state = .held
    }

    /// The name of its file.
    var file: String { "\(self.pair)-\(self.group).json" }
}

/// How far one member of a hold is.
public enum HoldProgress: Hashable, Sendable {
    /// It is not whole here.
    case waiting
    /// It is durable and was proven, and is not visible.
    case prepared(Generation)
    /// It is visible, or was until a later generation came.
    case committed(Generation)
}

/// What holds say about a target that a source offers.
public enum HoldVerdict: Hashable, Sendable {
    /// Nothing holds it back.
    case free
    /// It is prepared, and shown when its group is released.
    case held(GroupID)
    /// Another snapshot of the volume is held back or about to be shown.
    case occupied(GroupID)
    /// Its group was dropped here.
    case dropped(GroupID)
}

/// Why something cannot be done to a hold.
public enum HoldError: Error, Hashable {
    /// There is no such hold.
    case notFound
    /// There is one under the same identity with other members.
    case differs
    /// It was dropped.
    case dropped
    /// It was released.
    case released
    /// So many members are not prepared.
    case notPrepared(Int)
    /// The pair has so many holds that have not ended.
    case tooMany(Int)
    /// Somebody is at work on it, or on one of its volumes; ask again.
    case busy(String)
    /// The disk failed, or holds other bytes than were proven.
    case store(StoreError)
}
