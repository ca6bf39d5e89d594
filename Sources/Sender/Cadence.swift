// SPDX-License-Identifier: Apache-2.0

// When a run is full and when it is incremental: one pure function, tested as a table.
// What a seventh full run does, and why: docs/decisions/0005-what-a-seventh-full-does.md.

public import BlockTypes

/// How a full transfer proves every allocated byte.
public enum FullKind: String, Hashable, Sendable, CaseIterable {
    /// Ships every byte that is not zero.
    case copy
    /// Exchanges leaf digests and ships what differs; a copy where there is no common base.
    case verify
}

/// What repeats itself from run to run.
public enum Cadence: Hashable, Sendable {
    /// Full when the number of the run is a multiple of seven, and where there is no base.
    case migration(seventh: FullKind)
    /// Incremental whenever a base exists.
    case disasterRecovery

    /// The cadence of a pair in its usual mode.
    public static let standard = Self.migration(seventh: .verify)

    /// Every how many successful runs a migration is full.
    public static let fullEvery: UInt64 = 7
}

/// What the caller asks a run to be.
public enum RequestedMode: Hashable, Sendable {
    /// As the cadence says.
    case automatic(Cadence)
    /// Full, whatever the cadence says.
    case full(FullKind)
}

/// Why a run is full; part of its result.
public enum FullReason: String, Hashable, Sendable, CaseIterable {
    /// The caller asked for it.
    case requested
    /// It is a seventh run.
    case seventhRun
    /// The pair has no generation of this volume that we still know.
    case noBase
    /// The destination does not have the base any more, or another one.
    case baseRefused
    /// The base is there, but neither its clone nor its digests are left here.
    case baseDigestsLost
    /// An incremental did not prove right at the destination: its base there is not what it was.
    case proofFailed
}

/// What a run does.
public struct CadenceDecision: Hashable, Sendable {
    /// How the destination gets to the target.
    public let mode: TransferMode

    /// Why it is full; nil for an incremental run.
    public let reason: FullReason?

    /// A decision; `reason` belongs to full modes only.
    public init(_ mode: TransferMode, _ reason: FullReason? = nil) {
        self.mode = mode
        self.reason = reason
    }
}

extension RequestedMode {
    /// Decides what run number `run` does.
    ///
    /// - Parameters:
    ///   - run: successful runs of this volume and pair so far, plus one.
    ///   - hasBase: whether both sides hold a common generation.
    /// - Returns: an incremental mode only where there is a base.
    public func decide(run: UInt64, hasBase: Bool) -> CadenceDecision {
        precondition(run >= 1, "runs are counted from 1, not \(run)")
        switch self {
        case .full(let kind):
            return Self.full(kind, hasBase: hasBase, .requested)
        case .automatic(.disasterRecovery):
            return hasBase ? CadenceDecision(.incremental) : CadenceDecision(.fullCopy, .noBase)
        case .automatic(.migration(let seventh)):
            guard hasBase else { return CadenceDecision(.fullCopy, .noBase) }
            guard run.isMultiple(of: Cadence.fullEvery) else {
                return CadenceDecision(.incremental)
            }
            return Self.full(seventh, hasBase: true, .seventhRun)
        }
    }

    private static func full(
        _ kind: FullKind,
        hasBase: Bool,
        _ reason: FullReason
    ) -> CadenceDecision {
        switch kind {
        case .copy: CadenceDecision(.fullCopy, reason)
        case .verify: CadenceDecision(hasBase ? .fullVerify : .fullCopy, reason)
        }
    }
}
