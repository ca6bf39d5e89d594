// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import NIOCore

/// Writes that a client has to take in time (P6): else its connection is closed, and the memory that
/// holds its answer comes back.
enum SlowReader {
    /// Bytes that are written at once; a client has the whole time for each of them.
    private static let piece = 256 << 10

    /// Writes bytes, and closes the connection where a piece of them is not taken in time.
    static func write(
        _ bytes: [UInt8],
        to writer: inout any ResponseBodyWriter,
        _ channel: any Channel
    ) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let closing = channel.eventLoop.scheduleTask(in: HTTPLimits.slowReader) {
                channel.close(promise: nil)
            }
            defer { closing.cancel() }
            try await writer.write(ByteBuffer(bytes: rest.prefix(Self.piece)))
            rest = rest.dropFirst(Self.piece)
        }
    }

    /// The body of an answer; a small one fits into the connection's own buffers.
    static func body(_ bytes: [UInt8], _ channel: any Channel) -> ResponseBody {
        guard bytes.count > Self.piece else {
            return ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        }
        return ResponseBody(contentLength: bytes.count) { writer in
            try await Self.write(bytes, to: &writer, channel)
            try await writer.finish(nil)
        }
    }
}
