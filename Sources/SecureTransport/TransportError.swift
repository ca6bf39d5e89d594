// SPDX-License-Identifier: Apache-2.0

public import WireProtocol

/// Why a connection could not be made or cannot go on.
public struct TransportError: Error, Equatable {
    /// What a caller acts upon.
    public enum Code: Equatable, Sendable {
        /// No route, no listener, or no such host.
        case connectFailed
        /// The address cannot be listened on.
        case listenFailed
        /// The peer does not speak TLS 1.3 as we do.
        case handshakeFailed
        /// We refuse the peer's certificate.
        case certificateRejected
        /// The peer refuses our certificate; with TLS 1.3 a client learns it at its first read.
        case refusedByPeer
        /// The peer closed the connection, or it broke.
        case closed
        /// A deadline passed.
        case timedOut
        /// Another thread called `interrupt()`.
        case interrupted
        /// The peer broke the protocol of frames.
        case violation(FrameError)
        /// Our own certificate, key or trust cannot be used.
        case badCredentials
        /// The process is out of threads, descriptors or memory.
        case outOfResources
    }

    /// What is wrong with a certificate or a handshake.
    public enum Reason: Hashable, Sendable {
        case expired
        case notYetValid
        case unknownAuthority
        case noCertificate
        case wrongUsage
        case wrongName
        case revoked
        case badCertificate
        case protocolVersion
        case notTLS
        case other
    }

    /// What a caller acts upon.
    public let code: Code
    /// The cause, where the handshake or a certificate is at fault.
    public let reason: Reason?
    /// What happened, with the values; a fragment for logs and messages.
    public let what: String

    /// An error of this module.
    public init(_ code: Code, _ what: String, reason: Reason? = nil) {
        self.code = code
        self.reason = reason
        self.what = what
    }

    /// Whether this side ended the handshake, so that the peer is to get an alert.
    var isRefusal: Bool {
        switch self.code {
        case .handshakeFailed, .certificateRejected: true
        case .connectFailed, .listenFailed, .refusedByPeer, .closed, .timedOut, .interrupted,
            .violation, .badCredentials, .outOfResources:
            false
        }
    }

    /// Whether the same connection may succeed later without anybody changing anything.
    public var isRetryable: Bool {
        switch self.code {
        case .connectFailed, .closed, .timedOut, .outOfResources: true
        case .listenFailed, .handshakeFailed, .certificateRejected, .refusedByPeer, .interrupted,
            .violation, .badCredentials:
            false
        }
    }
}

extension TransportError: CustomStringConvertible {
    /// What happened.
    public var description: String { self.what }
}
