// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Identity
import VolumeStore

/// What failover and failback add to what is told of a volume.
extension VolumeService {
    func promotion(of volume: SourceVolume) -> PromotionInfo? {
        guard let fork = volume.record.fork else { return nil }
        return PromotionInfo(
            lineage: "\(fork.lineage)",
            generation: fork.number.number,
            snapshot: "\(fork.snapshot)",
            rootDigest: "\(fork.formerRoot)",
            cluster: "\(fork.owner)",
            owner: self.registry.incoming(fork.owner)?.pair.name,
            since: Date(timeIntervalSince1970: Double(fork.promotedAt))
        )
    }

    /// What the old owner of a promoted replica is told; nil where this was none of its replicas.
    static func active(_ volume: VolumeID, _ owner: ClusterID, in sources: SourceStore) -> String? {
        guard let source = sources.volume(volume), let fork = source.record.fork,
            fork.owner == owner
        else { return nil }
        let since = Date(timeIntervalSince1970: Double(fork.promotedAt))
        return "volume \(source.name) is active here since \(since.formatted(.iso8601)), promoted "
            + "from generation \(fork.number.number): fence the source"
    }
}

extension VolumeInfo {
    /// The same with what a source's failover and failback have left.
    mutating func noteRecovery(of volume: SourceVolume, _ promotion: PromotionInfo?) {
        self.promotedFrom = promotion
        self.fenced = volume.fence.map {
            FenceInfo(by: $0.by, since: Date(timeIntervalSince1970: Double($0.since)))
        }
        self.clonedFrom = volume.record.copiedFrom.map { CloneInfo($0) }
    }
}

extension CloneInfo {
    fileprivate init(_ record: CopyRecord) {
        self.init(
            volume: record.name,
            id: record.volume,
            generation: record.generation,
            verifiedRoot: record.verifiedRoot,
            isBeforeFailback: record.failbackTo != nil,
            lostLeaves: record.lostLeaves
        )
    }
}

extension TrustRecord {
    /// A client of the other agent's port 9001 with the pair's certificate.
    func peerClient() throws(APIError) -> PeerClient {
        let credentials = try self.credentials()
        guard let host = self.pair.host, let port = self.pair.apiPort else {
            throw APIError(.stateDamaged, "Pair \(self.pair.name) has no address.")
        }
        return try PeerClient(
            host: host,
            port: port,
            trust: .mutual(
                authority: credentials.trustPEM,
                certificate: credentials.certificateChainPEM,
                privateKey: credentials.privateKeyPEM
            )
        )
    }
}
