// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import Testing

@testable import ControlPlane

/// What the controllers read out of an agent's transfer.
@Suite struct VolumeProgressTests {
    private func progress(of report: TransferReport, _ state: TransferState) -> VolumeProgress {
        VolumeProgress(TransferInfo(state, report: report), ofGroup: .committed)
    }

    private func report(_ mode: ReportedMode) -> TransferReport {
        var report = TransferReport(volume: "pvc-1", pair: "p", transfer: "1")
        report.mode = mode
        return report
    }

    @Test(
        arguments: [
            (ReportedFullReason.noBase, 1, FullCopyReason.firstRun),
            (.noBase, 5, .baseForgotten), (.seventhRun, 7, .seventhRun),
            (.requested, 3, .requested), (.baseRefused, 3, .baseLostAtDestination),
            (.baseDigestsLost, 3, .baseLostAtSource), (.proofFailed, 3, .baseDiffered),
        ] as [(ReportedFullReason, UInt64, FullCopyReason)]
    )
    func aFullTransferKeepsItsReasonAndTheNumberOfItsRun(
        told: ReportedFullReason,
        run: UInt64,
        reason: FullCopyReason
    ) {
        var report = self.report(.full)
        report.fullReason = told
        report.run = run
        let progress = self.progress(of: report, .succeeded)
        #expect(progress.isFull == true && progress.fullReason == reason && progress.run == run)
    }

    @Test func anIncrementalTransferHasANumberAndNoReason() {
        var report = self.report(.incremental)
        report.run = 2
        let progress = self.progress(of: report, .succeeded)
        #expect(progress.isFull == false && progress.fullReason == nil && progress.run == 2)
    }

    @Test func aFailedTransferIsNoRun() {
        let progress = self.progress(of: self.report(.none), .failed)
        #expect(progress.run == nil && progress.fullReason == nil)
    }

    @Test func aReportOfAnAgentThatDoesNotKnowTheFiguresIsRead() throws {
        var fields = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(self.report(.full)))
                as? [String: Any]
        )
        fields["run"] = nil
        fields["fullReason"] = nil
        let data = try JSONSerialization.data(withJSONObject: fields)
        let report = try JSONDecoder().decode(TransferReport.self, from: data)
        let progress = self.progress(of: report, .succeeded)
        #expect(progress.isFull == true && progress.fullReason == nil && progress.run == nil)
    }
}
