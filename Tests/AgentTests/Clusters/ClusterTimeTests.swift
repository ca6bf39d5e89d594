// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import godwit

@Suite struct ClusterTimeTests {
    @Test(arguments: [
        (-5, "0s"), (119, "119s"), (162, "2m42s"), (240, "4m"), (1500, "25m"), (11_100, "3h5m"),
        (36_000, "10h"), (180_000, "2d2h"), (864_000, "10d"),
    ])
    func agesHaveTheTwoUnitsThatMatter(seconds: Int, text: String) {
        #expect(ClusterTime.age(seconds) == text)
    }
}
