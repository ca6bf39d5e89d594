// SPDX-License-Identifier: Apache-2.0

import Testing

/// Asks again and again until it is so; the limit is for a product that hangs.
///
/// For what a server learns by watching itself, such as roles. Each question of a test starts a
/// process or waits for an answer, so nobody spins.
func eventually(_ what: String, _ isSo: () throws -> Bool) throws {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(180)
    while try !isSo() {
        try #require(clock.now < end, "never: \(what)")
    }
}
