// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Sender
import Testing

@Suite struct SenderCadenceTests {
    struct Row: CustomTestStringConvertible {
        let requested: RequestedMode
        let run: UInt64
        let hasBase: Bool
        let mode: TransferMode
        let reason: FullReason?

        init(
            _ requested: RequestedMode,
            _ run: UInt64,
            _ hasBase: Bool,
            _ mode: TransferMode,
            _ reason: FullReason? = nil
        ) {
            self.requested = requested
            self.run = run
            self.hasBase = hasBase
            self.mode = mode
            self.reason = reason
        }

        var testDescription: String {
            "\(self.requested), run \(self.run), \(self.hasBase ? "with" : "without") a base"
        }
    }

    static let migration = RequestedMode.automatic(.standard)
    static let copying = RequestedMode.automatic(.migration(seventh: .copy))
    static let recovery = RequestedMode.automatic(.disasterRecovery)

    static let table: [Row] = [
        // The first run, and each without a common base.
        Row(migration, 1, false, .fullCopy, .noBase),
        Row(migration, 5, false, .fullCopy, .noBase),
        Row(migration, 7, false, .fullCopy, .noBase),
        Row(recovery, 1, false, .fullCopy, .noBase),
        Row(recovery, 14, false, .fullCopy, .noBase),
        // Between the sevenths.
        Row(migration, 1, true, .incremental),
        Row(migration, 2, true, .incremental),
        Row(migration, 6, true, .incremental),
        Row(migration, 8, true, .incremental),
        Row(migration, 13, true, .incremental),
        // Each seventh proves every byte.
        Row(migration, 7, true, .fullVerify, .seventhRun),
        Row(migration, 14, true, .fullVerify, .seventhRun),
        Row(migration, 700, true, .fullVerify, .seventhRun),
        Row(copying, 7, true, .fullCopy, .seventhRun),
        Row(copying, 6, true, .incremental),
        // Disaster recovery has no sevenths.
        Row(recovery, 7, true, .incremental),
        Row(recovery, 14, true, .incremental),
        // Who asks for a full transfer gets it.
        Row(.full(.copy), 3, true, .fullCopy, .requested),
        Row(.full(.copy), 3, false, .fullCopy, .requested),
        Row(.full(.verify), 3, true, .fullVerify, .requested),
        Row(.full(.verify), 3, false, .fullCopy, .requested),
    ]

    @Test(arguments: table) func aRunIsWhatTheCadenceSays(_ row: Row) {
        let decision = row.requested.decide(run: row.run, hasBase: row.hasBase)
        #expect(decision == CadenceDecision(row.mode, row.reason))
    }

    @Test func ofTwentyEightMigrationsFourAreVerifiedInFull() {
        let modes = (1...28).map { Self.migration.decide(run: $0, hasBase: $0 > 1).mode }
        #expect(modes.filter { $0 == .fullVerify }.count == 4)
        #expect(modes.filter { $0 == .fullCopy }.count == 1)
        #expect(modes.filter { $0 == .incremental }.count == 23)
    }
}
