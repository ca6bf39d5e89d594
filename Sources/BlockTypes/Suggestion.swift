// SPDX-License-Identifier: Apache-2.0

/// Finds the word that a person probably meant.
public enum Suggestion {
    /// The nearest of `words`, when at most two edits away; nil where none is near.
    public static func nearest(to word: String, in words: some Sequence<String>) -> String? {
        var best: (word: String, distance: Int)?
        for candidate in words {
            let distance = Self.distance(word.lowercased(), candidate.lowercased())
            guard distance <= 2, distance < max(word.count, 1) else { continue }
            if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
        }
        return best?.word
    }

    /// Insertions, deletions, replacements and swaps of neighbours between two words.
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.utf8.prefix(64))
        let right = Array(right.utf8.prefix(64))
        var rows = [Array(0...right.count)]
        for (row, byte) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var cost = min(
                    current[column] + 1,
                    rows[row][column + 1] + 1,
                    rows[row][column] + (byte == other ? 0 : 1)
                )
                if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
                    cost = min(cost, rows[row - 1][column - 1] + 1)
                }
                current.append(cost)
            }
            rows.append(current)
        }
        return rows[left.count][right.count]
    }
}
