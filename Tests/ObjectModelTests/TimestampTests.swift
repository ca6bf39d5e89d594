// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel
import TestSupport
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2018-10-26T20:04:19Z", 1_540_584_259),
        ("2000-02-29T23:59:59Z", 951_868_799), ("2018-10-26t22:04:19+02:00", 1_540_584_259),
        ("2018-10-26T20:04:19.999999999Z", 1_540_584_259), ("1969-12-31T23:59:59Z", -1),
    ])
    func timesAreRead(text: String, seconds: Int) {
        #expect(Timestamp(text)?.seconds == seconds)
    }

    @Test(arguments: [
        "", "2018-10-26", "2018-02-29T00:00:00Z", "2018-13-01T00:00:00Z", "2018-01-01T24:00:00Z",
        "2018-01-01T00:00:00", "2018-01-01 00:00:00Z", "٢٠١٨-01-01T00:00:00Z",
        "2018-01-01T00:60:00Z", "2018-01-00T00:00:00Z",
    ])
    func whatIsNoTimeIsRefused(text: String) { #expect(Timestamp(text) == nil) }

    @Test func theFormsAreThoseOfObjectsLeasesAndStorkctl() throws {
        let time = try #require(Timestamp("2018-10-26T20:04:19.5Z"))
        #expect(time.description == "2018-10-26T20:04:19Z")
        #expect(time.withMicroseconds == "2018-10-26T20:04:19.500000Z")
        #expect(time.rfc822 == "26 Oct 18 20:04 UTC")
    }

    @Test func everyTimeIsWrittenAsTheSystemWritesIt() {
        let seed = TestSeed()
        var generator = seed.generator
        let formatter = ISO8601DateFormatter()
        for _ in 0..<2000 {
            let seconds = Int.random(in: -12_219_000_000...253_402_300_799, using: &generator)
            let time = Timestamp(seconds: seconds)
            let expected = formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
            guard time.description == expected, Timestamp(expected) == time else {
                Issue.record("\(seed): \(seconds) became \(time), not \(expected)")
                return
            }
        }
    }
}
