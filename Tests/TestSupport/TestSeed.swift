// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The seed of a random test: printed, and taken back from GODWIT_SEED to repeat a failure.
package struct TestSeed: CustomStringConvertible, Sendable {
    package let value: UInt64

    package init(_ test: String = #function) {
        let given = ProcessInfo.processInfo.environment["GODWIT_SEED"].flatMap { UInt64($0) }
        self.value = given ?? UInt64.random(in: 0...UInt64.max)
        print("seed of \(test): \(self)")
    }

    package var generator: SeededGenerator { SeededGenerator(seed: self.value) }

    package var description: String { "GODWIT_SEED=\(self.value)" }
}
