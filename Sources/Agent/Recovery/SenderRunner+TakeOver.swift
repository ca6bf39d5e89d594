// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import VolumeStore

extension TransferRunner {
    /// Asks what has to be known before a try: nothing, of most runners.
    func prepare(_ request: ReplicateRequest) async throws(RunFailure) -> ReplicateRequest {
        request
    }

    /// Keeps nothing, as most runners do.
    func rest() {}
}

/// Failback: before the first run of a promoted volume, its former source is asked to become its
/// replica. Nothing is offered before it has (P4).
extension SenderRunner {
    func prepare(_ request: ReplicateRequest) async throws(RunFailure) -> ReplicateRequest {
        guard let volume = self.sources.volume(named: request.volumes[0]),
            let fork = volume.record.fork, volume.fence == nil,
            let record = try? self.registry.outgoing(named: request.pair),
            record.cluster == fork.owner,
            try self.isFirstRun(of: volume, after: fork)
        else { return request }
        let answer = try await self.askToTakeOver(volume, fork, record)
        switch answer.state {
        case .absent, .ready:
            return request
        case .unproven:
            // Nobody knows the bytes there: both sides are read, and what differs is sent.
            var request = request
            request.full = request.full ?? .verify
            return request
        }
    }

    /// Whether nothing was committed to the former owner since the promotion.
    private func isFirstRun(
        of volume: SourceVolume,
        after fork: ForkRecord
    ) throws(RunFailure) -> Bool {
        do throws(StoreError) {
            let committed = try volume.pair(fork.owner).committed
            return committed.map { $0.number == fork.number && $0.snapshot == fork.snapshot }
                ?? true
        } catch {
            throw RunFailure(APIError(error, "The pairs of volume \(volume.name) cannot be read."))
        }
    }

    private func askToTakeOver(
        _ volume: SourceVolume,
        _ fork: ForkRecord,
        _ record: TrustRecord
    ) async throws(RunFailure) -> TakeOverAnswer {
        do {
            // First, durably: if the answer is lost, the other side may be a replica of this one,
            // and two replicas of each other would be nobody's.
            try Self.note(volume, asked: true)
            let answer = try await record.peerClient()
                .once { client throws(APIError) -> TakeOverAnswer in
                    try await client.post(
                        PeerRoute.takeOver(volume: "\(volume.id)"),
                        TakeOverRequest(volume, fork),
                        timeout: .seconds(600)
                    )
                }
            self.journal.note(
                "TakeOverAnswered",
                "pair \(record.pair.name) has volume \(volume.name) as \(answer.state.rawValue)"
                    + Self.told(answer.takenOver),
                volume: volume.name,
                pair: record.pair.name
            )
            return answer
        } catch {
            if Self.isRefusal(error) { try? Self.note(volume, asked: false) }
            let isPassing = error.id == .peerUnreachable || error.id == .volumeInUse
            throw RunFailure(error, isRetryable: isPassing)
        }
    }

    private static func told(_ taken: TakeOverInfo?) -> String {
        guard let taken, let leaves = taken.lostLeaves, leaves > 0 else { return "" }
        return ", \(leaves) leaves of 64 KiB were written there since"
            + (taken.savedAs.map { " and are kept there as volume \($0)" } ?? "")
    }

    /// Whether the other side has certainly done nothing.
    private static func isRefusal(_ error: APIError) -> Bool {
        error.id == .volumeNotFenced || error.id == .lineageForked || error.id == .unknownRoute
            || error.id == .invalidRequest
    }

    private static func note(_ volume: SourceVolume, asked: Bool) throws(APIError) {
        do throws(StoreError) { try volume.noteTakeOver(asked: asked) } catch {
            throw APIError(error, "The record of volume \(volume.name) cannot be written.")
        }
    }
}

extension TakeOverRequest {
    fileprivate init(_ volume: SourceVolume, _ fork: ForkRecord) {
        self.init(
            forkedFrom: "\(fork.lineage)",
            generation: fork.number.number,
            snapshot: "\(fork.snapshot)",
            sizeBytes: UInt64(fork.size.bytes),
            forkedRoot: "\(fork.formerRoot)",
            lineage: "\(volume.lineage)",
            root: "\(fork.root)",
            key: Hexadecimal.text(of: volume.key.bytes)
        )
    }
}
