// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Hummingbird
import Identity
import Logging
import VolumeStore

/// What port 9001 answers: pairing to anybody who knows the token, and to a pair what is its own.
struct PeerRoutes: Sendable {
    let core: AgentCore

    func add(to router: Router<APIContext>) {
        self.addPairing(router)
        self.addPeer(router)
        self.addTakeOver(router)
        self.addGroups(router)
    }

    private func addPairing(_ router: Router<APIContext>) {
        let core = self.core
        router.get("\(PeerRoute.authority)") { _, context in
            await APIResponse.of(context) {
                PairingAuthority(
                    cluster: "\(core.identity.cluster)",
                    authority: core.identity.authority.certificate.pem,
                    version: Release.version,
                    time: core.environment.now()
                )
            }
        }
        router.post("\(PeerRoute.start)") { request, context in
            await APIResponse.of(context) {
                let message = try await APIResponse.body(
                    PairingStartRequest.self,
                    of: request,
                    context
                )
                do {
                    return try await core.desk.start(message, from: context.address)
                } catch let error as APIError {
                    self.noteRefusal(error, context.address)
                    throw error
                }
            }
        }
        router.post("\(PeerRoute.finish)") { request, context in
            await APIResponse.of(context) {
                let message = try await APIResponse.body(
                    PairingFinishRequest.self,
                    of: request,
                    context
                )
                do {
                    let (answer, record) = try await core.desk.finish(
                        message,
                        from: context.address,
                        dataPort: core.endpoints.dataPort
                    )
                    core.journal.note(
                        "PairAccepted",
                        "cluster \(record.pair.cluster) may send volumes here",
                        pair: record.pair.name
                    )
                    return answer
                } catch let error as APIError {
                    self.noteRefusal(error, context.address)
                    throw error
                }
            }
        }
    }

    private func noteRefusal(_ error: APIError, _ address: String) {
        self.core.journal.noteSeldom(
            "PairingRefused",
            "a pairing from \(address) was refused: \(error.message)",
            every: 60,
            level: .warning
        )
    }

    private func addPeer(_ router: Router<APIContext>) {
        let core = self.core
        router.post("\(PeerRoute.renew)") { request, context in
            await APIResponse.of(context) {
                let message = try await APIResponse.body(
                    CertificateRenewRequest.self,
                    of: request,
                    context
                )
                // Asked last: a body can be sent so slowly that a revocation comes before its end.
                let (source, record) = try await self.peer(context)
                return try await core.desk.renew(
                    message,
                    of: source,
                    record,
                    dataPort: core.endpoints.dataPort
                )
            }
        }
        router.get("\(PeerRoute.version)") { _, context in
            await APIResponse.of(context) {
                _ = try await self.peer(context)
                return VersionInfo(
                    version: core.version.version,
                    protocolVersion: core.version.protocolVersion,
                    cluster: core.version.cluster
                )
            }
        }
        router.post("\(PeerRoute.reach)") { request, context in
            await APIResponse.of(context) {
                let wanted = try await APIResponse.body(
                    PairReachRequest.self,
                    of: request,
                    context
                )
                _ = try await self.peer(context)
                return try await core.looksBack.run { () throws(APIError) in
                    try await Self.lookBack(at: context.address, wanted)
                }
            }
        }
        router.get("\(PeerRoute.volumes)") { _, context in
            await APIResponse.of(context) {
                let (source, _) = try await self.peer(context)
                return ItemList(
                    items: core.volumes.replicas.volumes(ownedBy: source).map(Self.shown)
                )
            }
        }
        router.post("\(PeerRoute.volumes)/{id}/generations/{number}/proof") { _, context in
            await APIResponse.of(context) {
                let (source, _) = try await self.peer(context)
                let volume = try self.volume(
                    try APIResponse.parameter("id", context),
                    of: source
                )
                let text = try APIResponse.parameter("number", context)
                guard let number = UInt64(text) else {
                    throw APIError(.invalidRequest, "'\(text.prefix(20))' is not a generation.")
                }
                return try await core.proofs.run { () throws(APIError) in
                    try await self.proof(of: volume, number)
                }
            }
        }
    }

    /// Only at the address that asks: nobody else's ports can be tried through us.
    static func lookBack(
        at address: String,
        _ wanted: PairReachRequest
    ) async throws(APIError) -> PairReach {
        let ports = try await onThread("reach") { () throws(APIError) -> [PairReach.Port] in
            [wanted.apiPort, wanted.dataPort]
                .map { number in
                    guard (1...65_535).contains(number) else {
                        return PairReach.Port(
                            number: number,
                            problem: "that is no port",
                            remedy: nil
                        )
                    }
                    do throws(APIError) {
                        try PortProbe.connect(address, number)
                        return PairReach.Port(number: number, problem: nil, remedy: nil)
                    } catch {
                        return PairReach.Port(
                            number: number,
                            problem: error.cause ?? error.message,
                            remedy: error.try
                        )
                    }
                }
        }
        return PairReach(address: address, ports: ports)
    }

    private func proof(
        of volume: ReplicaVolume,
        _ number: UInt64
    ) async throws(APIError) -> GenerationProof {
        let core = self.core
        return try await onThread("proof") { () throws(APIError) in
            do {
                return try core.volumes.proof(volume, number, core.environment.now)
            } catch let error as APIError { throw error } catch let error as StoreError {
                throw APIError(error, "Volume \(volume.name) cannot be verified.")
            } catch {
                throw APIError(.storeFailed, "Volume \(volume.name) cannot be verified.")
            }
        }
    }

    /// Who asks: a source cluster whose pair is in force and whose certificate still holds.
    func peer(_ context: APIContext) async throws(APIError) -> (ClusterID, TrustRecord) {
        guard let certificate = await context.certificate() else {
            throw APIError(
                .peerNotTrusted,
                "This needs the certificate of a pair.",
                cause: "the connection showed none",
                try: "pair first"
            )
        }
        guard certificate.name.trustDomain == self.core.identity.cluster,
            case .pair(let source) = certificate.name.role
        else {
            throw APIError(.peerNotTrusted, "The certificate of \(certificate.name) opens nothing.")
        }
        do {
            try self.core.identity.authority.certificate.check(
                certificate,
                isOf: certificate.name,
                at: self.core.environment.now()
            )
        } catch {
            throw APIError(.peerNotTrusted, "The certificate does not hold.", cause: "\(error)")
        }
        guard let record = self.core.registry.incoming(source),
            record.admits(certificateFrom: certificate.notBefore)
        else {
            throw APIError(
                .pairRevoked,
                "The pair of cluster \(source) was revoked.",
                try: "pair again"
            )
        }
        return (source, record)
    }

    /// A replica of the pair; another pair's is told as not there, since knowing of it is too much.
    private func volume(
        _ text: String,
        of source: ClusterID
    ) throws(APIError) -> ReplicaVolume {
        guard let id = VolumeID(text), let volume = self.core.volumes.replicas.volume(id),
            volume.record.owner == source
        else { throw APIError(.volumeNotFound, "There is no volume \(text.prefix(64)).") }
        return volume
    }

    private static func shown(_ volume: ReplicaVolume) -> PeerVolume {
        PeerVolume(
            id: "\(volume.id)",
            name: volume.name,
            sizeBytes: UInt64(volume.record.size.bytes),
            generations: VolumeService.generations(of: volume)
        )
    }
}
