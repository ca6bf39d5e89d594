// SPDX-License-Identifier: Apache-2.0

import Foundation
import Locks
import Testing

/// A line that a command wrote to its standard error, with the facts of a line in JSON.
struct LogLine: Sendable {
    let text: String
    let facts: [String: String]

    init(_ text: String) {
        self.text = text
        self.facts =
            (try? JSONDecoder().decode([String: String].self, from: Data(text.utf8))) ?? [:]
    }

    var reason: String? { self.facts["reason"] }
    var transfer: String? { self.facts["transfer"] }
    func number(_ fact: String) -> Int? { self.facts[fact].flatMap { Int($0) } }
}

extension LogLine: CustomStringConvertible {
    var description: String { self.text }
}

extension Arrivals<LogLine> {
    /// The first line with one of the reasons.
    func first(from place: Int = 0, reason: String...) async throws -> LogLine {
        try await self.first(from: place) { line in
            line.reason.map { reason.contains($0) } ?? false
        }
    }
}

/// Follows a command's standard error, which goes to a file: no pipe can fill up.
final class CommandLog: Sendable {
    let lines = Arrivals<LogLine>()

    private struct Unread {
        let file: FileHandle
        var rest = Data()
    }

    private let unread: Locked<Unread>
    private let events = Locked<FileEvents?>(nil)

    init(_ path: String) throws {
        let file = try #require(FileHandle(forReadingAtPath: path))
        self.unread = Locked(Unread(file: file))
        let events = try FileEvents { [weak self] _, _ in self?.take() }
        events.watch(path, UInt32(IN_MODIFY))
        self.events.withLock { $0 = events }
    }

    /// The command has ended: nothing more will come.
    func finish() {
        self.take()
        self.events.withLock { events in
            events?.stop()
            events = nil
        }
        self.lines.finish()
    }

    private func take() {
        // Inside the lock: two readers would mix up the order of the lines.
        self.unread.withLock { unread in
            unread.rest += (try? unread.file.readToEnd()) ?? Data()
            while let end = unread.rest.firstIndex(of: 10) {
                self.lines.append(LogLine(String(decoding: unread.rest[..<end], as: UTF8.self)))
                unread.rest = Data(unread.rest[(end + 1)...])
            }
        }
    }
}
