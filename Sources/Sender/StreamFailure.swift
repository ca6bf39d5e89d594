// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import SecureTransport
import VolumeStore
import WireProtocol

/// Why a data thread, or the attempt as a whole, could not go on.
enum StreamFailure: Error {
    /// The connection.
    case transport(TransportError)
    /// The snapshot, the base or the digests.
    case store(StoreError)
    /// The volume was written although it was declared frozen.
    case sourceWritten(StoreError)
    /// The peer said so, or broke the protocol.
    case peer(ErrorReport)
    /// The offer was refused.
    case refused(Refusal)
    /// A leaf that the change source called unchanged did change (P9).
    case missedChange(LeafIndex)
    /// The ticket of the stage is not ours: its ranges cannot be believed.
    case foreignTicket
    /// The receiver is about to stop; what is durable there stays.
    case drained
    /// The destination answers, but nothing has moved for so long while data threads wait.
    case stalled(Duration)
    /// The destination answers, but has not said for so long what became of the commit.
    case commitStalled(Duration)
    /// Somebody cancelled.
    case cancelled
    /// Another thread has the reason.
    case stopped

    /// Whether another thread or the control connection may know more about the reason.
    var isSecondary: Bool {
        switch self {
        case .transport, .stopped: true
        case .store, .sourceWritten, .peer, .refused, .missedChange, .foreignTicket, .drained,
            .stalled, .commitStalled, .cancelled:
            false
        }
    }
}

/// Runs a store operation on behalf of a data thread.
func storing<Result: ~Copyable>(
    _ body: () throws(StoreError) -> Result
) throws(StreamFailure) -> Result {
    do throws(StoreError) {
        return try body()
    } catch {
        throw .store(error)
    }
}

/// Runs an operation of a connection on behalf of a data thread.
func transporting<Result: ~Copyable>(
    _ body: () throws(TransportError) -> Result
) throws(StreamFailure) -> Result {
    do throws(TransportError) {
        return try body()
    } catch {
        if case .violation(let violation) = error.code { throw .peer(violation.report) }
        throw .transport(error)
    }
}
