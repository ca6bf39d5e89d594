// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOWebSocket

/// Follows one exec request after its upgrade: frames in, ``ExecStream``'s actions out.
final class ExecConnection: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    /// How long the server may take to close after it has told the end.
    private static let closePatience = TimeAmount.seconds(2)

    private let result: EventLoopPromise<ExecResult>
    private var stream = ExecStream()

    init(_ result: EventLoopPromise<ExecResult>) { self.result = result }

    /// A connection that was lost during the upgrade tells its end to nobody who comes later.
    func handlerAdded(context: ChannelHandlerContext) {
        let loop = context.eventLoop.assumeIsolated()
        context.channel.closeFuture.assumeIsolated()
            .whenComplete { _ in
                // What has come before that is handed out first.
                loop.execute {
                    guard case .finish(let result) = self.stream.received(.end) else { return }
                    self.result.completeWith(result.mapError { $0 })
                }
            }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = self.unwrapInboundIn(data)
        let bytes = Array(frame.unmaskedData.readableBytesView)
        switch frame.opcode {
        case .binary, .text:
            self.perform(.message(bytes, isLast: frame.fin), context)
        case .continuation:
            self.perform(.continuation(bytes, isLast: frame.fin), context)
        case .ping: self.perform(.ping(bytes), context)
        case .connectionClose: self.perform(.close, context)
        case _: break
        }
    }

    private func perform(_ event: ExecStream.Event, _ context: ChannelHandlerContext) {
        switch self.stream.received(event) {
        case .nothing: return
        case .pong(let bytes): self.write(.pong, bytes, context)
        case .close:
            // 1000: as it should be.
            self.write(.connectionClose, [0x03, 0xe8], context)
            let channel = context.channel
            context.eventLoop.scheduleTask(in: Self.closePatience) { channel.close(promise: nil) }
        case .finish(let result):
            self.result.completeWith(result.mapError { $0 })
            context.close(promise: nil)
        }
    }

    private func write(
        _ opcode: WebSocketOpcode,
        _ bytes: [UInt8],
        _ context: ChannelHandlerContext
    ) {
        let frame = WebSocketFrame(
            fin: true,
            opcode: opcode,
            maskKey: .random(),
            data: context.channel.allocator.buffer(bytes: bytes)
        )
        context.writeAndFlush(self.wrapOutboundOut(frame), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let failure =
            error is NIOWebSocketError
            ? ClusterError(.badAnswer, "the container's stream cannot be read: \(error)") : error
        self.result.fail(failure)
        context.close(promise: nil)
    }
}

/// Gathers the answer of a server that does not upgrade.
final class ExecRefusal: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    /// Bytes of a Status, or of what a proxy says.
    private static let bodyBytes = 64 << 10

    private let result: EventLoopPromise<ExecResult>
    private var status = 0
    private var body: [UInt8] = []

    init(_ result: EventLoopPromise<ExecResult>) { self.result = result }

    func handlerAdded(context: ChannelHandlerContext) {
        let loop = context.eventLoop.assumeIsolated()
        context.channel.closeFuture.assumeIsolated()
            .whenComplete { _ in
                loop.execute { self.end() }
            }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head): self.status = Int(head.status.code)
        case .body(let part):
            let room = Self.bodyBytes - self.body.count
            self.body += part.readableBytesView.prefix(room)
        case .end:
            self.end()
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.end()
        context.close(promise: nil)
    }

    private func end() {
        self.result.fail(ClusterError(statusCode: self.status, body: self.body))
    }
}
