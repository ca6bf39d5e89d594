// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Glibc
import VolumeStore

/// The volumes of the pool in the words of the API.
///
/// Calls block; run them with `onThread`.
struct VolumeService: Sendable {
    let sources: SourceStore
    let replicas: ReplicaStore
    let registry: PairRegistry

    // MARK: - Finding

    func list() throws(APIError) -> [VolumeInfo] {
        var volumes: [VolumeInfo] = []
        for source in self.sources.list() { volumes.append(try self.info(of: source)) }
        for replica in self.replicas.volumes() { volumes.append(self.info(of: replica)) }
        return volumes.sorted { ($0.name, $0.id) < ($1.name, $1.id) }
    }

    func show(_ name: String) throws(APIError) -> VolumeInfo {
        switch try self.find(name) {
        case .source(let volume): try self.info(of: volume)
        case .replica(let volume): self.info(of: volume)
        }
    }

    enum Found {
        case source(SourceVolume)
        case replica(ReplicaVolume)
    }

    /// The volume that a name or an identity means; a source before a replica of the same name.
    func find(_ name: String) throws(APIError) -> Found {
        if let volume = self.sources.volume(named: name) { return .source(volume) }
        if let id = VolumeID(name) {
            if let volume = self.sources.volume(id) { return .source(volume) }
            if let volume = self.replicas.volume(id) { return .replica(volume) }
        }
        let named = self.replicas.volumes().filter { $0.name == name }
        if let volume = named.first, named.count == 1 { return .replica(volume) }
        guard named.isEmpty else {
            throw APIError(
                .invalidRequest,
                "\(named.count) replicas are called \(name).",
                cause: "they come from different pairs",
                try: "give the identity: godwit volume list -o wide"
            )
        }
        let names = self.sources.list().map(\.name) + self.replicas.volumes().map(\.name)
        throw APIError(
            .volumeNotFound,
            "There is no volume \(name).",
            try: Suggestion.nearest(to: name, in: names).map { "did you mean \($0)?" }
                ?? "godwit volume list"
        )
    }

    /// A source volume; replicas are told why they are none.
    func source(_ name: String) throws(APIError) -> SourceVolume {
        switch try self.find(name) {
        case .source(let volume): return volume
        case .replica(let volume):
            throw APIError(
                .notASource,
                "Volume \(volume.name) is a replica here.",
                cause: "its generations come from \(self.owner(of: volume))",
                try:
                    "run this at the agent it comes from, or export it and create a volume "
                    + "--from that"
            )
        }
    }

    // MARK: - Changing

    func create(_ request: VolumeCreateRequest) throws(APIError) -> VolumeInfo {
        var generator = SystemRandomNumberGenerator()
        do {
            let name: VolumeName
            do { name = try VolumeName(request.name) } catch {
                throw APIError(
                    .invalidName,
                    error.what.prefix(1).uppercased() + error.what.dropFirst() + ".",
                    try: "use lower-case letters, digits, '-' and '.'"
                )
            }
            guard self.sources.volume(named: name.text) == nil else {
                throw APIError(
                    .volumeExists,
                    "There is a volume \(name.text) already.",
                    try: "choose another name, or: godwit volume delete \(name.text)"
                )
            }
            switch (request.sizeBytes, request.from, request.attach) {
            case (let size?, nil, nil):
                guard let size = ByteCount(untrusted: size), size <= Geometry.maximumVolume else {
                    throw APIError(
                        .invalidRequest,
                        "A volume of \(ByteSize.text(of: size)) is too large.",
                        cause: "the limit is \(ByteSize.text(of: Geometry.maximumVolume))",
                        try: "use several volumes"
                    )
                }
                return try self.info(
                    of: try self.sources.create(name, size: size, using: &generator)
                )
            case (nil, let image?, nil):
                return try self.info(
                    of: try self.sources.create(name, from: image, using: &generator)
                )
            case (nil, nil, let path?):
                return try self.info(
                    of: try self.sources.attach(
                        name,
                        path,
                        isFrozen: request.frozen,
                        using: &generator
                    )
                )
            case (_, _, _):
                throw APIError(
                    .invalidRequest,
                    "A volume has exactly one origin.",
                    try: "give one of sizeBytes, from and attach"
                )
            }
        } catch let error as APIError {
            throw error
        } catch let error as StoreError {
            throw APIError(error, "Volume \(request.name) was not created.")
        } catch {
            throw APIError(
                .agentFailed,
                "Volume \(request.name) was not created.",
                cause: "\(error)"
            )
        }
    }

    func snapshot(_ name: String) throws(APIError) -> VolumeInfo {
        let volume = try self.source(name)
        var generator = SystemRandomNumberGenerator()
        do {
            let snapshot = try volume.freeze(.random(using: &generator), isPinned: true)
            volume.release(snapshot)
        } catch { throw APIError(error, "Volume \(name) cannot be frozen.") }
        return try self.info(of: volume)
    }

    func delete(_ name: String) throws(APIError) -> VolumeInfo {
        let found = try self.find(name)
        do throws(StoreError) {
            switch found {
            case .source(let volume):
                let info = VolumeInfo(volume, generations: [])
                try self.sources.delete(volume)
                return info
            case .replica(let volume):
                let info = self.info(of: volume)
                try self.replicas.delete(volume.id)
                return info
            }
        } catch { throw APIError(error, "Volume \(name) was not deleted.") }
    }

    /// How long a run that was cancelled may take to say goodbye: more than any peer is given.
    private static let farewell = Duration.seconds(20)

    /// Lets go of what only this pair needed, of each volume.
    ///
    /// The runs to it were told to end, and take a moment: a base that is left now is left for good.
    func forget(_ cluster: ClusterID) {
        let clock = ContinuousClock()
        let end = clock.now + Self.farewell
        for volume in self.sources.list() {
            while !Self.forget(cluster, in: volume), clock.now < end { usleep(20_000) }
        }
    }

    /// Whether nothing is left to wait for.
    private static func forget(_ cluster: ClusterID, in volume: SourceVolume) -> Bool {
        do throws(StoreError) {
            try volume.forget(cluster)
            return true
        } catch { return error.code != .busy }
    }

    // MARK: - Telling

    func info(of volume: SourceVolume) throws(APIError) -> VolumeInfo {
        do {
            let generations = try volume.snapshots()
                .map { snapshot throws(StoreError) in
                    GenerationInfo(
                        number: snapshot.number.number,
                        snapshot: "\(snapshot.snapshot)",
                        sizeBytes: UInt64(snapshot.size.bytes),
                        rootDigest: try snapshot.generation().map { "\($0.root)" },
                        created: Self.modified("\(snapshot.directory)/snapshot.json"),
                        path: snapshot.imagePath
                    )
                }
            var info = VolumeInfo(volume, generations: generations)
            info.noteRecovery(of: volume, self.promotion(of: volume))
            return info
        } catch { throw APIError(error, "The snapshots of volume \(volume.name) cannot be read.") }
    }

    func info(of volume: ReplicaVolume) -> VolumeInfo {
        let record = volume.record
        let generations = Self.generations(of: volume)
        var info = VolumeInfo(
            name: record.name,
            id: "\(volume.id)",
            role: .replica,
            sizeBytes: UInt64(record.size.bytes),
            lineage: "\(record.lineage)",
            path: nil,
            backing: "pool",
            owner: self.owner(of: volume),
            generation: generations.last,
            generations: generations
        )
        info.takenOver = record.takenOver.map { TakeOverInfo($0) }
        return info
    }

    static func generations(of volume: ReplicaVolume) -> [GenerationInfo] {
        volume.generations.reversed()
            .map { generation in
                let name = "\(generation.number.number)-\(generation.snapshot)"
                let directory = "\(volume.directory)/generations/\(name)"
                return GenerationInfo(
                    number: generation.number.number,
                    snapshot: "\(generation.snapshot)",
                    sizeBytes: UInt64(generation.size.bytes),
                    rootDigest: "\(generation.root)",
                    created: Self.modified("\(directory)/generation.json"),
                    path: nil
                )
            }
    }

    private func owner(of volume: ReplicaVolume) -> String {
        guard let owner = volume.record.owner else { return "nobody" }
        return self.registry.incoming(owner)?.pair.name ?? "\(owner)"
    }

    private static func modified(_ path: String) -> Date? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return attributes?[.modificationDate] as? Date
    }
}

extension VolumeInfo {
    fileprivate init(_ volume: SourceVolume, generations: [GenerationInfo]) {
        let backing =
            switch volume.record.backing {
            case .pool: "pool"
            case .attached(_, isFrozen: false): "attached"
            case .attached(_, isFrozen: true): "attachedFrozen"
            }
        self.init(
            name: volume.name,
            id: "\(volume.id)",
            role: .source,
            sizeBytes: UInt64(volume.record.size.bytes),
            lineage: "\(volume.lineage)",
            path: volume.livePath,
            backing: backing,
            owner: nil,
            generation: generations.last,
            generations: generations
        )
    }
}
