// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BlockTypes
import Codecs
import Foundation
import Identity
import Locks
import SecureTransport
import WireProtocol

/// Sends random bytes through the product's transport and prints the seconds that it took.
struct TransportSendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transport-send",
        abstract: "Sends data frames of random bytes from memory.",
        shouldDisplay: false
    )

    @Argument var port: UInt16
    @Argument var streams: Int
    @Argument var credentials: String
    @Argument var bytes: Int

    func run() throws {
        let client = try TLSClient(
            credentials: TransportCredentials.read(from: self.credentials, .client),
            expectedServer: .agent(of: TransportCredentials.destination)
        )
        let connections = try (0..<self.streams)
            .map { _ in try client.connect(host: "127.0.0.1", port: self.port) }
        let frames = self.bytes / Geometry.maximumChunk.bytes
        let streams = self.streams
        let began = ContinuousClock.now
        try TransportThreads.run(streams) { number throws(TransportError) in
            let share = frames / streams + (number < frames % streams ? 1 : 0)
            try Self.send(share, over: connections[number], seed: UInt64(number))
        }
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        print("seconds \(seconds)")
    }

    private static func send(
        _ count: Int,
        over tls: TLSConnection,
        seed: UInt64
    ) throws(TransportError) {
        let length = Geometry.maximumChunk.bytes
        var payload = ChunkBuffer(capacity: Geometry.maximumChunk)
        var generator = Generator(seed: seed)
        for place in stride(from: 0, to: length, by: 8) {
            payload.store(generator.next(), at: place)
        }
        var connection = FrameConnection(tls, carriesData: false)
        try tls.write(withUnsafeBytes(of: UInt64(count).littleEndian) { Array($0) })
        for number in 0..<count {
            // No digest and no checksum: those are other stages.
            let header = DataHeader(
                offset: ByteOffset(number * length),
                rawLength: length,
                codec: .none,
                checksum: 0
            )
            try connection.sendData(header, payload: payload, 0..<length, flush: false)
        }
        try connection.flush()
        try tls.read(into: &payload, 0..<1)
        connection.close()
    }
}

/// Receives what the other one sends and prints how many bytes that was.
struct TransportReceiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transport-receive",
        abstract: "Receives data frames and forgets them.",
        shouldDisplay: false
    )

    @Argument var port: UInt16
    @Argument var streams: Int
    @Argument var credentials: String

    func run() throws {
        let own = try TransportCredentials.read(from: self.credentials, .server)
        let listener = try TLSListener(host: "127.0.0.1", port: self.port) { own }
        let received = Locked(0)
        try TransportThreads.run(self.streams) { _ throws(TransportError) in
            let count = try Self.receive(from: try listener.accept().handshake())
            received.withLock { $0 += count }
        }
        print("bytes \(received.withLock { $0 })")
    }

    private static func receive(from tls: TLSConnection) throws(TransportError) -> Int {
        var first = ChunkBuffer(capacity: ByteCount(8))
        try tls.read(into: &first, 0..<8)
        var connection = FrameConnection(tls)
        var bytes = 0
        for _ in 0..<first.load(UInt64.self, at: 0) {
            guard case .data(_, let payload) = try connection.receive() else { break }
            bytes += payload.count
        }
        try tls.write([1])
        try tls.flush()
        connection.close()
        return bytes
    }
}

/// Data threads as the product has them, and what the first failed one met.
private enum TransportThreads {
    static func run(
        _ count: Int,
        _ body: @escaping @Sendable (Int) throws(TransportError) -> Void
    ) throws {
        let failure = Locked<TransportError?>(nil)
        let threads = try (0..<count)
            .map { number in
                try DataThread.spawn(name: "transport-\(number)") {
                    do throws(TransportError) { try body(number) } catch {
                        failure.withLock { $0 = $0 ?? error }
                    }
                }
            }
        for thread in threads { thread.join() }
        if let failure = failure.withLock({ $0 }) {
            throw HarnessError("the transport failed: \(failure)")
        }
    }
}
