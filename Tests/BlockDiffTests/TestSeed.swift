// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import Foundation

/// The seed of a random test: printed, and taken back from GODWIT_SEED to repeat a failure.
struct TestSeed: CustomStringConvertible {
    let value: UInt64

    init(_ test: String = #function) {
        let given = ProcessInfo.processInfo.environment["GODWIT_SEED"].flatMap { UInt64($0) }
        self.value = given ?? UInt64.random(in: 0...UInt64.max)
        print("seed of \(test): GODWIT_SEED=\(self.value)")
    }

    var generator: SplitMix { SplitMix(state: self.value) }

    var description: String { "GODWIT_SEED=\(self.value)" }
}
