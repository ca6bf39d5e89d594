// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import SecureTransport
import VolumeStore
import WireProtocol

// What the peer is told about failures of the disk and of connections. Paths stay here: a peer gets
// the kind of failure and what it can do, the observer gets the whole text.

extension ErrorReport {
    /// A failure of the store.
    init(_ error: StoreError, offset: ByteOffset? = nil) {
        let code: ProtocolCode =
            switch error.code {
            case .noSpace: .noSpace
            case .busy: .busy
            case .wrongBase: .wrongBase
            case .ioFailed, .notFound, .alreadyExists, .corrupt, .unsupported, .permission,
                .invalid:
                .storeFailed
            }
        self.init(code: code, offset: offset, text: error.what)
    }

    /// A chunk that the stage does not take, or a stage that does not become a generation.
    init(_ error: StageError) {
        switch error {
        case .duplicate(let extent):
            self.init(
                code: .violation,
                offset: extent.start,
                text: "extent \(extent) came before"
            )
        case .outside(let extent):
            self.init(
                code: .violation,
                offset: extent.start,
                text: "extent \(extent) is not in the target"
            )
        case .rootMismatch(let expected, let found):
            self.init(
                code: .rootMismatch,
                text: "the sender's root is \(expected), what arrived has \(found); "
                    + "nothing was changed, a new transfer starts over"
            )
        case .tooFragmented:
            self.init(
                code: .sizeLimit,
                text: "the transfer has more separate extents than this target can take; "
                    + "use a target in a pool"
            )
        case .store(let error):
            self.init(error)
        }
    }

    /// A connection that ended.
    init(_ error: TransportError) {
        switch error.code {
        case .violation(let frame): self = frame.report
        case .timedOut: self.init(code: .timedOut, text: error.what)
        case .connectFailed, .listenFailed, .handshakeFailed, .certificateRejected,
            .refusedByPeer, .closed, .interrupted, .badCredentials, .outOfResources:
            self.init(code: .streamLost, text: error.what)
        }
    }
}
