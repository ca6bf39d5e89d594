// SPDX-License-Identifier: Apache-2.0

import Catalogue
import Foundation
import TestSupport
import Testing

@Suite struct CatalogueTests {
    private let directory: TemporaryDirectory

    init() throws { self.directory = try TemporaryDirectory() }

    private var path: String { "\(self.directory.path)/catalogue.sqlite" }
    private let noon = Date(timeIntervalSince1970: 1_800_000_000)

    private func pair(
        _ name: String,
        _ direction: PairEntry.Direction = .outgoing,
        cluster: String = "c1"
    ) -> PairEntry {
        PairEntry(
            name: name,
            direction: direction,
            cluster: cluster,
            host: "127.0.0.1",
            apiPort: 9001,
            dataPort: 9010,
            disasterRecovery: true,
            created: self.noon
        )
    }

    @Test func whatWasStoredIsThereAfterOpeningAgain() throws {
        let first = try Catalogue(path: self.path)
        try first.insert(self.pair("remote"))
        try first.set("limit", to: "5")
        var transfer = TransferEntry(
            id: "t1",
            volume: "db",
            pair: "remote",
            created: self.noon,
            request: "{}"
        )
        try first.insert([transfer])
        transfer.state = .running
        transfer.attempt = 2
        try first.update(transfer)
        first.close()
        let second = try Catalogue(path: self.path)
        #expect(try second.pairs() == [self.pair("remote")])
        #expect(try second.setting("limit") == "5")
        #expect(try second.transfer("t1") == transfer)
        #expect(try second.unfinishedTransfers() == [transfer])
    }

    @Test func aPairIsFoundByNameAndByCluster() throws {
        let catalogue = try Catalogue(path: self.path)
        try catalogue.insert(self.pair("there", .outgoing, cluster: "aa"))
        try catalogue.insert(self.pair("here", .incoming, cluster: "bb"))
        #expect(try catalogue.pair(named: "here")?.cluster == "bb")
        #expect(try catalogue.pair(.outgoing, cluster: "aa")?.name == "there")
        #expect(try catalogue.pair(.incoming, cluster: "aa") == nil)
    }

    @Test func oneNameInOneDirectionIsThereOnce() throws {
        let catalogue = try Catalogue(path: self.path)
        try catalogue.insert(self.pair("remote", cluster: "aa"))
        #expect(throws: CatalogueError.self) {
            try catalogue.insert(self.pair("remote", cluster: "bb"))
        }
        do {
            try catalogue.insert(self.pair("other", cluster: "aa"))
            Issue.record("a cluster was stored twice")
        } catch { #expect(error.code == .exists) }
    }

    @Test func aRemovedPairIsGoneAndRemovingItAgainSaysSo() throws {
        let catalogue = try Catalogue(path: self.path)
        try catalogue.insert(self.pair("remote"))
        #expect(try catalogue.removePair(.outgoing, named: "remote"))
        #expect(try !catalogue.removePair(.outgoing, named: "remote"))
        #expect(try catalogue.pairs().isEmpty)
    }

    /// The n-th transfer, which was asked for n seconds after noon.
    private func transfer(_ number: Int) -> TransferEntry {
        TransferEntry(
            id: "t\(number)",
            volume: "db",
            pair: "p",
            created: self.noon + Double(number),
            request: "{}"
        )
    }

    @Test("P10: what is told as done is synced, whatever was noted before it")
    func whatIsToldIsSynced() throws {
        let catalogue = try Catalogue(path: self.path)
        #expect(try catalogue.syncsCommits)
        try catalogue.append(EventEntry(time: self.noon, reason: "Noted", message: "m"))
        #expect(try catalogue.syncsCommits)
        // One that fails: there is no such transfer.
        #expect(throws: CatalogueError.self) { try catalogue.update(self.transfer(1)) }
        #expect(try catalogue.syncsCommits)
        #expect(try catalogue.events(limit: 9).map(\.reason) == ["Noted"])
    }

    @Test func historyKeepsFinishedTransfersNewestFirst() throws {
        let catalogue = try Catalogue(path: self.path)
        for number in 0..<5 { try catalogue.insert([self.transfer(number)]) }
        var last = try #require(try catalogue.transfer("t4"))
        last.state = .succeeded
        last.finished = self.noon + 9
        last.report = #"{"volume":"db"}"#
        try catalogue.update(
            last,
            event: EventEntry(
                time: self.noon,
                reason: "TransferSucceeded",
                message: "done",
                transfer: "t4"
            )
        )
        #expect(try catalogue.transfers(limit: 3).map(\.id) == ["t4", "t3", "t2"])
        #expect(try catalogue.unfinishedTransfers().map(\.id) == ["t0", "t1", "t2", "t3"])
        #expect(
            try catalogue.events(limit: 9, transfer: "t4").map(\.reason) == ["TransferSucceeded"]
        )
    }

    @Test func ofALongHistoryTheOldestGoesAndWhatHasNotEndedStays() throws {
        let catalogue = try Catalogue(path: self.path)
        let entries = (0...Catalogue.historyLimit + 1)
            .map { number in
                var entry = self.transfer(number)
                entry.state = number == 0 ? .waiting : .succeeded
                return entry
            }
        try catalogue.insert(entries)
        try catalogue.update(try #require(entries.last))
        #expect(try catalogue.transfer("t0")?.state == .waiting)
        #expect(try catalogue.transfer("t1") == nil)
        #expect(try catalogue.transfer("t2")?.state == .succeeded)
        #expect(try catalogue.transfers(limit: .max).count == Catalogue.historyLimit + 1)
    }

    @Test func eventsAreBounded() throws {
        let catalogue = try Catalogue(path: self.path)
        for number in 0..<20 {
            try catalogue.append(
                EventEntry(time: self.noon, reason: "R\(number)", message: "m")
            )
        }
        #expect(try catalogue.events(limit: 2).map(\.reason) == ["R19", "R18"])
        #expect(Catalogue.eventLimit == 10_000)
    }

    @Test func transfersAreInsertedAllOrNone() throws {
        let catalogue = try Catalogue(path: self.path)
        let one = TransferEntry(
            id: "t",
            volume: "a",
            pair: "p",
            created: self.noon,
            request: "{}"
        )
        #expect(throws: CatalogueError.self) { try catalogue.insert([one, one]) }
        #expect(try catalogue.transfers(limit: 9).isEmpty)
    }

    @Test func aFileThatIsNoCatalogueIsCalledDamaged() throws {
        try Data(repeating: 7, count: 8192).write(to: URL(fileURLWithPath: self.path))
        do {
            _ = try Catalogue(path: self.path)
            Issue.record("garbage was opened")
        } catch { #expect(error.code == .damaged) }
    }

    @Test func aCatalogueOfALaterReleaseIsLeftAlone() throws {
        let catalogue = try Catalogue(path: self.path)
        try catalogue.pretendMigration("99")
        catalogue.close()
        do {
            _ = try Catalogue(path: self.path)
            Issue.record("a later format was opened")
        } catch { #expect(error.code == .newer) }
    }

    @Test func settingsCanBeRemoved() throws {
        let catalogue = try Catalogue(path: self.path)
        try catalogue.set("a", to: "1")
        try catalogue.set("a", to: "2")
        #expect(try catalogue.setting("a") == "2")
        try catalogue.set("a", to: nil)
        #expect(try catalogue.setting("a") == nil)
    }
}
