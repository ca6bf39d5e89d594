// SPDX-License-Identifier: Apache-2.0

/// How a staged generation becomes the visible one once the commit record is durable.
public enum CommitSwitch: String, Codable, Sendable {
    /// The stage is renamed into `generations/`.
    case rename
    /// The journal is applied in place to the base's bytes.
    case apply
    /// The stage is renamed, its bytes already lie on the attached device.
    case adopt
}

/// What a replica shows: the record of `commit.json`, the one place that decides it (P1).
///
/// A record with `pending` is the commit record: from the moment it is durable, the target is the
/// generation of the volume. Whoever opens the volume finishes the switch before anybody reads.
public struct CommitRecord: StateRecord, Hashable {
    /// The version of `commit.json`.
    public static let format = 1

    /// A decided switch that is not finished.
    public struct Pending: Codable, Hashable, Sendable {
        /// The generation that the volume has from now on.
        public var target: GenerationRecord
        /// What is left to do for it.
        public var method: CommitSwitch
        /// The records that `durable.log` has to have where a journal is applied: fewer of them
        /// would make a mixture, which nothing later would notice.
        public var journalRecords: Int?

        /// A switch to `target`.
        public init(
            _ target: GenerationRecord,
            by method: CommitSwitch,
            journalRecords: Int? = nil
        ) {
            self.target = target
            self.method = method
            self.journalRecords = journalRecords
        }
    }

    /// The generation that readers get; nil before the first commit.
    public var visible: GenerationRecord?
    /// Older generations that are kept, newest first.
    public var kept: [GenerationRecord]
    /// The switch that the commit record decided and that is not finished.
    public var pending: Pending?
    /// True where nobody has proven that the bytes are those of `visible`; nil else.
    ///
    /// A source became this replica and its snapshot was gone. Nobody reads the bytes before a run
    /// has verified them.
    public var unproven: Bool?

    /// A record of all its parts.
    public init(
        visible: GenerationRecord? = nil,
        kept: [GenerationRecord] = [],
        pending: Pending? = nil,
        unproven: Bool? = nil
    ) {
        self.visible = visible
        self.kept = kept
        self.pending = pending
        self.unproven = unproven
    }

    /// Whether the bytes are those of the visible generation.
    public var isProven: Bool { self.unproven != true }
}
