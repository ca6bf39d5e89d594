// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What one client may take of the server (P6).
enum HTTPLimits {
    /// The largest body of a request: what an API server of Kubernetes takes too.
    static let body = 3 << 20
    /// The largest head of a request, and the largest single field; certificates are not in it.
    static let head = 64 << 10
    /// Fields in it.
    static let fields = 100
    /// Connections at once, of which each watch has one; more wait in the kernel until some have ended.
    static let connections = 1024
    /// A connection without a request, or with half of one, is closed after this.
    static let idle = TimeAmount.seconds(90)
    /// A body has to be there this long after its head.
    static let wholeBody = TimeAmount.seconds(60)
    /// A client that takes nothing of what is written to it for this long is dropped.
    static let slowReader = TimeAmount.seconds(30)
    /// How often a watch that wants bookmarks gets one, in seconds.
    static let bookmarkSeconds = 30
    /// How long a watch lasts that names no end, in seconds; clients begin another one.
    static let watchSeconds = 3600
}
