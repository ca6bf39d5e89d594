// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Catalogue
import Foundation
import Logging

// Transfers whose target waits at the destination for others. They take no place in the queue: the
// members of their group that are still in line need it, and so do those of other groups.

extension TransferQueue {
    /// How often a held transfer looks by itself whether it was released, in seconds.
    ///
    /// Only where nobody tells: the destination may have been told by somebody else.
    static let heldLook = 60.0

    /// Whether a try ended because what it brought waits for the release of its group.
    func isHeld(_ id: String, _ failure: RunFailure) async -> Bool {
        guard let job = self.jobs[id], job.request.group != nil, failure.isRetryable,
            !self.isEnding(id), let gate = self.gate
        else { return false }
        guard await gate.isHeld(job.request) else { return false }
        // Either may have come while the destination was asked.
        return !self.isEnding(id)
    }

    /// Puts a transfer aside until its group is released.
    ///
    /// - Parameters:
    ///   - id: of the transfer.
    ///   - report: of the try that has just ended; the last one, which finds all released, ships
    ///     nothing, and the sum of all is what the transfer took.
    func park(_ id: String, _ report: TransferReport?) async {
        guard var job = self.jobs[id], !job.entry.state.isFinal else { return }
        let isNew = !job.isHeld
        job.isHeld = true
        job.run = nil
        job.error = nil
        job.entry.error = nil
        if var report {
            report.error = nil
            job.entry.report = Self.json(report.after(self.heldReport(of: job)))
        }
        job.entry.state = .waiting
        // It did not fail: waiting must not use up the tries.
        job.entry.attempt -= 1
        job.entry.nextAttempt = self.now() + Self.heldLook
        self.jobs[id] = job
        if isNew {
            let event = self.event(
                job,
                "TransferPrepared",
                "volume \(job.entry.volume) is whole at pair \(job.entry.pair) and waits for the "
                    + "release of its group"
            )
            self.store(job.entry, event)
            self.journal.log(event, level: .info)
        } else {
            self.store(job.entry)
        }
        for waiter in self.waiters[id, default: [:]].values { waiter.finish() }
        self.wake.yield()
        // The queue's task of this transfer sleeps for it; cancelled when the agent drains.
        try? await Task.sleep(for: .seconds(Self.heldLook))
        self.look(after: [id])
    }

    /// What the tries before have shipped that brought all of a transfer to the destination.
    func heldReport(of job: Job) -> TransferReport? {
        TransferInfo.value(TransferReport.self, job.entry.report)
    }

    /// Lets held transfers look at once whether they were released.
    func look(after transfers: [String]) {
        for id in transfers where self.jobs[id]?.isHeld == true {
            self.jobs[id]?.entry.nextAttempt = nil
        }
        self.wake.yield()
    }

    /// Whether all of a transfer waits at the destination, as far as this agent has heard.
    func isHeld(_ id: String) -> Bool { self.jobs[id]?.isHeld ?? false }
}
