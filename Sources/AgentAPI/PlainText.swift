// SPDX-License-Identifier: Apache-2.0

/// Texts for a terminal or a log, which may come from a peer.
public enum PlainText {
    /// The text in one line, without what moves a cursor: a space stands for each such character.
    public static func line(_ text: some StringProtocol) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isControl =
                switch scalar.properties.generalCategory {
                case .control, .lineSeparator, .paragraphSeparator: true
                case _: false
                }
            result.append(isControl ? " " : scalar)
        }
        return String(result)
    }
}
