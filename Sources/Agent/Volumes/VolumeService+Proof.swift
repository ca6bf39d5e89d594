// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Foundation
import VolumeStore

/// Exports and proofs: whatever reads a whole generation.
extension VolumeService {
    func export(
        _ name: String,
        _ request: VolumeExportRequest,
        now: @Sendable () -> Date
    ) throws(APIError) -> VolumeExportResult {
        let start = now()
        guard request.to.hasPrefix("/") else {
            throw APIError(.invalidRequest, "The path '\(request.to)' is not absolute.")
        }
        guard !PoolDirectory.exists(request.to) else {
            throw APIError(
                .fileExists,
                "\(request.to) exists already.",
                try: "choose another path, or remove the file first"
            )
        }
        let found = try self.find(name)
        let parent = request.to[..<(request.to.lastIndex(of: "/") ?? request.to.startIndex)]
        guard parent.isEmpty || PoolDirectory.exists(String(parent)) else {
            throw APIError(
                .fileNotReadable,
                "Volume \(name) was not exported: there is no directory \(parent).",
                try: "make the directory first, or choose another path"
            )
        }
        do {
            let (generation, size, root): (UInt64, ByteCount, RootDigest?)
            switch found {
            case .source(let volume):
                (generation, size, root) = try self.export(volume, request)
            case .replica(let volume):
                let reader = try Self.open(volume, request.generation)
                _ = try reader.export(to: request.to)
                generation = reader.generation.number.number
                (size, root) = (reader.generation.size, reader.generation.root)
            }
            return VolumeExportResult(
                volume: name,
                generation: generation,
                sizeBytes: UInt64(size.bytes),
                path: request.to,
                rootDigest: root.map { "\($0)" },
                seconds: now().timeIntervalSince(start)
            )
        } catch let error as APIError {
            throw error
        } catch let error as StoreError {
            throw APIError(error, "Volume \(name) was not exported.")
        } catch {
            throw APIError(.storeFailed, "Volume \(name) was not exported.", cause: "\(error)")
        }
    }

    private func export(
        _ volume: SourceVolume,
        _ request: VolumeExportRequest
    ) throws -> (UInt64, ByteCount, RootDigest?) {
        var generator = SystemRandomNumberGenerator()
        let snapshot: SourceSnapshot
        if let number = request.generation {
            snapshot = try Self.snapshot(number, of: volume)
        } else {
            snapshot = try volume.freeze(.random(using: &generator))
        }
        defer {
            volume.release(snapshot)
            if request.generation == nil { try? volume.prune() }
        }
        // Fails without a trace where anything has the name, also a link that leads nowhere.
        let copy = try snapshot.openImage().cloneOrCopy(to: request.to)
        do {
            try copy.sync()
            try DurableFile.syncDirectory(DurableFile.directory(of: request.to))
        } catch {
            try? PoolDirectory.remove(request.to)
            throw error
        }
        return (snapshot.number.number, snapshot.size, try snapshot.generation()?.root)
    }

    /// Reads every byte of a generation here and computes its root again.
    func proof(
        _ name: String,
        generation: UInt64?,
        now: @Sendable () -> Date
    ) throws(APIError) -> GenerationProof {
        let found = try self.find(name)
        do {
            switch found {
            case .source(let volume): return try self.proof(volume, generation, now)
            case .replica(let volume): return try self.proof(volume, generation, now)
            }
        } catch let error as APIError {
            throw error
        } catch let error as StoreError {
            throw APIError(error, "Volume \(name) cannot be verified.")
        } catch {
            throw APIError(.storeFailed, "Volume \(name) cannot be verified.", cause: "\(error)")
        }
    }

    func proof(
        _ volume: ReplicaVolume,
        _ number: UInt64?,
        _ now: @Sendable () -> Date
    ) throws -> GenerationProof {
        let start = now()
        let reader = try Self.open(volume, number)
        guard let report = try reader.verify() else {
            throw APIError(.agentFailed, "The verification of \(volume.name) was stopped.")
        }
        return GenerationProof(
            volume: volume.name,
            generation: report.generation.number.number,
            snapshot: "\(report.generation.snapshot)",
            sizeBytes: UInt64(report.generation.size.bytes),
            recordedRoot: "\(report.generation.root)",
            computedRoot: "\(report.root)",
            readBytes: UInt64(report.readBytes.bytes),
            seconds: now().timeIntervalSince(start)
        )
    }

    private func proof(
        _ volume: SourceVolume,
        _ number: UInt64?,
        _ now: @Sendable () -> Date
    ) throws -> GenerationProof {
        let start = now()
        // The newest whose root was proven: a snapshot that was never sent has none yet.
        let snapshots = try volume.snapshots()
        let wanted = try snapshots.last { snapshot in
            if let number { return snapshot.number.number == number }
            return try snapshot.generation() != nil
        }
        guard let wanted else {
            throw APIError(
                .generationNotFound,
                "Volume \(volume.name) has no generation "
                    + "\(number.map { "\($0)" } ?? "with a root").",
                try: number == nil
                    ? "godwit replicate \(volume.name) --to PAIR makes one"
                    : "godwit volume show \(volume.name)"
            )
        }
        let recorded = try wanted.generation()
        var computed: (root: RootDigest, read: ByteCount)?
        if let image = try Self.bytes(of: wanted, volume) {
            computed = try ImageRoot.of(
                image,
                wanted.size,
                volume.record,
                scratch: "\(volume.directory)/verify-\(UInt64.random(in: 0 ... .max))"
            )
        }
        return GenerationProof(
            volume: volume.name,
            generation: wanted.number.number,
            snapshot: "\(wanted.snapshot)",
            sizeBytes: UInt64(wanted.size.bytes),
            recordedRoot: recorded.map { "\($0.root)" },
            computedRoot: computed.map { "\($0.root)" },
            readBytes: UInt64(computed?.read.bytes ?? 0),
            seconds: now().timeIntervalSince(start)
        )
    }

    /// The bytes of a snapshot: its image, or the volume itself while nobody has written it since.
    private static func bytes(
        of snapshot: SourceSnapshot,
        _ volume: SourceVolume
    ) throws(StoreError) -> BlockFile? {
        if snapshot.imagePath != nil { return try snapshot.openImage() }
        guard try volume.isUnchanged(since: snapshot) else { return nil }
        return try BlockFile.open(volume.livePath, writable: false)
    }

    /// A kept snapshot of a source, in use until the caller releases it.
    func keptSnapshot(
        _ number: UInt64,
        of volume: SourceVolume
    ) throws(APIError) -> SourceSnapshot {
        do {
            return try Self.snapshot(number, of: volume)
        } catch let error as APIError { throw error } catch let error as StoreError {
            throw APIError(error, "Volume \(volume.name) cannot be read.")
        } catch {
            throw APIError(.storeFailed, "Volume \(volume.name) cannot be read.", cause: "\(error)")
        }
    }

    private static func snapshot(
        _ number: UInt64,
        of volume: SourceVolume
    ) throws -> SourceSnapshot {
        let stored = try volume.snapshots().first { $0.number.number == number }
        guard let stored, stored.imagePath != nil,
            let opened = try volume.reopen(stored.number, stored.snapshot)
        else {
            throw APIError(
                .generationNotFound,
                "Generation \(number) of volume \(volume.name) is not kept here.",
                try:
                    "godwit volume show \(volume.name) lists what is; without --generation "
                    + "the present state is exported"
            )
        }
        return opened
    }

    private static func open(
        _ volume: ReplicaVolume,
        _ number: UInt64?
    ) throws(APIError) -> ReplicaReader {
        do throws(StoreError) {
            guard let number else { return try volume.openVisible() }
            return try volume.open(GenerationNumber(number))
        } catch {
            guard error.code == .notFound else {
                throw APIError(error, "Volume \(volume.name) cannot be read.")
            }
            let kept = volume.generations.map { "\($0.number.number)" }.joined(separator: ", ")
            throw APIError(
                .generationNotFound,
                number.map { "Generation \($0) of volume \(volume.name) is not kept here." }
                    ?? "Volume \(volume.name) shows no generation yet.",
                cause: kept.isEmpty ? "no transfer has committed" : "kept are: \(kept)",
                try: kept.isEmpty
                    ? "finish a transfer from its source first"
                    : "godwit volume show \(volume.name)"
            )
        }
    }
}
