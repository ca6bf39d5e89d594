// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import ControlPlane

@Suite struct LatencyHistogramTests {
    @Test func nothingTakesNoTime() {
        #expect(LatencyHistogram().seconds(ofShare: 0.99) == 0)
    }

    @Test func aShareIsKnownToAFifthOfItself() {
        let seed = TestSeed()
        var generator = seed.generator
        var histogram = LatencyHistogram()
        var microseconds: [Int] = []
        for _ in 0..<5000 {
            let one = Int.random(in: 1...60_000_000, using: &generator)
            microseconds.append(one)
            histogram.add(.microseconds(one))
        }
        microseconds.sort()
        for share in [0.01, 0.5, 0.9, 0.99, 1] {
            let index = Int((share * 5000).rounded(.up)) - 1
            let exact = Double(microseconds[index]) / 1e6
            let told = histogram.seconds(ofShare: share)
            #expect(told >= exact && told <= max(exact * 1.2, 0.000_2), "seed \(seed): \(share)")
        }
        #expect(histogram.count == 5000)
        #expect(histogram.longest == .microseconds(microseconds[4999]))
    }

    @Test func whatIsBeyondTheLastBucketIsCountedInIt() {
        var histogram = LatencyHistogram()
        histogram.add(.seconds(1_000_000))
        histogram.add(.zero)
        #expect(histogram.count == 2)
        #expect(histogram.seconds(ofShare: 1) > 3600)
        #expect(histogram.seconds(ofShare: 0.5) <= 0.000_1)
    }
}
