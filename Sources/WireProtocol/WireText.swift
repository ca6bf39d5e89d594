// SPDX-License-Identifier: Apache-2.0

/// The rule for texts that end in the peer's logs: no control characters, a limited length.
///
/// Without it a peer could write lines of its own making into a log or move a terminal's cursor.
enum WireText {
    static func isClean(_ text: String) -> Bool {
        !text.unicodeScalars.contains(where: self.isControl)
    }

    /// Our own text, made fit to be sent: control characters become spaces, the end is cut.
    static func cleaned(_ text: String, limit: Int) -> String {
        var clean = String.UnicodeScalarView()
        var length = 0
        for scalar in text.unicodeScalars {
            let fit: Unicode.Scalar = self.isControl(scalar) ? " " : scalar
            length += UTF8.width(fit)
            guard length <= limit else { break }
            clean.append(fit)
        }
        return String(clean)
    }

    // C0, DEL and C1, and the two separators that some viewers break lines at.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
            || scalar.value == 0x2028 || scalar.value == 0x2029
    }
}
