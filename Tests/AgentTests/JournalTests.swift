// SPDX-License-Identifier: Apache-2.0

import Catalogue
import Foundation
import Logging
import Receiver
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

    @Test func ofOffersThatARefusedPeerRepeatsSomeAreToldAndTheOthersCounted() throws {
        let scratch = try Scratch()
        let catalogue = try Catalogue(path: scratch.path + "/catalogue.sqlite")
        let clock = TestClock()
        let lines = Arrivals<String>()
        let journal = Journal(
            catalogue: catalogue,
            logger: Logger(label: "test") { _ in LineHandler(lines: lines) },
            now: { clock.now }
        )
        func offer(_ pair: String) {
            journal.noteSome("OfferRefused", "refused", pair: pair, level: .warning)
        }
        for _ in 0..<1000 { offer("east") }
        #expect(try catalogue.events(limit: 2000).count == Crowds.limit)
        #expect(lines.all.count == Crowds.limit + 1)
        let last = "more of OfferRefused of pair east are only counted for 600 seconds"
        #expect(lines.all.last == last)
        // Another pair is heard all the same.
        offer("west")
        #expect(try catalogue.events(limit: 1).map(\.pair) == ["west"])
        clock.advance(by: 601)
        offer("east")
        #expect(lines.all.contains("976 more of OfferRefused of pair east were left out here"))
        #expect(try catalogue.events(limit: 2000).count == Crowds.limit + 2)
    }

    @Test func aRefusedOfferAndAFailureOfTheStoreAreToldOnlySoOften() throws {
        let scratch = try Scratch()
        let catalogue = try Catalogue(path: scratch.path + "/catalogue.sqlite")
        let clock = TestClock()
        let receiver = ReceiverJournal(
            journal: Journal(
                catalogue: catalogue,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                now: { clock.now }
            )
        )
        for _ in 0..<1000 { receiver.received(.serviceFailed("the disk is broken")) }
        #expect(try catalogue.events(limit: 2000).count == Crowds.limit)
    }
}

/// Keeps the messages.
private struct LineHandler: LogHandler {
    let lines: Arrivals<String>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) { self.lines.append("\(event.message)") }
}
