// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation

/// Something that lists show.
protocol Listed: Encodable, Sendable {
    /// The word before the slash with `-o name`.
    static var kind: String { get }
    static var columns: [Column<Self>] { get }
    var listedName: String { get }
}

/// One column of a table.
struct Column<Item>: Sendable {
    let title: String
    /// Only with `-o wide`; these stand at the right.
    let wide: Bool
    let value: @Sendable (Item) -> String

    init(_ title: String, wide: Bool = false, _ value: @escaping @Sendable (Item) -> String) {
        self.title = title
        self.wide = wide
        self.value = value
    }
}

/// Turns results into text; pure, so that golden tests can hold it.
enum Rendering {
    static func text<Item: Listed>(
        of items: [Item],
        _ format: OutputFormat
    ) throws(APIError) -> String {
        switch format {
        case .table: Self.table(items, wide: false)
        case .wide: Self.table(items, wide: true)
        case .json: try Self.json(items) + "\n"
        case .yaml: YAMLText.document(try Self.value(of: items))
        case .name: items.map { "\(Item.kind)/\($0.listedName)\n" }.joined()
        }
    }

    static func text<Item: Listed>(
        ofOne item: Item,
        _ format: OutputFormat
    ) throws(APIError) -> String {
        switch format {
        case .table: Self.facts(item, wide: false)
        case .wide: Self.facts(item, wide: true)
        case .json: try Self.json(item) + "\n"
        case .yaml: YAMLText.document(try Self.value(of: item))
        case .name: "\(Item.kind)/\(item.listedName)\n"
        }
    }

    static func json(_ value: some Encodable) throws(APIError) -> String {
        do {
            return String(
                decoding: try AgentJSON.data(of: value, indented: true),
                as: UTF8.self
            )
        } catch { throw APIError(.agentFailed, "The answer cannot be shown.", cause: "\(error)") }
    }

    private static func value(of value: some Encodable) throws(APIError) -> JSONValue {
        do {
            return try AgentJSON.value(from: try AgentJSON.data(of: value))
        } catch { throw APIError(.agentFailed, "The answer cannot be shown.", cause: "\(error)") }
    }

    private static func table<Item: Listed>(_ items: [Item], wide: Bool) -> String {
        let columns = Item.columns.filter { wide || !$0.wide }
        let rows =
            [columns.map(\.title)]
            + items.map { item in columns.map { column in shown(column.value(item)) } }
        var table = TextTable()
        return table.lines(rows)
    }

    private static func facts<Item: Listed>(_ item: Item, wide: Bool) -> String {
        // One thing has room for every fact.
        let columns = Item.columns
        let width = columns.map(\.title.count).max() ?? 0
        return
            columns.map { column in
                let title = column.title + ":"
                let padding = String(repeating: " ", count: width + 3 - title.count)
                return trimmed(title + padding + shown(column.value(item))) + "\n"
            }
            .joined()
    }

    private static func shown(_ text: String) -> String {
        text.isEmpty ? "-" : PlainText.line(text)
    }

    private static func trimmed(_ line: String) -> String {
        String(line.reversed().drop { $0 == " " }.reversed())
    }
}

/// A point in time as tables show it.
func shownTime(_ date: Date?) -> String {
    guard let date else { return "" }
    return date.formatted(.iso8601)
}

/// A duration as people say it.
func shownDuration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "" }
    if seconds < 10 { return "\((seconds * 10).rounded() / 10)s" }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole)s" }
    if whole < 3600 { return "\(whole / 60)m \(whole % 60)s" }
    return "\(whole / 3600)h \(whole % 3600 / 60)m"
}
