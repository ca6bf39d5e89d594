// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import TestSupport
import Testing

/// What differs between the documents and a run by its nature; all else is compared word by word.
private enum Natural {
    /// The lines of a description whose values belong to one object alone.
    ///
    /// `Self Link` is no more since Kubernetes 1.20, and `Selectors` was null where today nothing is.
    static let lines: Set = [
        "Labels", "Annotations", "Creation Timestamp", "Generation", "Resource Version",
        "Self Link", "UID", "Selectors", "Finish Timestamp",
    ]
    /// What was an empty text once, and today is not there.
    static let empty: Set = ["Pre Exec Rule:", "Post Exec Rule:"]
    /// The columns of times, and what a time looks like.
    static func isTime(_ cell: String, of title: String) -> Bool? {
        guard title == "CREATED" else { return nil }
        return cell.wholeMatch(of: /[0-9]{2} [A-Z][a-z]{2} [0-9]{2} [0-9]{2}:[0-9]{2} UTC/) != nil
    }
    /// What old kubectls noted among the annotations.
    static let lastApplied = "{\"apiVersion\""
    /// The namespace that moved, which one part of the documents calls otherwise.
    static let movedNamespace = "mysql"
    /// Events of one kind are put together where there are many of them.
    static let combined = "(combined from similar events): "

    /// A line in which the time in the name of a scheduled migration does not count.
    static func timeless(_ line: String) -> String {
        line.replacing(/-[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{6}/, with: "-TIME")
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
        if self.deed == .scheduledMigrations {
            self.compareScheduled(lines, printed, block)
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
                    return cells.0 == cells.1
                }
    }

    private func compareDescription(_ lines: [String], _ block: SeedDocuments.Block) {
        let printed = Self.normal(self.last.output.split(separator: "\n").map(String.init))
        let isOfSchedule = self.deed == .describeSchedules
        let documented = isOfSchedule ? Self.ended(Self.normal(lines)) : Self.normal(lines)
        let place = isOfSchedule ? self.schedule.namespace : Self.namespace
        let events = documented.firstIndex(of: "Events:") ?? documented.endIndex
        var rest = printed[...]
        for line in documented[..<events] {
            let isNatural = Natural.lines.contains(String(line.prefix { $0 != ":" }))
            let isEmpty = Natural.empty.contains(line) || line.hasPrefix(Natural.lastApplied)
            guard !isNatural, !isEmpty else { continue }
            let wanted =
                ["", "Namespace: "].contains { line == $0 + Natural.movedNamespace }
                ? line.replacing(Natural.movedNamespace, with: place) : line
            guard let place = rest.firstIndex(of: wanted) else {
                Issue.record("\(block): no '\(wanted)' in\n\(self.last.output)")
                continue
            }
            rest = rest[(place + 1)...]
        }
        for line in documented[events...].dropFirst(3) { self.compareEvent(line, printed, block) }
    }

    /// What schedules began: the name of each is there, and when it was made.
    private func compareScheduled(
        _ lines: [String],
        _ printed: [[String]],
        _ block: SeedDocuments.Block
    ) {
        // Our kinds have more columns; those of the documents are the first and the last one.
        #expect([printed[0].first, printed[0].last] == ["NAME", "AGE"], "\(block)")
        #expect(lines[0] == "NAME AGE")
        let names = printed.dropFirst().compactMap { $0.first.map(Natural.timeless) }
        for line in lines.dropFirst() {
            let name = Natural.timeless(String(line.prefix { $0 != " " }))
            #expect(name.hasSuffix("-TIME") && names.contains(name), "\(block): no \(line)")
        }
    }

    private static let policyLine = "Schedule Policy Name: testpolicy"

    /// A description without the migration that was under way at the documents' moment.
    private static func ended(_ lines: [String]) -> [String] {
        var rest: [String] = []
        for line in lines {
            if line == "Status: InProgress" {
                rest.removeLast()
            } else {
                // Another slip: this is the policy of the schedule that they show.
                rest.append(line == "Schedule Policy Name: daily" ? Self.policyLine : line)
            }
        }
        return rest
    }

    /// Type, reason and sender with the message; between them is the age.
    private func compareEvent(
        _ line: String,
        _ printed: [String],
        _ block: SeedDocuments.Block
    ) {
        let start = line.split(separator: " ").prefix(2).joined(separator: " ")
        let sender = line.firstRange(of: " stork ")?.lowerBound ?? line.startIndex
        let end = line[sender...].dropFirst().replacing(Natural.combined, with: "")
            .replacing(" \(Natural.movedNamespace)/", with: " \(Self.namespace)/")
        #expect(
            printed.contains { $0.hasPrefix(start + " ") && $0.hasSuffix(" " + end) },
            "\(block): no event '\(start) … \(end)' in\n\(self.last.output)"
        )
    }

    /// Lines with single spaces between words.
    private static func normal(_ lines: [String]) -> [String] {
        lines.map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
            .filter { !$0.isEmpty }.map(Natural.timeless)
    }
}
