// SPDX-License-Identifier: Apache-2.0

/// Cells below each other, set with spaces.
///
/// A column is as wide as its longest cell and the padding, and no narrower than its minimum. The last cell
/// of a row is not padded, so an empty one leaves the padding before it.
struct TextTable {
    private let minimumWidth: Int
    private let padding: Int
    private var widths: [Int] = []

    /// A table whose columns but the last are no narrower than this, the padding included.
    init(minimumWidth: Int = 0, padding: Int = 3) {
        self.minimumWidth = minimumWidth
        self.padding = padding
    }

    /// The lines of these rows, each with its end.
    ///
    /// Columns never become narrower: rows that come later, as when something is watched, stand below those
    /// that were printed.
    mutating func lines(_ rows: [[String]]) -> String {
        for row in rows {
            for (column, cell) in row.dropLast().enumerated() {
                if column == self.widths.count { self.widths.append(self.minimumWidth) }
                self.widths[column] = max(self.widths[column], Self.width(cell) + self.padding)
            }
        }
        return rows.map { self.line($0) + "\n" }.joined()
    }

    private func line(_ row: [String]) -> String {
        var line = ""
        for (column, cell) in row.enumerated() {
            line += cell
            guard column < row.count - 1 else { break }
            line += String(repeating: " ", count: self.widths[column] - Self.width(cell))
        }
        return line
    }

    /// In characters, as most terminals show them.
    private static func width(_ cell: String) -> Int { cell.unicodeScalars.count }
}
