// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import VolumeStore

/// Writable copies of a generation, for rehearsals.
extension RecoveryService {
    func clone(
        _ name: String,
        _ request: VolumeCloneRequest
    ) throws(APIError) -> VolumeInfo {
        let wanted: VolumeName
        do throws(StoreError) { wanted = try VolumeName(request.as) } catch {
            throw APIError(
                .invalidName,
                error.what.prefix(1).uppercased() + error.what.dropFirst() + ".",
                try: "use lower-case letters, digits, '-' and '.'"
            )
        }
        guard self.volumes.sources.volume(named: wanted.text) == nil else {
            throw APIError(
                .volumeExists,
                "There is a volume \(wanted) already.",
                try: "choose another name, or: godwit volume delete \(wanted)"
            )
        }
        let copy: SourceVolume
        switch try self.origin(name, owner: request.owner) {
        case .replica(let volume):
            let origin = try Self.origin(volume, request)
            copy = try self.copied(request, name) { () throws(StoreError) in
                // A commit in place keeps readers out for a moment.
                try Self.waiting { () throws(StoreError) in
                    var generator = SystemRandomNumberGenerator()
                    return try self.changer.copy(
                        origin,
                        as: wanted,
                        verify: request.verify,
                        using: &generator
                    )
                }
            }
        case .source(let volume):
            copy = try self.copy(volume, as: wanted, request)
        }
        return try self.volumes.info(of: copy)
    }

    private func copy(
        _ volume: SourceVolume,
        as wanted: VolumeName,
        _ request: VolumeCloneRequest
    ) throws(APIError) -> SourceVolume {
        var generator = SystemRandomNumberGenerator()
        let snapshot: SourceSnapshot
        if let number = request.generation {
            snapshot = try self.volumes.keptSnapshot(number, of: volume)
        } else {
            do throws(StoreError) {
                snapshot = try volume.freeze(.random(using: &generator))
            } catch { throw APIError(error, "Volume \(volume.name) cannot be frozen.") }
        }
        defer {
            volume.release(snapshot)
            if request.generation == nil { try? volume.prune() }
        }
        return try self.copied(request, volume.name) { () throws(StoreError) in
            try self.changer.copy(
                .snapshot(volume, snapshot),
                as: wanted,
                verify: request.verify,
                using: &generator
            )
        }
    }

    private func origin(_ name: String, owner: String?) throws(APIError) -> VolumeService.Found {
        guard let owner else { return try self.volumes.find(name) }
        let cluster =
            ClusterID(owner) ?? self.volumes.registry.all.first { $0.pair.name == owner }?.cluster
        let found = self.volumes.replicas.volumes()
            .first { ($0.name == name || "\($0.id)" == name) && $0.record.owner == cluster }
        guard let found, cluster != nil else {
            throw APIError(
                .volumeNotFound,
                "There is no replica \(name) of \(PlainText.line(owner.prefix(64))).",
                try: "godwit volume list"
            )
        }
        return .replica(found)
    }

    private static func origin(
        _ volume: ReplicaVolume,
        _ request: VolumeCloneRequest
    ) throws(APIError) -> RoleChanger.Origin {
        if request.unproven == true, !volume.isProven { return .unproven(volume) }
        try Self.checkKept(volume, request.generation)
        return .replica(volume, request.generation.map { GenerationNumber($0) })
    }

    private static func checkKept(
        _ volume: ReplicaVolume,
        _ number: UInt64?
    ) throws(APIError) {
        let kept = volume.generations.map(\.number.number)
        guard number.map({ !kept.contains($0) }) ?? kept.isEmpty else { return }
        throw APIError(
            .generationNotFound,
            number.map { "Generation \($0) of volume \(volume.name) is not kept here." }
                ?? "Volume \(volume.name) shows no generation that can be read.",
            cause: kept.isEmpty ? "no run has proven one" : "kept are: \(kept)",
            try: volume.isProven
                ? "godwit volume show \(volume.name)"
                : "what it held as a source can be copied as it is: --unproven"
        )
    }

    private func copied(
        _ request: VolumeCloneRequest,
        _ name: String,
        _ body: () throws(StoreError) -> SourceVolume
    ) throws(APIError) -> SourceVolume {
        do throws(StoreError) {
            return try body()
        } catch {
            guard error.code == .corrupt, request.verify else {
                throw APIError(error, "Volume \(name) was not copied.")
            }
            throw APIError(
                .contentsDiffer,
                "The copy of volume \(name) is not what was committed, and was removed.",
                cause: error.what,
                try: "read the original too: godwit volume verify \(name)"
            )
        }
    }
}
