// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Locks
import SecureTransport
import VolumeStore
import WireProtocol

/// The thread of a transfer that waits for the disk: prepares the stage, flushes it, commits it.
///
/// The control thread goes on meanwhile: it answers pings also while a stage of terabytes is read again
/// or a journal is applied.
struct TransferWorker: Sendable {
    let transfer: IncomingTransfer

    private var limits: ReceiverLimits { self.transfer.environment.limits }

    /// Runs until the transfer is committed or its session ends.
    func run(_ offer: Offer) {
        let decision = OfferDesk(transfer: self.transfer).decide(offer)
        self.transfer.post(.decided(decision))
        guard case .accept = decision, let stage = self.transfer.state.withLock({ $0.stage })
        else { return }
        while true {
            let order = self.nextOrder()
            switch order {
            case .flush:
                guard self.flush(stage) else { return }
            case .prove(let commit):
                switch self.transfer.environment.verdict(on: offer, of: self.transfer.pair) {
                case .free, .occupied: self.commit(stage, commit)
                case .held(let group): self.prepare(stage, commit, for: group)
                case .dropped:
                    self.transfer.state.withLock { $0.isDiscarding = true }
                    let text = "the group was dropped at the destination"
                    self.transfer.post(.failed(ErrorReport(code: .cancelled, text: text)))
                }
                return
            case .stop:
                return
            }
        }
    }

    private enum Order {
        case flush
        case prove(Commit)
        case stop
    }

    /// Waits until there is something to do.
    private func nextOrder() -> Order {
        while true {
            let (isClosing, commit) = self.transfer.state.withLock { ($0.isClosing, $0.commit) }
            if isClosing { return .stop }
            if let commit { return .prove(commit) }
            if self.transfer.isFlushDue { return .flush }
            // A little that is applied waits for more, but not for long.
            // A look each second costs nothing and makes up for a signal that came too early.
            let timeout =
                self.transfer.hasApplied ? self.limits.flushInterval : Limits.timeoutResolution
            if !self.transfer.workerWakeup.wait(timeout: timeout) { return .flush }
        }
    }

    /// Makes durable what was applied before, then says so (P3).
    private func flush(_ stage: Stage) -> Bool {
        let taken = self.transfer.beginFlush()
        do {
            // Room for more only now: what the stage takes is what a kill could make travel again.
            try stage.flush {
                for (stream, applied) in taken { stream.noteTaken(applied) }
            }
        } catch {
            self.transfer.post(.failed(ErrorReport(error)))
            return false
        }
        for (stream, applied) in taken { stream.noteDurable(applied) }
        self.transfer.controlWakeup.signal()
        return true
    }

    /// Proves what belongs to a group, and leaves it for the release (P2, P3).
    ///
    /// The session ends: what waits for others must not hold a place that one of them needs.
    private func prepare(_ stage: Stage, _ commit: Commit, for group: GroupID) {
        guard let volume = self.transfer.state.withLock({ $0.volume }) else { return }
        self.transfer.updateStatus { $0.state = .proving }
        do throws(StageError) {
            let generation = try volume.prepare(stage, expecting: commit.root)
            self.transfer.updateStatus { $0.state = .prepared }
            self.transfer.post(
                .failed(
                    ErrorReport(
                        code: .busy,
                        text: "generation \(generation.number.number) is proven and waits for the "
                            + "release of group \(group)"
                    )
                )
            )
        } catch {
            if case .rootMismatch = error {
                self.transfer.state.withLock { $0.isDiscarding = true }
            }
            self.transfer.post(.failed(ErrorReport(error)))
        }
    }

    /// Proves and commits (P1, P2); says so only when the target is visible and durable.
    private func commit(_ stage: Stage, _ commit: Commit) {
        guard let volume = self.transfer.state.withLock({ $0.volume }) else { return }
        self.transfer.updateStatus { $0.state = .proving }
        let begin = ContinuousClock.now
        while true {
            do throws(StageError) {
                _ = try volume.commit(stage, expecting: commit.root) { generation in
                    self.transfer.post(.committed(GenerationStamp(generation)))
                }
                volume.prepareNext()
                return
            } catch {
                // Readers of bytes that would change in place: they end, or we give up for now.
                if case .store(let failure) = error, failure.code == .busy,
                    !volume.needsRecovery, !self.transfer.isClosing,
                    begin.duration(to: ContinuousClock.now) < self.limits.readerWait
                {
                    _ = self.transfer.workerWakeup.wait(timeout: .milliseconds(100))
                    continue
                }
                if case .rootMismatch = error {
                    self.transfer.state.withLock { $0.isDiscarding = true }
                }
                self.transfer.post(.failed(ErrorReport(error)))
                return
            }
        }
    }
}
