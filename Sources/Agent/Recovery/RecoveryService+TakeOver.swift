// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Foundation
import Glibc
import VolumeStore

/// What the agent of a promoted volume asks of the agent of its former source.
extension RecoveryService {
    /// Makes a fenced source the replica of the cluster that asks; asked again, answers the same.
    ///
    /// - Parameters:
    ///   - text: the volume's identity, as the path has it.
    ///   - request: the fork.
    ///   - source: who asks, by its certificate (P8).
    ///   - names: what a fence may call that cluster.
    /// - Returns: what the next offer finds.
    /// - Throws: `volumeNotFenced`; `lineageForked` where the histories do not fit (P4).
    func takeOver(
        _ text: String,
        _ request: TakeOverRequest,
        from source: ClusterID,
        names: Set<String>
    ) throws(APIError) -> (answer: TakeOverAnswer, volume: String?) {
        guard let id = VolumeID(text), let wanted = TakeOver(id, request, source, names) else {
            throw APIError(
                .invalidRequest,
                "The request to take a volume over cannot be understood.",
                try: "compare the versions: godwit version"
            )
        }
        if let replica = self.volumes.replicas.volume(id) {
            return (try Self.answer(replica, to: wanted), nil)
        }
        guard let volume = self.volumes.sources.volume(id) else {
            return (TakeOverAnswer(.absent), nil)
        }
        return try self.takeOver(volume, wanted)
    }

    private func takeOver(
        _ volume: SourceVolume,
        _ wanted: TakeOver
    ) throws(APIError) -> (answer: TakeOverAnswer, volume: String?) {
        let name = volume.name
        let clock = ContinuousClock()
        let end = clock.now + Self.patience
        while true {
            let replica: ReplicaVolume
            do throws(TakeOverError) {
                var generator = SystemRandomNumberGenerator()
                replica = try self.changer.takeOver(
                    volume,
                    wanted,
                    at: self.seconds,
                    using: &generator
                )
            } catch {
                // A run that the fence has ended takes a moment to let go.
                if case .store(let failure) = error, failure.code == .busy, clock.now < end {
                    usleep(20_000)
                    continue
                }
                if case .notOfThisPair = error { return (TakeOverAnswer(.absent), nil) }
                throw APIError(error, name)
            }
            return (try Self.answer(replica, to: wanted), name)
        }
    }

    private static func answer(
        _ replica: ReplicaVolume,
        to wanted: TakeOver
    ) throws(APIError) -> TakeOverAnswer {
        let record = replica.record
        // Whose it is, is nobody else's business: the offer will be refused.
        guard record.owner == wanted.owner else { return TakeOverAnswer(.absent) }
        guard record.lineage == wanted.lineage else {
            throw APIError(
                .lineageForked,
                "Volume \(replica.name) is a replica of another history there.",
                cause: "it has lineage \(record.lineage), not \(wanted.lineage)",
                try: "decide which one goes on, and delete the replica if it is this one"
            )
        }
        return TakeOverAnswer(
            replica.isProven ? .ready : .unproven,
            takenOver: record.takenOver.map { TakeOverInfo($0) }
        )
    }
}

extension TakeOver {
    fileprivate init?(
        _ id: VolumeID,
        _ request: TakeOverRequest,
        _ owner: ClusterID,
        _ names: Set<String>
    ) {
        guard let forkedFrom = LineageID(request.forkedFrom),
            let snapshot = SnapshotID(request.snapshot),
            let size = ByteCount(untrusted: request.sizeBytes), size <= Geometry.maximumVolume,
            let formerRoot = Hexadecimal.bytes(of: request.forkedRoot).flatMap({ RootDigest($0) }),
            let lineage = LineageID(request.lineage), lineage != forkedFrom,
            let root = Hexadecimal.bytes(of: request.root).flatMap({ RootDigest($0) }),
            let key = Hexadecimal.bytes(of: request.key).flatMap({ LineageKey($0) })
        else { return nil }
        self.init(
            owner: owner,
            ownerNames: names,
            former: Generation(
                volume: id,
                lineage: forkedFrom,
                number: GenerationNumber(request.generation),
                snapshot: snapshot,
                size: size,
                root: formerRoot
            ),
            lineage: lineage,
            root: root,
            key: key
        )
    }
}

extension APIError {
    /// Why a former source does not become a replica.
    fileprivate init(_ error: TakeOverError, _ name: String) {
        let fence = "at that agent: godwit volume fence \(name)"
        switch error {
        case .notOfThisPair:
            self.init(.volumeNotFound, "There is no volume \(name).")
        case .notFenced:
            self.init(
                .volumeNotFenced,
                "Volume \(name) is still a source there, and nobody has fenced it.",
                cause: "what writes it there would go on with a volume that is about to change",
                try: "stop what writes it there, then, \(fence)"
            )
        case .fencedFor(let cluster):
            self.init(
                .volumeNotFenced,
                "Volume \(name) is fenced there for \(PlainText.line(cluster)), not for this side.",
                try: "where this side is to take it over, \(fence)"
            )
        case .otherHistory(let what):
            self.init(
                .lineageForked,
                "Volume \(name) has another history there.",
                cause: what,
                try: "decide which side goes on, and delete the volume on the other one"
            )
        case .store(let failure):
            self.init(failure, "Volume \(name) did not become a replica there.")
        }
    }
}

extension TakeOverInfo {
    init(_ record: TakeOverRecord) {
        self.init(
            isExact: record.isExact,
            lostLeaves: record.lostLeaves,
            savedAs: record.savedAs,
            since: Date(timeIntervalSince1970: Double(record.at))
        )
    }
}
