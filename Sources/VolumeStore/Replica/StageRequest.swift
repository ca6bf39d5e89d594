// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// What a sender wants to bring: the part of its offer that concerns the disk.
public struct StageRequest: Sendable {
    /// The transfer.
    public var transfer: TransferID
    /// How the target is reached.
    public var mode: TransferMode
    /// The base that the sender computed from; must be the visible generation (P4).
    public var base: Generation?
    /// What is to become visible.
    public var target: StageTarget
    /// The sender's seal, kept with the stage.
    public var ticket: [UInt8]
    /// Whether a stage that could be continued is to be thrown away.
    public var discardsPartial: Bool

    /// A request of all its parts.
    public init(
        transfer: TransferID,
        mode: TransferMode,
        base: Generation?,
        target: StageTarget,
        ticket: [UInt8],
        discardsPartial: Bool = false
    ) {
        self.transfer = transfer
        self.mode = mode
        self.base = base
        self.target = target
        self.ticket = ticket
        self.discardsPartial = discardsPartial
    }
}

/// Whether stages use reflink clones.
public enum ReflinkUse: Sendable {
    /// Where the file system has them.
    case automatic
    /// Never: each incremental goes through a journal. For tests, and where clones are slow.
    case never
}
