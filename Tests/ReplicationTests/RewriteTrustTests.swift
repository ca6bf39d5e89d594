// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Testing
import VolumeStore

@testable import Sender

@Suite struct RewriteTrustTests {
    @Test func nothingIsTrustedBeforeAComparisonHasSpoken() {
        #expect(!RewriteTrust(after: []).isTrusting)
        #expect(!RewriteTrust(after: [.incremental(compared: nil, equal: nil)]).isTrusting)
        #expect(!RewriteTrust(after: [.incremental(compared: 200 << 10)]).isTrusting)
    }

    @Test func theLastRunThatComparedEnoughDecides() {
        let honest = RunRecord.incremental(compared: 1 << 20, equal: 32 << 10)
        let wasteful = RunRecord.incremental(compared: 1 << 20, equal: 33 << 10)
        let silent = RunRecord.incremental(compared: nil, equal: nil)
        #expect(RewriteTrust(after: [silent, honest, wasteful]).isTrusting)
        #expect(!RewriteTrust(after: [silent, wasteful, honest]).isTrusting)
    }

    @Test func oneUnitInSixteenIsComparedAllTheSame() {
        var trust = RewriteTrust(after: [.incremental(compared: 1 << 20)])
        let taken = (0..<32).map { _ in trust.takesNext() }
        #expect(taken.filter { !$0 }.count == 2)
        #expect(!taken[0] && !taken[16])
    }

    @Test func trustEndsWhenAComparisonFindsMuchEqual() {
        var trust = RewriteTrust(after: [.incremental(compared: 1 << 20)])
        trust.learn(compared: .kibibytes(128), equal: .kibibytes(128))
        #expect(trust.isTrusting, "too little to say")
        trust.learn(compared: .kibibytes(1920), equal: .zero)
        #expect(trust.isTrusting, "one in sixteen")
        trust.learn(compared: .kibibytes(4), equal: .kibibytes(4))
        #expect(!trust.isTrusting)
        let isTaken = trust.takesNext()
        #expect(!isTaken)
    }
}

extension RunRecord {
    /// The record of an incremental that compared so many bytes with the base, of which some were equal.
    static func incremental(compared: Int?, equal: Int? = 0) -> Self {
        Self(
            finishedAt: 1,
            outcome: "committed",
            mode: "incremental",
            targetGeneration: 2,
            changedBytes: 0,
            wireBytes: 0,
            seconds: 1,
            comparedBytes: compared.map { UInt64($0) },
            equalBytes: equal.map { UInt64($0) }
        )
    }
}
