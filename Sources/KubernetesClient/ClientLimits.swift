// SPDX-License-Identifier: Apache-2.0

/// The bounds of one client; each has a reason for its value.
public struct ClientLimits: Sendable {
    /// Requests under way at once, without watches: what one API server takes from one user before
    /// its priority and fairness begins to queue.
    public var requests = 32
    /// Bytes of one answer: a page of 500 objects of 128 KiB.
    ///
    /// A page that is larger is asked for again with fewer objects.
    public var answerBytes = 64 << 20
    /// Bytes of one event of a watch: four times the 1.5 MiB that etcd takes, for what escaping adds.
    public var eventBytes = 6 << 20
    /// Objects of one page of a list, as kubectl has it.
    public var pageObjects = 500
    /// Until a connection is there, TLS included.
    public var connectTimeout: Duration = .seconds(5)
    /// Until an answer is whole, for one attempt: what API servers allow themselves is 60 s, but a
    /// caller that waits for a person's command gives up before.
    public var requestTimeout: Duration = .seconds(30)
    /// How old the knowledge of what the server serves may be: kinds come and go with definitions and
    /// upgrades, and who misses one asks anew.
    public var discoveryAge: Duration = .seconds(60)
    /// How long the server keeps a watch open; the client then asks anew from where it was.
    public var watchTimeout: Duration = .seconds(290)
    /// How much longer than the server the client waits in silence before it calls a watch broken.
    public var watchSlack: Duration = .seconds(30)
    /// Attempts of one request, the first included.
    public var attempts = 4
    /// The first wait between attempts; each further one is twice as long, and jitter halves some.
    public var firstBackoff: Duration = .milliseconds(200)
    /// The longest wait between attempts, also of those that the server asks for.
    public var longestBackoff: Duration = .seconds(30)

    /// The values that fit most callers.
    public init() {}

    /// Connections of the pool: those of requests, and one for each watch of a controller.
    var connections: Int { self.requests + 256 }
}
