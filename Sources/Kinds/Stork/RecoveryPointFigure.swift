// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// The newest state that the destination has, what the policy promises, and what is to be expected.
public struct RecoveryPointFigure: Hashable, Sendable {
    /// The newest state of one volume that the destination has.
    public struct Volume: Hashable, Sendable {
        /// The claim at the source.
        public var claim: ObjectKey
        /// The name of the volume, the same on both sides.
        public var volume: String
        /// When it was frozen.
        public var time: Timestamp
        /// The number of its generation.
        public var generation: Int?
        /// How much its copy has shipped.
        public var bytes: Int

        /// A state of a volume.
        public init(
            claim: ObjectKey,
            volume: String,
            time: Timestamp,
            generation: Int?,
            bytes: Int
        ) {
            self.claim = claim
            self.volume = volume
            self.time = time
            self.generation = generation
            self.bytes = bytes
        }

        init?(_ json: JSON) {
            guard let time = json["time"]?.string.flatMap({ Timestamp($0) }) else { return nil }
            self.claim = ObjectKey(
                json["namespace"]?.string ?? "",
                json["persistentVolumeClaim"]?.string ?? ""
            )
            self.volume = json["volume"]?.string ?? ""
            self.time = time
            self.generation = json["generation"]?.int
            self.bytes = json["bytesTransferred"]?.int ?? 0
        }

        var json: JSON {
            var json: JSON = [
                "persistentVolumeClaim": .string(self.claim.name),
                "namespace": .string(self.claim.namespace), "volume": .string(self.volume),
                "time": .string(self.time.description), "bytesTransferred": JSON(self.bytes),
            ]
            json.set(self.generation.map { JSON($0) }, at: "generation")
            return json
        }
    }

    /// When the volumes were frozen.
    public var time: Timestamp
    /// The Migration that brought it.
    public var migration: String
    /// The longest time from one to the next that the policy means, in seconds.
    public var targetSeconds: Int?
    /// When the next has to be there.
    public var deadline: Timestamp?
    /// How long a run is expected to take, in seconds, from those that were.
    public var expectedSeconds: Int
    /// How much it is expected to ship.
    public var expectedBytes: Int
    /// When the next is expected to be there.
    public var expectedAt: Timestamp?
    /// The volumes, each with the newest state of its own: older than ``time`` where a run that brought
    /// the others did not bring it.
    public var volumes: [Volume] = []

    /// What a run has brought.
    public init(time: Timestamp, migration: String, expectedSeconds: Int, expectedBytes: Int) {
        self.time = time
        self.migration = migration
        self.expectedSeconds = expectedSeconds
        self.expectedBytes = expectedBytes
    }

    /// Reads the field `status.recoveryPoint`; nil without a time.
    public init?(_ json: JSON?) {
        func time(_ name: String) -> Timestamp? { json?[name]?.string.flatMap { Timestamp($0) } }
        guard let made = time("time") else { return nil }
        self.time = made
        self.migration = json?["migration"]?.string ?? ""
        self.targetSeconds = json?["target"]?.string.flatMap(GoDuration.seconds)
        self.deadline = time("deadline")
        self.expectedSeconds = json?["expectedDuration"]?.string.flatMap(GoDuration.seconds) ?? 0
        self.expectedBytes = json?["expectedBytes"]?.int ?? 0
        self.expectedAt = time("expectedAt")
        self.volumes = (json?["volumes"]?.array ?? []).compactMap { Volume($0) }
    }

    /// As it is written.
    public var json: JSON {
        var json: JSON = [
            "time": .string(self.time.description), "migration": .string(self.migration),
            "expectedDuration": .string(GoDuration.text(self.expectedSeconds)),
            "expectedBytes": JSON(self.expectedBytes),
        ]
        if !self.volumes.isEmpty { json.set(.array(self.volumes.map(\.json)), at: "volumes") }
        json.set(self.targetSeconds.map { .string(GoDuration.text($0)) }, at: "target")
        json.set(self.deadline.map { .string($0.description) }, at: "deadline")
        json.set(self.expectedAt.map { .string($0.description) }, at: "expectedAt")
        return json
    }
}
