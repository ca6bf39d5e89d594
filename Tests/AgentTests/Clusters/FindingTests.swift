// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import TestSupport
import Testing

@testable import godwit

@Suite struct FindingTests {
    @Test func findingsAreGroupedAndSayWhatToDo() {
        let findings: [Finding] = [
            .ok("a", "cluster", "it answers"),
            .failed("b", "peer h", APIError(.peerUnreachable, "no", cause: "c", try: "t")),
            .ok("c", "peer h", "fine"),
        ]
        #expect(
            Finding.text(of: findings) == """
                cluster
                  ok        it answers
                peer h
                  failed    no   [GW2001]
                              cause  c
                              try    t
                  ok        fine
                2 ok, 0 warnings, 1 failed, 0 skipped

                """
        )
    }

    @Test(arguments: [
        (0.0, Finding.Result.ok), (4.0, .ok), (-4.0, .ok), (60.0, .warning), (-60.0, .warning),
        (600.0, .failed), (-600.0, .failed),
    ])
    func clocksMayDifferByASecondsFractionButNotByMinutes(ahead: Double, result: Finding.Result) {
        let before = Date(timeIntervalSince1970: 1_000_000)
        let finding = Finding.clocks(
            "x",
            "a",
            theirs: before + ahead,
            before: before,
            after: before + 0.1
        )
        #expect(finding.result == result, "\(finding.message)")
        if result != .ok { #expect(finding.message.contains(ahead > 0 ? "ahead" : "behind")) }
    }

    @Test(arguments: [
        ("0.1.0", "0.1.9", true), ("0.1.0", "0.2.0", true), ("0.1.0", "0.3.0", false),
        ("1.0.0", "0.9.0", false), ("0.1.0", "new", false),
    ])
    func versionsMayBeOneMinorNumberApart(ours: String, theirs: String, fits: Bool) {
        #expect((VersionSkew.problem(ours, theirs) == nil) == fits)
    }

    @Test func aPortThatNobodyListensOnIsToldWithWhatToDo() throws {
        // Port 1 of loopback is nobody's on a machine that runs tests.
        let error = #expect(throws: APIError.self) { try PortProbe.connect("127.0.0.1", 1) }
        #expect(error?.id == .peerUnreachable)
        #expect(error?.try?.contains("godwit-agent") == true)
    }
}
