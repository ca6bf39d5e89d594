// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hummingbird
import Locks
import NIOCore
import ObjectModel
import ServiceLifecycle

/// Writes the events of a watch, one JSON on each line, for as long as somebody wants them.
///
/// It ends when the client goes, when its time is over, when the server stops, and when the client
/// takes nothing of what is written for ``HTTPLimits/slowReader``; the store ends a watch whose
/// changes pile up.
struct WatchStream: Sendable {
    let watch: ObjectWatch
    let presentation: Presentation
    let seconds: Int
    let request: Request
    let channel: any Channel

    var response: Response {
        Response(
            status: .ok,
            headers: [.contentType: "application/json", .cacheControl: "no-cache, private"],
            body: ResponseBody { writer in
                let watch = self.watch
                // All of these end the watch, and the loop with it: nothing waits in vain.
                let timer = self.channel.eventLoop.scheduleTask(
                    in: .seconds(Int64(self.seconds))
                ) { watch.end() }
                defer { timer.cancel() }
                try await withGracefulShutdownHandler {
                    try await self.request.body.consumeWithInboundCloseHandler { _ in
                        try await self.write(to: &writer)
                    } onInboundClosed: {
                        watch.end()
                    }
                } onGracefulShutdown: {
                    watch.end()
                }
                try await writer.finish(nil)
            }
        )
    }

    private func write(to writer: inout any ResponseBodyWriter) async throws {
        var isFirst = true
        for await event in self.watch {
            let line = self.line(event, isFirst: isFirst)
            isFirst = isFirst && event.kind == .bookmark
            try await SlowReader.write(line, to: &writer, self.channel)
        }
    }

    private func line(_ event: WatchEvent, isFirst: Bool) -> [UInt8] {
        let object: JSON =
            switch event.kind {
            case .added, .modified, .deleted:
                self.presentation.event(event.object, isFirst: isFirst)
            case .bookmark: self.presentation.bookmark(event.object)
            case .error: event.object.json
            }
        return JSON.object(["type": .string(event.kind.rawValue), "object": object]).bytes + [0x0a]
    }
}

extension ObjectWatch {
    /// Ends the watch from outside: whoever iterates gets nil.
    func end() { self.subscription.watcher.end() }
}
