// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
public import Identity

/// Makes connections to the agent of one destination, as one pair.
public final class TLSClient: Sendable {
    /// The agent that must answer.
    public let expectedServer: SPIFFEName
    private let context: TLSContext
    private let keyUpdateAfter: ByteCount
    private let resting = RestingConnections()

    /// A client with these credentials; renewed ones need a new client.
    ///
    /// - Throws: `badCredentials` where a PEM text cannot be used.
    public convenience init(
        credentials: TLSCredentials,
        expectedServer: SPIFFEName,
        keyUpdateAfter: ByteCount = TransportLimits.keyUpdate
    ) throws(TransportError) {
        try self.init(
            credentials: credentials,
            expectedServer: expectedServer,
            keyUpdateAfter: keyUpdateAfter,
            breaking: BrokenRules()
        )
    }

    package init(
        credentials: TLSCredentials,
        expectedServer: SPIFFEName,
        keyUpdateAfter: ByteCount = TransportLimits.keyUpdate,
        breaking rules: BrokenRules
    ) throws(TransportError) {
        self.context = try TLSContext(.client, credentials, breaking: rules)
        self.expectedServer = expectedServer
        self.keyUpdateAfter = keyUpdateAfter
    }

    /// Frames over a connection on which a transfer has ended, or else over a new one.
    ///
    /// - Throws: as ``connect(host:port:timeout:interruption:)``.
    public func open(
        host: String,
        port: UInt16,
        timeout: Duration = TransportLimits.connectTimeout,
        interruption: ConnectInterruption = ConnectInterruption()
    ) throws(TransportError) -> FrameConnection {
        if let resting = self.resting.take(host: host, port: port) {
            resting.connection.setReadTimeout(nil)
            resting.connection.setWriteTimeout(TransportLimits.writeTimeout)
            return FrameConnection(resting)
        }
        return FrameConnection(
            try self.connect(host: host, port: port, timeout: timeout, interruption: interruption),
            carriesData: false
        )
    }

    /// Keeps a connection on which a transfer has ended for the next one.
    ///
    /// A few seconds, see ``TransportLimits/restingTime``; ``closeResting()`` ends it before.
    public func rest(_ connection: RestingConnection, host: String, port: UInt16) {
        self.resting.put(connection, host: host, port: port)
    }

    /// Closes the connections that wait for another transfer.
    public func closeResting() { self.resting.closeAll() }

    /// A connection whose server has proven its name; all of it within `timeout`.
    ///
    /// Looking up a host name takes as long as the resolver of the system takes. The server's
    /// judgement of our own certificate arrives with the first read (TLS 1.3).
    ///
    /// Another thread ends the waiting early with `interruption`, all but the look-up of the name.
    public func connect(
        host: String,
        port: UInt16,
        timeout: Duration = TransportLimits.connectTimeout,
        interruption: ConnectInterruption = ConnectInterruption()
    ) throws(TransportError) -> TLSConnection {
        let deadline = Deadline(after: timeout)
        let socket = try Socket.connect(
            host: host,
            port: port,
            until: deadline,
            interruption
        )
        defer { interruption.release(socket) }
        return try TLSConnection(
            socket,
            self.context,
            .server(self.expectedServer),
            keyUpdateAfter: self.keyUpdateAfter,
            until: deadline
        )
    }
}
