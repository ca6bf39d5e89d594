// SPDX-License-Identifier: Apache-2.0

/// Why a run did not finish (P10): what happened, why, whether trying again helps, what to do.
public struct ReplicationError: Error, Hashable, Sendable {
    /// What a caller would act differently on.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// Somebody cancelled the run.
        case cancelled
        /// The destination did not answer, or the connection broke.
        case unreachable
        /// One of the two sides does not trust the other's certificate, or the pair is revoked.
        case notAuthorised
        /// The destination has no room.
        case noSpace
        /// The destination, or the volume there, is busy with another transfer.
        case busy
        /// The two sides speak different major versions, or lack a feature.
        case incompatible
        /// The destination's history of the volume is not ours.
        case historyDiffers
        /// The volume shrank and the request did not allow it.
        case shrinkNotAllowed
        /// The source changed while it was read and cannot be frozen.
        case sourceChanged
        /// The source could not be read or frozen.
        case sourceFailed
        /// The destination could not write.
        case destinationFailed
        /// What arrived is not what was sent; the staged generation was discarded.
        case proofFailed
        /// One side broke the protocol.
        case protocolViolation
        /// Our own state files could not be read or written.
        case stateFailed
        /// The volume is already being sent to that pair.
        case alreadyRunning
        /// The destination's replica was promoted: the volume is active there.
        case activeElsewhere
        /// Somebody fenced the volume here.
        case fenced
    }

    /// The kind of failure.
    public let code: Code

    /// What happened, to which volume: one sentence.
    public let message: String

    /// What was seen: the error beneath.
    public let cause: String

    /// What to do next.
    public let remedy: String

    /// Whether the same request can succeed later; what is durable is not sent again then (P5).
    public let isRetryable: Bool

    /// How long the destination asked us to stay away.
    public let retryAfter: Duration?

    /// An error; `remedy` nil takes the usual advice for the code.
    public init(
        _ code: Code,
        _ message: String,
        cause: String = "",
        remedy: String? = nil,
        isRetryable: Bool = false,
        retryAfter: Duration? = nil
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.remedy = remedy ?? Self.advice(for: code)
        self.isRetryable = isRetryable
        self.retryAfter = retryAfter
    }

    /// The same error about a named volume.
    func about(_ volume: String) -> Self {
        Self(
            self.code,
            "volume \(volume): \(self.message)",
            cause: self.cause,
            remedy: self.remedy,
            isRetryable: self.isRetryable,
            retryAfter: self.retryAfter
        )
    }

    private static func advice(for code: Code) -> String {
        switch code {
        case .cancelled:
            "Run the same replicate again: what is durable at the destination is not sent again."
        case .unreachable:
            "Check that the destination agent runs and that its port 9010 is reachable, then run "
                + "the same replicate again: it resumes."
        case .notAuthorised:
            "Check the pair on both sides with `godwit pair show`; pair again if it was revoked."
        case .noSpace: "Free space in the destination's pool, then run the same replicate again."
        case .busy: "Wait for the other transfer of the volume, or cancel it."
        case .incompatible:
            "Upgrade the agent with the older protocol; `godwit --agent DIR version` on each side "
                + "shows it."
        case .historyDiffers:
            "The destination holds another history of this volume. Delete or rename the volume "
                + "there, then replicate in full."
        case .shrinkNotAllowed: "Repeat with --allow-shrink if the smaller size is intended."
        case .sourceChanged:
            "Stop the writer, or attach the source frozen, or put it on XFS or btrfs."
        case .sourceFailed: "Check the source's path and device, then replicate again."
        case .destinationFailed: "Look at the destination agent's log, then replicate again."
        case .proofFailed:
            "Replicate again with --full verify. If it repeats, check the memory and disks of "
                + "both sides."
        case .protocolViolation:
            "Compare the releases of both sides with `godwit version`; report it if they agree."
        case .stateFailed: "Check the pool directory's permissions, space and disk."
        case .alreadyRunning: "Wait for that run, or cancel it with `godwit transfer cancel`."
        case .activeElsewhere:
            "Stop what writes the volume here and fence it with `godwit volume fence`; then "
                + "replicate back from there, or take the promotion back there with `godwit volume "
                + "revert`."
        case .fenced:
            "If this side is to go on, `godwit volume unfence` lets it be replicated again."
        }
    }
}

extension ReplicationError: CustomStringConvertible {
    /// What happened, and what was seen.
    public var description: String {
        self.cause.isEmpty ? self.message : "\(self.message): \(self.cause)"
    }
}
