// SPDX-License-Identifier: Apache-2.0

import Catalogue
import Foundation
import Logging
import Testing

@testable import Agent

@Suite struct JournalTests {
    @Test func whatRepeatsItselfPushesNoOlderEventsOut() throws {
        let scratch = try Scratch()
        let catalogue = try Catalogue(path: scratch.path + "/catalogue.sqlite")
        let clock = TestClock()
        let journal = Journal(
            catalogue: catalogue,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            now: { clock.now }
        )
        journal.note("DriftFound", "what must not be lost")
        func refuse(_ pair: String? = nil) {
            journal.noteSeldom("Refused", "again", pair: pair, every: 60, level: .warning)
        }
        for _ in 0..<100 { refuse() }
        refuse("east")
        clock.advance(by: 61)
        refuse()
        let reasons = try catalogue.events(limit: 1000).map(\.reason)
        #expect(reasons == ["Refused", "Refused", "Refused", "DriftFound"])
    }
}
