// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// What differs between the documents and a run by its nature; all else is compared word by word.
private enum Natural {
    /// The lines of a description whose values belong to one object alone.
    ///
    /// `Self Link` is no more since Kubernetes 1.20, and `Selectors` was null where today nothing is.
    static let lines: Set = [
        "Labels", "Annotations", "Creation Timestamp", "Generation", "Resource Version",
        "Self Link",
        "UID", "Selectors",
    ]
    /// The columns of times, and what a time looks like.
    static func isTime(_ cell: String, of title: String) -> Bool? {
        guard title == "CREATED" else { return nil }
        return cell.wholeMatch(of: /[0-9]{2} [A-Z][a-z]{2} [0-9]{2} [0-9]{2}:[0-9]{2} UTC/) != nil
    }
    /// What one part of the documents calls otherwise than the manifest above it: the policy, and the
    /// namespace that moved.
    static let slips = ["testpolicy": "testpolcy"]
    static let movedNamespace = "mysql"
    /// A migration that a schedule began.
    static func isScheduled(_ line: String) -> Bool {
        let day = /[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{6}/
        return ["interval", "daily", "weekly", "monthly"].contains { line.contains("-\($0)-") }
            && line.contains(day)
    }
}

extension DocumentWalk {
    /// Compares what the last line printed with what the documents show below it.
    func compare(_ text: String, _ block: SeedDocuments.Block) {
        let output = self.last.output
        let lines = text.split(separator: "\n").map(String.init)
        if text.hasPrefix("Token is ") {
            #expect(output.wholeMatch(of: /Token is [0-9a-f]{128}\n/) != nil)
            #expect(text.wholeMatch(of: /Token is [0-9a-f]{128}\n/) != nil)
        } else if text.hasPrefix("NAME") {
            self.compareTable(lines, block)
        } else if text.hasPrefix("Name:") {
            self.compareDescription(lines, block)
        } else if lines.count == 1, text.contains(" created") {
            #expect(output == text, "\(block)")
        } else {
            Issue.record("\(block): nobody compares '\(lines.first ?? "")'")
        }
    }

    private func compareTable(_ lines: [String], _ block: SeedDocuments.Block) {
        let titles = lines[0].split(whereSeparator: \.isWhitespace).map(String.init)
        let printed = Table.rows(self.last.output)
        guard let head = printed.first else {
            Issue.record("\(block): nothing printed")
            return
        }
        if self.deed?.isOfSchedules == true {
            // Our kinds have more columns; those of the documents are the first and the last one.
            #expect(head.first == titles.first && head.last == titles.last, "\(block)")
            #expect(lines.dropFirst().allSatisfy(Natural.isScheduled))
            return
        }
        #expect(head.starts(with: titles), "\(block)")
        for documented in lines.dropFirst().map({ Table.cells($0) }) {
            let isThere = (printed.dropFirst() + self.rows)
                .contains { Self.isSame($0, documented, titles) }
            #expect(isThere, "\(block): \(documented) is not in \(printed + self.rows)")
        }
    }

    /// Whether a row begins with the cells of the documents.
    private static func isSame(_ row: [String], _ documented: [String], _ titles: [String]) -> Bool
    {
        row.count >= documented.count
            && zip(zip(row, documented), titles)
                .allSatisfy { cells, title in
                    if let isTime = Natural.isTime(cells.0, of: title) { return isTime }
                    return cells.0 == Natural.slips[cells.1] ?? cells.1
                }
    }

    private func compareDescription(_ lines: [String], _ block: SeedDocuments.Block) {
        let printed = Self.normal(self.last.output.split(separator: "\n").map(String.init))
        var documented = Self.normal(lines)
        if self.deed?.isOfSchedules == true {
            documented = documented.filter { line in
                line == "Name: mysqlmigrationschedule"
                    || ["API Version: ", "Kind: "].contains { line.hasPrefix($0) }
            }
            #expect(documented.count == 3)
        }
        let events = documented.firstIndex(of: "Events:") ?? documented.endIndex
        var rest = printed[...]
        for line in documented[..<events] {
            guard !Natural.lines.contains(String(line.prefix { $0 != ":" })) else { continue }
            let wanted =
                line == "Namespace: \(Natural.movedNamespace)"
                ? "Namespace: \(Self.namespace)" : line
            guard let place = rest.firstIndex(of: wanted) else {
                Issue.record("\(block): no '\(wanted)' in\n\(self.last.output)")
                continue
            }
            rest = rest[(place + 1)...]
        }
        for line in documented[events...].dropFirst(3) { self.compareEvent(line, printed, block) }
    }

    /// Type, reason and sender with the message; between them is the age.
    private func compareEvent(
        _ line: String,
        _ printed: [String],
        _ block: SeedDocuments.Block
    ) {
        let words = line.split(separator: " ").map(String.init)
        let start = words.prefix(2).joined(separator: " ")
        let end = words.dropFirst(3).joined(separator: " ")
            .replacing(" \(Natural.movedNamespace)/", with: " \(Self.namespace)/")
        #expect(
            printed.contains { $0.hasPrefix(start + " ") && $0.hasSuffix(" " + end) },
            "\(block): no event '\(start) … \(end)' in\n\(self.last.output)"
        )
    }

    /// Lines with single spaces between words.
    private static func normal(_ lines: [String]) -> [String] {
        lines.map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
            .filter { !$0.isEmpty }
    }
}
