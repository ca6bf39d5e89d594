// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Testing

@testable import godwit

@Suite struct OutputTests {
    private static let noon = Date(timeIntervalSince1970: 1_795_262_400)

    private static let volume = VolumeInfo(
        name: "db",
        id: String(repeating: "a1", count: 16),
        role: .source,
        sizeBytes: 10 << 30,
        lineage: String(repeating: "b2", count: 16),
        path: "/pool/live.img",
        backing: "pool",
        owner: nil,
        generation: GenerationInfo(
            number: 3,
            snapshot: String(repeating: "c3", count: 16),
            sizeBytes: 10 << 30,
            rootDigest: "d4",
            created: noon,
            path: nil
        ),
        generations: []
    )

    private static let pair = PairInfo(
        name: "remote",
        direction: .outgoing,
        cluster: String(repeating: "e5", count: 16),
        host: "192.168.56.74",
        apiPort: 9001,
        dataPort: 9010,
        mode: .disasterRecovery,
        created: noon,
        certificateExpires: noon + 86_400,
        fingerprint: "SHA256:f6"
    )

    private static var report: TransferReport {
        var report = TransferReport(volume: "db", pair: "remote", transfer: "t1")
        report.mode = .incremental
        report.run = 3
        report.baseGeneration = 2
        report.targetGeneration = 3
        report.volumeBytes = 10 << 30
        report.readBytes = 212 << 20
        report.changedBytes = 61 << 20
        report.wireBytes = 20 << 20
        report.seconds = 2.345
        report.streams = 3
        report.rootDigest = "d4"
        return report
    }

    @Test func aTableHasItsColumnsInLine() throws {
        #expect(
            try Rendering.text(of: [Self.volume], .table) == """
                NAME   ROLE     SIZE       GENERATION   BACKING   OWNER   CREATED
                db     source   10.0 GiB   3            pool      -       2026-11-21T12:00:00Z

                """
        )
    }

    @Test func wideAddsColumnsOnlyAtTheRight() throws {
        let table = try Rendering.text(of: [Self.pair], .table).split(separator: "\n")
        let wide = try Rendering.text(of: [Self.pair], .wide).split(separator: "\n")
        for (short, long) in zip(table, wide) { #expect(long.hasPrefix(short)) }
        #expect(wide[0].hasSuffix("DATA-PORT   FINGERPRINT   LIMIT"))
    }

    @Test func namesAreKindAndName() throws {
        #expect(try Rendering.text(of: [Self.pair], .name) == "pair/remote\n")
        #expect(try Rendering.text(of: [Self.volume], .name) == "volume/db\n")
        #expect(try Rendering.text(of: [VolumeInfo](), .name) == "")
    }

    @Test func anEmptyListIsAHeadlineOrAnEmptyArray() throws {
        #expect(try Rendering.text(of: [PairInfo](), .json).filter { !$0.isWhitespace } == "[]")
        #expect(try Rendering.text(of: [PairInfo](), .yaml) == "[]\n")
        #expect(try Rendering.text(of: [PairInfo](), .table).hasPrefix("NAME"))
    }

    @Test func theReportHasEveryKeyAlsoWithoutValues() throws {
        let text = try Rendering.text(
            of: [TransferReport(volume: "v", pair: "p", transfer: "t")],
            .json
        )
        let parsed = try JSONSerialization.jsonObject(with: Data(text.utf8))
        let object = try #require((parsed as? [[String: Any]])?.first)
        for key in [
            "volume", "mode", "fullReason", "run", "baseGeneration", "targetGeneration",
            "volumeBytes", "readBytes",
            "changedBytes", "zeroBytes", "wireBytes", "seconds", "streams", "resumedBytes",
            "rootDigest", "error",
        ] { #expect(object.keys.contains(key), "\(key) is missing") }
        #expect(object["rootDigest"] is NSNull)
        #expect(object["mode"] as? String == "none")
    }

    @Test func yamlQuotesWhatCouldBeTakenForAnotherType() throws {
        #expect(
            try Rendering.text(ofOne: Self.report, .yaml) == """
                auditedBytes: 0
                baseGeneration: 2
                changeSource: null
                changedBytes: 63963136
                error: null
                fullReason: null
                mode: incremental
                pair: remote
                readBytes: 222298112
                resumedBytes: 0
                rootDigest: d4
                run: 3
                seconds: 2.345
                streams: 3
                targetGeneration: 3
                transfer: t1
                volume: db
                volumeBytes: 10737418240
                wireBytes: 20971520
                zeroBytes: 0

                """
        )
        #expect(YAMLText.document(.text("no")) == "\"no\"\n")
        #expect(YAMLText.document(.text("22:13")) == "\"22:13\"\n")
        #expect(YAMLText.document(.text("a\"b\n")) == "\"a\\\"b\\n\"\n")
        #expect(
            YAMLText.document(.list([.object(["a": .integer(1), "b": .list([])])]))
                == "- a: 1\n  b: []\n"
        )
    }

    @Test func aReportTableSaysEqualOnlyWithoutAnError() throws {
        #expect(try Rendering.text(of: [Self.report], .table).contains("equal"))
        var failed = Self.report
        failed.error = APIError(.transferFailed, "no")
        #expect(try Rendering.text(of: [failed], .table).contains("failed"))
    }

    @Test func aCellNeverBreaksItsLine() throws {
        let event = EventInfo(time: Self.noon, reason: "R", message: "two\nlines\there")
        #expect(try Rendering.text(of: [event], .table).split(separator: "\n").count == 2)
    }

    @Test func aPeersNumbersAreNotAddedUnchecked() throws {
        func proof(_ bytes: UInt64) -> GenerationProof {
            GenerationProof(
                volume: "db",
                generation: .max,
                snapshot: "",
                sizeBytes: .max,
                recordedRoot: nil,
                computedRoot: "d4",
                readBytes: bytes,
                seconds: -1e300
            )
        }
        let result = VolumeVerifyResult(local: proof(1), pair: "p", remote: proof(.max))
        #expect(try Rendering.text(of: [result], .table).contains("16777216 TiB"))
    }

    @Test func whatAPeerSaysMovesNoCursor() throws {
        let event = EventInfo(time: Self.noon, reason: "R", message: "\u{1b}[2Jgone\u{9b}1m\u{7f}")
        let table = try Rendering.text(of: [event], .table)
        let error = APIError(.peerFailed, "no\u{1b}]0;x\u{7}", cause: "a\r\nb", try: "c\u{8}")
        for text in [table, Failure.text(of: error)] {
            #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 32 })
            #expect(text.unicodeScalars.allSatisfy { !(0x7f...0x9f).contains($0.value) })
        }
        #expect(Failure.text(of: error).split(separator: "\n").count == 3)
    }

    @Test func timesAndDurationsAreForPeople() {
        #expect(shownDuration(0.04) == "0.0s" || shownDuration(0.04) == "0s")
        #expect(shownDuration(2.345) == "2.3s")
        #expect(shownDuration(61) == "1m 1s")
        #expect(shownDuration(7322) == "2h 2m")
        #expect(shownTime(nil) == "")
    }

    @Test func progressTellsPercentBytesRateTimeAndWhatWasSaved() {
        var progress = TransferProgress(phase: "streaming", totalBytes: 10 << 30)
        progress.doneBytes = 5 << 30
        progress.changedBytes = 4 << 30
        progress.wireBytes = 2 << 30
        progress.zeroBytes = 1 << 30
        progress.seconds = 10
        let transfer = TransferInfo(
            id: "t",
            volume: "db",
            pair: "p",
            state: .running,
            attempt: 1,
            created: Self.noon,
            progress: progress
        )
        let line = ProgressView.text(name: "db", [transfer])
        #expect(line.percent == 50)
        #expect(line.rest.contains("5.00 GiB/10.0 GiB"))
        #expect(line.rest.contains("512 MiB/s"))
        #expect(line.rest.contains("10s left"))
        #expect(line.rest.contains("zero 1.00 GiB"))
        #expect(line.rest.contains("compressed 2.0x"))
    }

    @Test func progressIsUnknownUntilTheTotalIs() {
        let transfer = TransferInfo(
            id: "t",
            volume: "db",
            pair: "p",
            state: .running,
            attempt: 1,
            created: Self.noon,
            progress: TransferProgress(phase: "freezing")
        )
        #expect(ProgressView.text(name: "db", [transfer]).percent == nil)
        #expect(ProgressView.text(name: "db", [transfer]).rest.contains("freezing"))
    }

    @Test func progressNeverPassesOneHundred() {
        let progress = TransferProgress(phase: "x", totalBytes: 10, doneBytes: 30)
        #expect(progress.percent == 100)
        #expect(TransferProgress(phase: "x", totalBytes: 0).percent == 100)
    }

    @Test func aFailureIsTheSentenceTheCauseAndTheAdvice() {
        let error = APIError(.noSpace, "It is full.", cause: "ENOSPC", try: "grow it")
        #expect(
            Failure.text(of: error)
                == "error: It is full.   [GW4003]\n  cause  ENOSPC\n  try    grow it\n"
        )
    }
}

@Suite struct ArgumentsTests {
    @Test func optionsBeforeTheCommandMoveBehindIt() {
        #expect(
            Arguments.globalsLast(["--agent", "d", "-o", "json", "volume", "list"])
                == ["volume", "list", "--agent", "d", "-o", "json"]
        )
        #expect(
            Arguments.globalsLast(["--agent=d", "replicate", "a", "--", "-b"])
                == ["replicate", "a", "--agent=d", "--", "-b"]
        )
        #expect(Arguments.globalsLast(["--agent", "d", "--help"]) == ["--help"])
        #expect(Arguments.globalsLast([]) == [])
    }

    @Test func jsonIsNoticedWhereverItIsAsked() {
        #expect(Arguments.wantsJSON(["x", "-o", "json"]))
        #expect(Arguments.wantsJSON(["x", "--output=json"]))
        #expect(!Arguments.wantsJSON(["x", "-o", "yaml"]))
    }

    @Test(arguments: [
        (["volum", "list"], "did you mean 'godwit volume'?"),
        (["volume", "lst"], "did you mean 'godwit volume list'?"),
        (["cluster", "token", "shwo"], "did you mean 'godwit cluster token show'?"),
        (["frobnicate"], "godwit --help"),
    ])
    func anUnknownSubcommandComesWithASuggestion(words: [String], remedy: String) {
        let error = Arguments.unknownSubcommand(words, of: Godwit.self)
        #expect(error?.try == remedy)
        #expect(error?.exitCode == 64)
    }

    @Test func knownCommandsPass() {
        #expect(Arguments.unknownSubcommand(["volume", "show", "db"], of: Godwit.self) == nil)
        #expect(Arguments.unknownSubcommand(["replicate", "x"], of: Godwit.self) == nil)
        #expect(Arguments.unknownSubcommand(["--help"], of: Godwit.self) == nil)
    }

    @Test func aTokenIsReadFromWhatTheOtherCommandPrints() throws {
        let digits = String(repeating: "aF", count: 64)
        #expect(try TokenInput.token(in: "Token is \(digits)\n") == digits.lowercased())
        #expect(try TokenInput.token(in: digits) == digits.lowercased())
        #expect(throws: APIError.self) { try TokenInput.token(in: "") }
        #expect(throws: APIError.self) { try TokenInput.token(in: "Token is abc") }
    }
}
