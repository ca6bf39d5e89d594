// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Why a measurement could not be made; the text is for the person at the keyboard.
struct HarnessError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// A failed system call, with what it was about.
    static func system(_ call: String, _ about: String) -> Self {
        Self("\(call) \(about): \(String(cString: strerror(errno)))")
    }
}
