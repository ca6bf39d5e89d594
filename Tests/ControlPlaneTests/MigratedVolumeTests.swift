// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel
import Testing

@testable import ControlPlane

@Suite struct MigratedVolumeTests {
    private let started = MigratedVolume.started(
        ObjectKey("db", "data"),
        "pvc-1",
        task: "uid-db-data"
    )

    @Test func aCopyBeginsInStorksWords() {
        #expect(self.started.reason == "Volume migration has started. Backup in progress.")
        #expect(self.started.status == .inProgress)
    }

    @Test func progressIsInTheReasonAndNoEvent() {
        let progress = VolumeProgress(
            state: .running,
            bytesDone: 10,
            bytesTotal: 40,
            secondsLeft: 3
        )
        let (entry, notice) = self.started.following(progress)
        #expect(
            entry.reason
                == "Volume migration has started. Backup in progress. BytesDone: 10 "
                + "BytesTotal: 40 ETA: 3 seconds"
        )
        #expect(notice == nil)
    }

    @Test func whatHoldsACopyUpIsInItsReason() {
        let trouble = VolumeTrouble(.destinationUnreachable, "it is down", isPassing: true)
        let (entry, _) = self.started.following(
            VolumeProgress(state: .running, waitsFor: trouble)
        )
        #expect(entry.reason.hasSuffix("Waiting: it is down"))
        #expect(entry.status == .inProgress)
    }

    @Test func theEndOfACopyIsToldOnce() {
        let (entry, notice) = self.started.following(
            VolumeProgress(state: .done, bytesDone: 9, bytesTotal: 9, isFull: true)
        )
        #expect(entry.status == .successful && entry.transfer == .full && entry.bytesTotal == 9)
        #expect(entry.reason == "Migration successful for volume")
        #expect(notice == .normal("Successful", "Volume pvc-1 migrated successfully"))
    }

    @Test func aFullCopySaysWhichRunItWasAndWhy() {
        let progress = VolumeProgress(
            state: .done,
            isFull: true,
            fullReason: .seventhRun,
            run: 14
        )
        let (entry, _) = self.started.following(progress)
        #expect(entry.run == 14 && entry.fullReason == .seventhRun)
        #expect(entry.reason == "Migration successful for volume")
        #expect(MigratedVolume(entry.json) == entry)
    }

    @Test(
        arguments: [
            .baseForgotten, .baseLostAtDestination, .baseLostAtSource, .baseDiffered,
        ] as [FullCopyReason]
    )
    func aFullCopyThatNobodyExpectsIsToldInTheStatusAndTheEvent(reason: FullCopyReason) throws {
        let progress = VolumeProgress(state: .done, isFull: true, fullReason: reason, run: 3)
        let (entry, notice) = self.started.following(progress)
        let surprise = try #require(reason.surprise)
        #expect(entry.reason.hasPrefix("Migration successful for volume. "))
        #expect(entry.reason.hasSuffix(surprise))
        #expect(notice?.message.hasPrefix("Volume pvc-1 migrated successfully. ") == true)
        #expect(notice?.message.hasSuffix(surprise) == true)
    }

    @Test func aFailureKeepsItsReasonOverARestart() {
        let trouble = VolumeTrouble(
            .noSpace,
            "the pool is full",
            remedy: "add space",
            isPassing: false
        )
        let (entry, notice) = self.started.following(VolumeProgress(state: .failed(trouble)))
        #expect(
            entry.reason == "Migration Backup failed for volume: the pool is full Try: add space"
        )
        #expect(notice?.isWarning == true)
        let read = MigratedVolume(entry.json)
        #expect(read == entry)
        #expect(read.failure?.reason == .noSpace)
        #expect(read.failure?.message.contains("db/data") == true)
    }

    @Test func theModeOfACopyIsInTheStatus() {
        for (isFull, word) in [(true, "Full"), (false, "Incremental")] {
            let (entry, _) = self.started.following(
                VolumeProgress(state: .done, isFull: isFull)
            )
            #expect(entry.json["transfer"]?.string == word)
            #expect(MigratedVolume(entry.json) == entry)
        }
        #expect(self.started.json["transfer"] == nil)
    }
}
