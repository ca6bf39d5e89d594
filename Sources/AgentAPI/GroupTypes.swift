// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// Asks a source agent to freeze several volumes together and to send them to one pair.
///
/// Nothing of the group becomes visible at the destination before the group is committed there.
public struct GroupRequest: Codable, Hashable, Sendable {
    /// One volume of a group.
    public struct Member: Codable, Hashable, Sendable {
        /// The name of the volume.
        public let volume: String
        /// The identity of its transfer, 32 lower-case hexadecimal digits.
        public let transfer: String

        /// A volume and the transfer that brings it.
        public init(volume: String, transfer: String) {
            self.volume = volume
            self.transfer = transfer
        }
    }

    /// The most volumes that one agent freezes together.
    public static let memberLimit = 64

    /// The identity of the group, 32 lower-case hexadecimal digits.
    ///
    /// Asking again under it answers with the group that there is: nothing is frozen twice. Several
    /// agents may have parts of one group under the same identity.
    public let id: String
    /// The name of the pair.
    public let pair: String
    /// The cadence of the transfers; nil for the pair's.
    public let mode: PairMode?
    /// Bytes per second of each transfer; nil for none.
    public let limit: UInt64?
    /// The volumes, 1 to 64.
    public let members: [Member]

    /// A request for one group.
    public init(
        id: String,
        pair: String,
        mode: PairMode? = nil,
        limit: UInt64? = nil,
        members: [Member]
    ) {
        self.id = id
        self.pair = pair
        self.mode = mode
        self.limit = limit
        self.members = members
    }
}

/// Where a group is in its life.
///
/// ```
/// copying ──▶ prepared ──▶ committing ──▶ committed
///    └──────────┴──▶ failed ──▶ cancelled
/// ```
public enum GroupState: String, Codable, Hashable, Sendable, CaseIterable {
    /// Its transfers are queued or under way.
    case copying
    /// All members are durable and proven at the destination, and nothing of them is visible.
    case prepared
    /// The destination has decided to show the group; some members may not be shown yet. Committing
    /// it again finishes that.
    case committing
    /// The destination shows all members.
    case committed
    /// A transfer has failed for good, or the destination let the group go; it can only be cancelled.
    case failed
    /// It was cancelled: the destination keeps what it showed before.
    case cancelled

    /// Whether nothing more will happen.
    public var isFinal: Bool {
        switch self {
        case .copying, .prepared, .committing, .failed: false
        case .committed, .cancelled: true
        }
    }
}

/// One volume of a group, as its source agent knows it.
public struct GroupMember: Codable, Hashable, Sendable {
    /// The name of the volume.
    public var volume: String
    /// The identity of the volume, 32 hexadecimal digits.
    public var volumeID: String
    /// The identity of its transfer.
    public var transfer: String
    /// The number of the frozen generation.
    public var generation: UInt64
    /// The frozen view, 32 hexadecimal digits.
    public var snapshot: String
    /// Where its transfer is.
    ///
    /// While the member is prepared it is `waiting`; it becomes `succeeded` some moments after the
    /// group was committed.
    public var state: TransferState
    /// Whether the destination has the whole generation, durable and proven.
    public var isPrepared: Bool
    /// Whether the destination shows the generation.
    public var isCommitted: Bool
    /// The root digest of the generation, once the destination has proven it.
    public var rootDigest: String?
    /// Why its transfer failed, or what it waits for.
    public var error: APIError?

    /// A member with all its facts.
    public init(
        volume: String,
        volumeID: String,
        transfer: String,
        generation: UInt64,
        snapshot: String,
        state: TransferState,
        isPrepared: Bool = false,
        isCommitted: Bool = false,
        rootDigest: String? = nil,
        error: APIError? = nil
    ) {
        self.volume = volume
        self.volumeID = volumeID
        self.transfer = transfer
        self.generation = generation
        self.snapshot = snapshot
        self.state = state
        self.isPrepared = isPrepared
        self.isCommitted = isCommitted
        self.rootDigest = rootDigest
        self.error = error
    }
}

/// A group, as its source agent knows it.
public struct GroupInfo: Codable, Hashable, Sendable {
    /// The identity.
    public var id: String
    /// The name of the pair.
    public var pair: String
    /// Where it is in its life.
    public var state: GroupState
    /// Whether none of the volumes was written between the first freeze and the last.
    ///
    /// Then they were frozen as if at one instant; else one shortly after the other.
    public var isAtomic: Bool
    /// When the volumes were frozen.
    public var frozen: Date
    /// Its volumes, in the order of the request.
    public var members: [GroupMember]
    /// What keeps the group from going on, where that is not one member's trouble.
    public var error: APIError?

    /// A group with all its facts.
    public init(
        id: String,
        pair: String,
        state: GroupState,
        isAtomic: Bool,
        frozen: Date,
        members: [GroupMember],
        error: APIError? = nil
    ) {
        self.id = id
        self.pair = pair
        self.state = state
        self.isAtomic = isAtomic
        self.frozen = frozen
        self.members = members
        self.error = error
    }
}

/// How far a destination is with one volume of a held group.
public enum HoldMemberState: String, Codable, Hashable, Sendable, CaseIterable {
    /// It is not whole here yet.
    case waiting
    /// The generation is durable and proven, and not visible.
    case prepared
    /// The generation is visible.
    case committed
}

/// Where the hold of a destination on a group is in its life.
public enum HoldState: String, Codable, Hashable, Sendable, CaseIterable {
    /// Nothing of it may become visible yet.
    case held
    /// It was released, which is durable; members may still have to be shown.
    case releasing
    /// All members were shown.
    case committed
    /// It was dropped: its members are refused.
    case dropped
}

/// One volume of a held group, as the destination knows it.
public struct HoldMember: Codable, Hashable, Sendable {
    /// The identity of the volume, 32 hexadecimal digits.
    public var volumeID: String
    /// The name of the volume; nil while nothing of it has come.
    public var volume: String?
    /// The frozen view at the source, 32 hexadecimal digits.
    public var snapshot: String
    /// How far the destination is with it.
    public var state: HoldMemberState
    /// The number of the generation, once it is prepared.
    public var generation: UInt64?
    /// The root digest of the generation, once it is prepared.
    public var rootDigest: String?

    /// A member with all its facts.
    public init(
        volumeID: String,
        volume: String? = nil,
        snapshot: String,
        state: HoldMemberState,
        generation: UInt64? = nil,
        rootDigest: String? = nil
    ) {
        self.volumeID = volumeID
        self.volume = volume
        self.snapshot = snapshot
        self.state = state
        self.generation = generation
        self.rootDigest = rootDigest
    }
}

/// What a destination holds back for one group and pair.
public struct HoldInfo: Codable, Hashable, Sendable {
    /// The identity of the group.
    public var id: String
    /// The name of the pair; its cluster where the pair is gone.
    public var pair: String
    /// Where it is in its life.
    public var state: HoldState
    /// When the source registered the group.
    public var created: Date
    /// Its volumes.
    public var members: [HoldMember]

    /// A hold with all its facts.
    public init(id: String, pair: String, state: HoldState, created: Date, members: [HoldMember]) {
        self.id = id
        self.pair = pair
        self.state = state
        self.created = created
        self.members = members
    }

    /// Whether every member is durable and proven, or visible already.
    public var isPrepared: Bool {
        self.members.allSatisfy { member in
            switch member.state {
            case .waiting: false
            case .prepared, .committed: true
            }
        }
    }
}

/// What a source registers at a destination before it offers the members of a group.
public struct PeerGroupRequest: Codable, Hashable, Sendable {
    /// One volume of the group.
    public struct Member: Codable, Hashable, Sendable {
        /// The identity of the volume, 32 hexadecimal digits.
        public let volume: String
        /// The frozen view that will be offered, 32 hexadecimal digits.
        public let snapshot: String

        /// A volume and its frozen view.
        public init(volume: String, snapshot: String) {
            self.volume = volume
            self.snapshot = snapshot
        }
    }

    /// The volumes, 1 to 64.
    public let members: [Member]

    /// A registration of these members.
    public init(members: [Member]) { self.members = members }
}

extension AgentRoute {
    /// The groups of a source.
    public static let groups = "/v1/groups"
    /// What a destination holds back.
    public static let holds = "/v1/holds"

    /// One group.
    public static func group(_ id: String) -> String { "\(self.groups)/\(escaped(id))" }

    /// Something to do with one group.
    public static func group(_ id: String, _ verb: String) -> String {
        "\(self.group(id))/\(verb)"
    }

    /// One hold.
    public static func hold(_ id: String) -> String { "\(self.holds)/\(escaped(id))" }

    /// Something to do with one hold.
    public static func hold(_ id: String, _ verb: String) -> String { "\(self.hold(id))/\(verb)" }
}

extension PeerRoute {
    /// The groups that the pair has registered here.
    public static let groups = "/v1/peer/groups"

    /// One of them.
    public static func group(_ id: String) -> String { "\(self.groups)/\(escaped(id))" }

    /// Lets one of them become visible.
    public static func groupCommit(_ id: String) -> String { "\(self.group(id))/commit" }
}
