// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Identity
import Logging
import Receiver
import SecureTransport
import ServiceLifecycle
import VolumeStore
import WireProtocol

/// Port 9010: lets in whose pair is in force, and tells what comes of it.
struct DataReceiver: Service {
    let service: ReceiverService
    let drainSeconds: Double

    init(
        store: ReplicaStore,
        sources: SourceStore,
        holds: HoldStore,
        listener: TLSListener,
        registry: PairRegistry,
        journal: Journal,
        drainSeconds: Double,
        cluster: ClusterID,
        version: WireVersion
    ) throws(APIError) {
        self.drainSeconds = drainSeconds
        do {
            self.service = try ReceiverService(
                store: store,
                holds: holds,
                listener: listener,
                configuration: ReceiverConfiguration(
                    cluster: cluster,
                    software: "godwit \(Release.version)",
                    version: version,
                    active: { pair, volume in
                        VolumeService.active(volume, pair.cluster, in: sources)
                    }
                ),
                authorise: { peer in Self.pair(peer, cluster, registry) },
                observer: ReceiverJournal(journal: journal)
            )
        } catch {
            throw APIError(.agentFailed, "The data port cannot be served.", cause: "\(error)")
        }
    }

    func run() async throws {
        try self.service.start()
        try? await gracefulShutdown()
        let service = self.service
        let seconds = self.drainSeconds
        _ = try? await onThread("drain") { () throws(APIError) in
            service.drain(within: .seconds(seconds))
            service.stop()
        }
    }

    /// Ends what a revoked pair has open.
    func cutOff(_ cluster: ClusterID) { self.service.disconnect(cluster) }

    /// The pair that a certificate names: one of ours, and not revoked.
    private static func pair(
        _ peer: PeerCertificate,
        _ cluster: ClusterID,
        _ registry: PairRegistry
    ) -> PairIdentity? {
        let start = Date(timeIntervalSince1970: Double(peer.validFrom))
        guard peer.name.trustDomain == cluster, case .pair(let source) = peer.name.role,
            let record = registry.incoming(source), record.admits(certificateFrom: start)
        else { return nil }
        return PairIdentity(cluster: source, name: record.pair.name)
    }
}

/// Tells what the receiver does.
struct ReceiverJournal: ReceiverObserver {
    let journal: Journal

    func received(_ event: ReceiverEvent) {
        switch event {
        case .connectionRefused(let address, let reason):
            // Only the log: anybody can make these, and events are kept.
            self.journal.logger.warning(
                "connection refused",
                metadata: ["peer": "\(address)", "reason": "\(reason)"]
            )
        case .transferRefused(let status, let refusal) where refusal.code == .alreadyCommitted:
            // How a sender learns after a release, or after a lost answer, that all is well.
            self.journal.logger.debug(
                "offer not needed",
                metadata: [
                    LogKey.transfer: "\(status.transfer)", LogKey.volume: "\(status.name)",
                ]
            )
        case .transferRefused(let status, let refusal):
            // A peer can offer in a loop, and its events must not push out those of others.
            self.journal.noteSome(
                "OfferRefused",
                "an offer of volume \(status.name) was refused: \(refusal.code)",
                volume: status.name,
                pair: status.pair.name,
                transfer: "\(status.transfer)",
                level: .warning
            )
        case .transferStarted(let status):
            self.note(
                status,
                "ReceivingStarted",
                "volume \(status.name) arrives: \(status.mode), generation "
                    + "\(status.target.number.number), "
                    + "\(ByteSize.text(of: status.resumedBytes)) durable already",
                facts: [LogKey.resumedBytes: "\(status.resumedBytes.bytes)"]
            )
        case .transferProgressed(let status):
            self.journal.logger.debug(
                "receiving",
                metadata: [
                    LogKey.transfer: "\(status.transfer)", LogKey.volume: "\(status.name)",
                    LogKey.durableBytes: "\(status.durableBytes.bytes)",
                ]
            )
        case .transferFinished(let status):
            self.finished(status)
        case .driftFound(let status, let leaves):
            self.note(
                status,
                "DriftFound",
                "\(leaves) leaves of the visible generation of volume \(status.name) were "
                    + "not what was committed",
                isBad: true
            )
        case .stageExpired(let volume):
            self.journal.note(
                "StageExpired",
                "what was staged of volume \(volume) was thrown away: nobody continued it"
            )
        case .holdExpired(let hold):
            self.journal.note(
                "HoldExpired",
                "group \(hold.group) was given up: nobody asked about it",
                level: .warning
            )
        case .serviceFailed(let reason):
            // Also what an offer met at the store, so again and again.
            self.journal.noteSome("ReceiverFailed", reason, level: .error)
        }
    }

    private func finished(_ status: TransferStatus) {
        let facts: Logger.Metadata = [
            LogKey.receivedBytes: "\(status.receivedBytes.bytes)",
            LogKey.durableBytes: "\(status.durableBytes.bytes)",
        ]
        if status.committed != nil {
            self.note(
                status,
                "GenerationVisible",
                "volume \(status.name) shows generation \(status.target.number.number)",
                facts: facts
            )
        } else if status.state == .prepared {
            self.note(
                status,
                "GenerationPrepared",
                "generation \(status.target.number.number) of volume \(status.name) is durable and "
                    + "proven, and waits for the release of its group",
                facts: facts
            )
        } else {
            let reason = status.error.map { "\($0.code): \($0.text)" } ?? "the connection ended"
            self.note(
                status,
                "ReceivingEnded",
                "volume \(status.name) keeps its generation: \(reason)",
                isBad: true,
                facts: facts
            )
        }
    }

    private func note(
        _ status: TransferStatus,
        _ reason: String,
        _ message: String,
        isBad: Bool = false,
        facts: Logger.Metadata = [:]
    ) {
        self.journal.note(
            reason,
            message,
            volume: status.name,
            pair: status.pair.name,
            transfer: "\(status.transfer)",
            level: isBad ? .warning : .info,
            facts: facts
        )
    }
}
