// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import SecureTransport
import VolumeStore
import WireProtocol

// What the failures below mean to the person who runs the replication.

extension ReplicationError {
    /// A failure of the source's files.
    init(_ error: StoreError) {
        let code: Code =
            switch error.code {
            case .busy: .sourceChanged
            case .noSpace, .ioFailed, .notFound, .alreadyExists, .corrupt, .unsupported,
                .wrongBase, .permission, .invalid:
                .sourceFailed
            }
        self.init(
            code,
            "the source could not be read or frozen",
            cause: error.description,
            remedy: code == .sourceChanged ? nil : error.advice,
            isRetryable: error.isRetryable
        )
    }

    /// What ended an attempt.
    init(_ failure: StreamFailure) {
        switch failure {
        case .store(let error), .sourceWritten(let error): self.init(error)
        case .transport(let error): self.init(error)
        case .peer(let report): self.init(report)
        case .refused(let refusal): self.init(refusal)
        case .drained:
            self.init(
                .unreachable,
                "the destination is about to stop",
                isRetryable: true
            )
        case .stalled(let wait):
            self.init(
                .destinationFailed,
                "the destination answers, but makes nothing durable",
                cause: "the data connections have waited for credit for "
                    + "\(wait.components.seconds) s, and nothing was sent or acknowledged",
                isRetryable: true
            )
        case .commitStalled(let wait):
            self.init(
                .destinationFailed,
                "the destination answers, but does not end the commit",
                cause: "it has had everything for \(wait.components.seconds) s; once it is done, "
                    + "the next run finds the new generation there and sends nothing again",
                isRetryable: true
            )
        case .stopped:
            self.init(.unreachable, "the connection to the destination broke", isRetryable: true)
        case .cancelled:
            self.init(.cancelled, "the run was cancelled")
        case .missedChange(let leaf):
            self.init(
                .sourceFailed,
                "a change source missed a change",
                cause: "leaf \(leaf.index) differs",
                isRetryable: true
            )
        case .foreignTicket:
            self.init(.protocolViolation, "the destination returned another sender's ticket")
        }
    }

    /// A failure of a connection.
    init(_ error: TransportError) {
        let (code, message): (Code, String) =
            switch error.code {
            case .certificateRejected:
                (.notAuthorised, "the destination's certificate cannot be trusted")
            case .refusedByPeer:
                (.notAuthorised, "the destination does not trust this side's certificate")
            case .handshakeFailed: (.notAuthorised, "the TLS handshake failed")
            case .badCredentials: (.notAuthorised, "this side's own certificate cannot be used")
            case .violation: (.protocolViolation, "the destination broke the protocol")
            case .connectFailed: (.unreachable, "the destination does not answer")
            case .timedOut: (.unreachable, "the destination did not answer in time")
            case .closed, .interrupted: (.unreachable, "the connection to the destination broke")
            case .listenFailed, .outOfResources:
                (.unreachable, "this side has no room for another connection")
            }
        let isRetryable = error.isRetryable || error.code == .interrupted
        self.init(code, message, cause: error.what, isRetryable: isRetryable)
    }

    /// What the destination reported.
    init(_ report: ErrorReport) {
        self.init(report.code, report.text, report.isRetryable, after: nil)
    }

    /// Why the destination does not take the offer.
    init(_ refusal: Refusal) {
        let seconds = refusal.retryAfterSeconds
        self.init(
            refusal.code,
            refusal.text,
            refusal.isRetryable,
            after: seconds > 0 ? .seconds(Int(seconds)) : nil
        )
    }

    private init(
        _ protocolCode: ProtocolCode,
        _ text: String,
        _ isRetryable: Bool,
        after: Duration?
    ) {
        let code: Code =
            switch protocolCode {
            case .violation, .badTicket, .internalFailure: .protocolViolation
            case .versionMismatch, .missingFeature: .incompatible
            case .notAuthorised: .notAuthorised
            case .busy, .duplicateTransfer: .busy
            case .draining, .streamLost, .timedOut: .unreachable
            case .noSpace: .noSpace
            case .needsFull, .wrongBase, .lineageFork, .staleGeneration, .alreadyCommitted:
                .historyDiffers
            case .shrinkNotAllowed: .shrinkNotAllowed
            case .sizeLimit, .storeFailed: .destinationFailed
            case .rootMismatch, .corruptData, .driftFound: .proofFailed
            case .cancelled: .cancelled
            case .activeElsewhere: .activeElsewhere
            }
        self.init(
            code,
            protocolCode.meaning,
            cause: text,
            isRetryable: isRetryable,
            retryAfter: after
        )
    }
}
