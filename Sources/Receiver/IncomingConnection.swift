// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import SecureTransport
import WireProtocol

/// A connection from the accepted socket to the point where it is a control or a data connection.
struct IncomingConnection {
    private let environment: ReceiverEnvironment
    private let threads: ThreadRoll
    private let place: ThreadRoll.Place

    init(_ environment: ReceiverEnvironment, _ threads: ThreadRoll, _ place: ThreadRoll.Place) {
        self.environment = environment
        self.threads = threads
        self.place = place
    }

    /// Runs the connection to its end, on a thread of its own.
    func run(_ socket: AcceptedSocket) {
        let address = socket.peerAddress
        let connection: TLSConnection
        do throws(TransportError) {
            defer { self.threads.provenOrGone() }
            connection = try socket.handshake(timeout: Limits.handshakeTimeout)
        } catch {
            self.environment.observer.received(
                .connectionRefused(address: address, reason: error.what)
            )
            return
        }
        self.threads.replace(self.place) { connection.interrupt() }
        let made = self.environment.now
        var next: FrameConnection? = FrameConnection(connection)
        while let frames = next.take() {
            next = self.rest(self.serve(frames, address), since: made)
        }
    }

    /// Serves one session or stream.
    ///
    /// Who the peer is, and whether it may, is asked each time (P8).
    ///
    /// - Returns: the connection, where another one may follow.
    private func serve(
        _ connection: consuming FrameConnection,
        _ address: String
    ) -> FrameConnection? {
        var frames = connection
        // A silent peer holds its thread so long and no longer; changed when its kind is known.
        frames.connection.setReadTimeout(Limits.handshakeTimeout)
        frames.connection.setWriteTimeout(Limits.peerTimeout)
        guard let pair = self.environment.authorise(frames.connection.peer) else {
            self.refuse(
                &frames,
                address,
                ErrorReport(code: .notAuthorised, text: "the pair is not known here")
            )
            return nil
        }
        do throws(TransportError) {
            let hello = try self.hello(&frames)
            guard hello.cluster == pair.cluster else {
                self.refuse(
                    &frames,
                    address,
                    ErrorReport(
                        code: .notAuthorised,
                        text: "the hello is of another cluster than the key"
                    )
                )
                return nil
            }
            return try self.run(hello, frames, pair, address)
        } catch {
            self.environment.observer.received(
                .connectionRefused(address: address, reason: error.what)
            )
            return nil
        }
    }

    /// Waits for the client to begin something else.
    ///
    /// - Parameters:
    ///   - connection: what the client may begin it on, if there is something.
    ///   - made: when the peer's certificate was checked: it must not serve for ever (P8).
    /// - Returns: the connection, where it does; nil where there was none, or it has rested too long.
    private func rest(
        _ connection: consuming FrameConnection?,
        since made: MonotonicTime
    ) -> FrameConnection? {
        guard var frames = connection else { return nil }
        let age = self.environment.now.elapsed(since: made)
        guard age < self.environment.limits.restingAge, self.threads.rest(self.place) else {
            frames.close(afterLastWord: true)
            return nil
        }
        defer { self.threads.resume(self.place) }
        do throws(TransportError) {
            frames.connection.beginUse()
            let limit = self.environment.limits.restingTime
            if try frames.waitReadable(timeout: limit) == .readable { return frames }
        } catch {
            // The client has no more to send, or this side stops: nobody has to know.
        }
        frames.close()
        return nil
    }

    private func run(
        _ hello: Hello,
        _ frames: consuming FrameConnection,
        _ pair: PairIdentity,
        _ address: String
    ) throws(TransportError) -> FrameConnection? {
        let answer = self.environment.hello(answering: hello, as: hello.kind)
        let mayRest = [answer, hello].allSatisfy { $0.names(.connectionReuse) }
        switch hello.kind {
        case .control:
            DataThread.rename("gw-control")
            let transfer = try IncomingTransfer(
                pair: pair,
                certificate: frames.connection.peer,
                peer: address,
                environment: self.environment,
                hello: answer
            )
            return ControlConnection(frames, transfer).run(hello, mayRest: mayRest)
        case .data:
            DataThread.rename("gw-data")
            return DataConnection(frames, pair, self.environment, hello: answer)
                .run(hello, mayRest: mayRest)
        }
    }

    /// The first frame; what is no hello is answered as what it is.
    private func hello(_ frames: inout FrameConnection) throws(TransportError) -> Hello {
        do throws(TransportError) {
            if case .control(.hello(let hello)) = try frames.receive() { return hello }
        } catch {
            guard case .violation(let frame) = error.code else { throw error }
            try? frames.send(.error(frame.report))
            frames.close(afterLastWord: true)
            throw error
        }
        let report = ErrorReport(code: .violation, text: "the first frame is no hello")
        try? frames.send(.error(report))
        frames.close(afterLastWord: true)
        throw TransportError(.closed, report.text)
    }

    private func refuse(
        _ frames: inout FrameConnection,
        _ address: String,
        _ report: ErrorReport
    ) {
        self.environment.observer.received(
            .connectionRefused(address: address, reason: report.text)
        )
        try? frames.send(.error(report))
        frames.close(afterLastWord: true)
    }
}
