// SPDX-License-Identifier: Apache-2.0

import Foundation
import Locks
import Testing

/// What happens to files, told by the kernel (inotify) as it happens.
///
/// The handler runs on one queue, so events come one after the other. It is told of what happens in
/// the directories and files that are watched, not below them.
final class FileEvents: Sendable {
    struct Event: Sendable {
        /// The path that is watched, and the name below it; empty for the path itself.
        let directory: String
        let name: String
        let mask: UInt32

        var path: String { self.name.isEmpty ? self.directory : "\(self.directory)/\(self.name)" }
        var isDirectory: Bool { self.mask & UInt32(IN_ISDIR) != 0 }
        var isNew: Bool { self.mask & UInt32(IN_CREATE | IN_MOVED_TO) != 0 }
    }

    private let descriptor: Int32
    private let watches = Locked<[Int32: String]>([:])
    // Its methods may be called from any thread; the library does not say so.
    private nonisolated(unsafe) let source: any DispatchSourceRead
    private let queue: DispatchQueue
    private let handler: @Sendable (FileEvents, Event) -> Void

    init(_ handler: @escaping @Sendable (FileEvents, Event) -> Void) throws {
        let descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        try #require(descriptor >= 0, "no inotify: \(String(cString: strerror(errno)))")
        self.descriptor = descriptor
        self.handler = handler
        let queue = DispatchQueue(label: "file-events", qos: .userInteractive)
        self.queue = queue
        self.source = DispatchSource.makeReadSource(
            fileDescriptor: descriptor,
            queue: queue
        )
        self.source.setCancelHandler { Glibc.close(descriptor) }
        self.source.setEventHandler { [weak self] in self?.read() }
        self.source.activate()
    }

    deinit { self.source.cancel() }

    /// Tells from now on what happens to a file, or in a directory.
    func watch(_ path: String, _ mask: UInt32) {
        // Gone already: then nothing happens there any more.
        self.watches.withLock { watches in
            let watch = inotify_add_watch(self.descriptor, path, mask)
            if watch >= 0 { watches[watch] = path }
        }
    }

    /// Tells nothing more once this returns, nor is anything looked at; not from the handler.
    func stop() {
        self.source.cancel()
        self.queue.sync {}
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(self.descriptor, &buffer, buffer.count)
            guard count > 0 else { return }
            for event in self.events(in: buffer[..<count]) { self.handler(self, event) }
        }
    }

    /// Each event: i32 watch, u32 mask, u32 cookie, u32 length of the name, the name with zeros.
    private func events(in bytes: ArraySlice<UInt8>) -> [Event] {
        var events: [Event] = []
        bytes.withUnsafeBytes { bytes in
            var place = 0
            while place + 16 <= bytes.count {
                let watch = bytes.loadUnaligned(fromByteOffset: place, as: Int32.self)
                let mask = bytes.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self)
                let length = Int(bytes.loadUnaligned(fromByteOffset: place + 12, as: UInt32.self))
                let name = bytes[(place + 16)..<(place + 16 + length)].prefix { $0 != 0 }
                if let path = self.watches.withLock({ $0[watch] }) {
                    events.append(
                        Event(
                            directory: path,
                            name: String(decoding: name, as: UTF8.self),
                            mask: mask
                        )
                    )
                }
                place += 16 + length
            }
        }
        return events
    }
}
