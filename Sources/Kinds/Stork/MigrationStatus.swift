// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// The words of a Migration's `status.stage`.
public enum MigrationStage: String, Hashable, Sendable, CaseIterable {
    case initial = ""
    case preExecRule = "PreExecRule"
    case postExecRule = "PostExecRule"
    case volumes = "Volumes"
    case applications = "Applications"
    case final = "Final"
}

/// The words of a Migration's `status.status`, and of the status of its volumes and resources.
public enum MigrationState: String, Hashable, Sendable, CaseIterable {
    case initial = ""
    case pending = "Pending"
    case inProgress = "InProgress"
    case failed = "Failed"
    case partialSuccess = "PartialSuccess"
    case successful = "Successful"
    /// Of a resource only: it was deleted at the destination.
    case purged = "Purged"

    init(_ json: JSON?) { self = json?.string.flatMap(Self.init(rawValue:)) ?? .initial }
}

/// An object that a Migration moved, or could not move.
public struct MigratedResource: Hashable, Sendable {
    /// Of the object.
    public var name: String
    /// Of the object; empty where its kind has none.
    public var namespace: String
    /// Of the object; `core` for the group without a name.
    public var group: String
    /// Of the object.
    public var version: String
    /// Of the object.
    public var kind: String
    /// How far it is.
    public var status: MigrationState
    /// A sentence about it.
    public var reason: String
    /// The ResourceTransformation that changed it; empty for none.
    public var transformedBy: String

    /// An object that is to be moved.
    public init(
        _ kind: GroupVersionKind,
        _ key: ObjectKey,
        _ status: MigrationState = .inProgress,
        reason: String = ""
    ) {
        self.name = key.name
        self.namespace = key.namespace
        self.group = kind.group.isEmpty ? "core" : kind.group
        self.version = kind.version
        self.kind = kind.kind
        self.status = status
        self.reason = reason
        self.transformedBy = ""
    }

    /// Reads an entry of `status.resources`; missing fields are empty.
    public init(_ json: JSON) {
        self.name = json["name"]?.string ?? ""
        self.namespace = json["namespace"]?.string ?? ""
        self.group = json["group"]?.string ?? ""
        self.version = json["version"]?.string ?? ""
        self.kind = json["kind"]?.string ?? ""
        self.status = MigrationState(json["status"])
        self.reason = json["reason"]?.string ?? ""
        self.transformedBy = json["transformedBy"]?.string ?? ""
    }

    /// As it is written.
    public var json: JSON {
        var json: JSON = [
            "name": .string(self.name), "namespace": .string(self.namespace),
            "group": .string(self.group), "version": .string(self.version),
            "kind": .string(self.kind), "status": .string(self.status.rawValue),
            "reason": .string(self.reason),
        ]
        if !self.transformedBy.isEmpty {
            json.set(.string(self.transformedBy), at: "transformedBy")
        }
        return json
    }
}

/// A volume that a Migration moves.
public struct MigratedVolume: Hashable, Sendable {
    /// How a volume is copied.
    public enum Transfer: String, Hashable, Sendable, CaseIterable {
        case full = "Full"
        case incremental = "Incremental"
    }

    /// The name of the claim.
    public var claim: String
    /// Of the claim.
    public var namespace: String
    /// The name of the volume, which is that of its PersistentVolume.
    public var volume: String
    /// How far it is.
    public var status: MigrationState
    /// A sentence about it.
    public var reason: String
    /// One word for why it failed, as the Migration's condition says it; empty where it has not.
    public var cause: String
    /// Of the transfer: the same in every attempt, so that an interrupted one goes on.
    public var taskID: String
    /// How it is copied; nil while that is not decided.
    public var transfer: Transfer?
    /// Why everything was copied; nil where it was not, and before the end.
    public var fullReason: FullCopyReason?
    /// The number of this copy among those of the volume to this destination; every seventh is full.
    public var run: Int?
    /// The number of the generation that is copied; nil before it is frozen.
    public var generation: Int?
    /// The frozen view that is copied, 32 hexadecimal digits; nil before it is frozen.
    public var snapshot: String?
    /// Bytes that must be looked at or sent; nil while that is not known.
    public var bytesTotal: Int?
    /// Bytes of ``bytesTotal`` that are done.
    public var bytesDone: Int?
    /// Bytes that went over the network, compressed, in both directions; nil before the end.
    public var bytesTransferred: Int?

    /// A volume whose copy begins.
    public init(claim: ObjectKey, volume: String, taskID: String) {
        self.init([:])
        self.claim = claim.name
        self.namespace = claim.namespace
        self.volume = volume
        self.taskID = taskID
        self.status = .inProgress
    }

    /// Reads an entry of `status.volumes`; missing fields are empty.
    public init(_ json: JSON) {
        self.claim = json["persistentVolumeClaim"]?.string ?? ""
        self.namespace = json["namespace"]?.string ?? ""
        self.volume = json["volume"]?.string ?? ""
        self.status = MigrationState(json["status"])
        self.reason = json["reason"]?.string ?? ""
        self.cause = json["cause"]?.string ?? ""
        self.taskID = json["taskId"]?.string ?? ""
        self.transfer = json["transfer"]?.string.flatMap(Transfer.init(rawValue:))
        self.fullReason = json["fullReason"]?.string.flatMap(FullCopyReason.init(rawValue:))
        self.run = json["run"]?.int
        self.generation = json["generation"]?.int
        self.snapshot = json["snapshot"]?.string
        self.bytesTotal = json["bytesTotal"]?.int
        self.bytesDone = json["bytesDone"]?.int
        self.bytesTransferred = json["bytesTransferred"]?.int
    }

    /// As it is written.
    public var json: JSON {
        var json: JSON = [
            "persistentVolumeClaim": .string(self.claim), "namespace": .string(self.namespace),
            "volume": .string(self.volume), "status": .string(self.status.rawValue),
            "reason": .string(self.reason),
        ]
        if !self.cause.isEmpty { json.set(.string(self.cause), at: "cause") }
        if !self.taskID.isEmpty { json.set(.string(self.taskID), at: "taskId") }
        json.set(self.transfer.map { .string($0.rawValue) }, at: "transfer")
        json.set(self.fullReason.map { .string($0.rawValue) }, at: "fullReason")
        json.set(self.run.map { JSON($0) }, at: "run")
        json.set(self.generation.map { JSON($0) }, at: "generation")
        json.set(self.snapshot.map { .string($0) }, at: "snapshot")
        json.set(self.bytesTotal.map { JSON($0) }, at: "bytesTotal")
        json.set(self.bytesDone.map { JSON($0) }, at: "bytesDone")
        json.set(self.bytesTransferred.map { JSON($0) }, at: "bytesTransferred")
        return json
    }
}

/// The status of a Migration.
public struct MigrationStatus: Hashable, Sendable {
    /// Where it is.
    public var stage: MigrationStage
    /// How it is going.
    public var status: MigrationState
    /// What is moved beside volumes.
    public var resources: [MigratedResource]
    /// The volumes.
    public var volumes: [MigratedVolume]
    /// When everything was done.
    public var finished: Timestamp?
    /// When the last volume was done.
    public var volumesFinished: Timestamp?
    /// When the last resource was done.
    public var resourcesFinished: Timestamp?
    /// The totals; nil before the end.
    public var summary: MigrationSummary?
    /// The instant whose state the volumes bring; nil before they are frozen.
    public var recoveryPoint: MigrationPoint?
    /// How often the volumes were frozen anew, after a freeze that could not be used.
    public var freezes: Int
    /// Which generation of the Migration was looked at.
    public var observedGeneration: Int
    /// `Succeeded`, and what else the controller says.
    public var conditions: [Condition]

    /// Reads the field `status`; nothing is the initial status.
    public init(_ json: JSON? = nil) {
        func time(_ name: String) -> Timestamp? { json?[name]?.string.flatMap { Timestamp($0) } }
        self.stage = json?["stage"]?.string.flatMap(MigrationStage.init(rawValue:)) ?? .initial
        self.status = MigrationState(json?["status"])
        self.resources = (json?["resources"]?.array ?? []).map { MigratedResource($0) }
        self.volumes = (json?["volumes"]?.array ?? []).map { MigratedVolume($0) }
        self.finished = time("finishTimestamp")
        self.volumesFinished = time("volumeMigrationFinishTimestamp")
        self.resourcesFinished = time("resourceMigrationFinishTimestamp")
        self.summary = json?["summary"].flatMap { $0.object == nil ? nil : MigrationSummary($0) }
        self.recoveryPoint = MigrationPoint(json?["recoveryPoint"])
        self.freezes = json?["freezes"]?.int ?? 0
        self.observedGeneration = json?["observedGeneration"]?.int ?? 0
        self.conditions = [Condition](json?["conditions"])
    }

    /// Whether nothing more will happen.
    public var isFinal: Bool { self.stage == .final }

    /// Volumes that arrived.
    public var volumesDone: Int { self.volumes.count { $0.status == .successful } }
    /// Resources that arrived.
    public var resourcesDone: Int { self.resources.count { $0.status == .successful } }

    /// As it is written, with the progress that follows from the volumes and resources.
    public var json: JSON {
        var json: JSON = [
            "stage": .string(self.stage.rawValue), "status": .string(self.status.rawValue),
            "resources": .array(self.resources.map(\.json)),
            "volumes": .array(self.volumes.map(\.json)), "progress": self.progress,
            "observedGeneration": JSON(self.observedGeneration),
            "conditions": .array(self.conditions.map(\.json)),
        ]
        for (name, time) in [
            ("finishTimestamp", self.finished),
            ("volumeMigrationFinishTimestamp", self.volumesFinished),
            ("resourceMigrationFinishTimestamp", self.resourcesFinished),
        ] {
            json.set(time.map { .string($0.description) }, at: name)
        }
        json.set(self.summary?.json, at: "summary")
        json.set(self.recoveryPoint?.json, at: "recoveryPoint")
        if self.freezes > 0 { json.set(JSON(self.freezes), at: "freezes") }
        return json
    }

    /// `done/total` for tables, and the bytes of the volumes.
    ///
    /// The share is that of the bytes while volumes are copied: it never goes beyond 100.
    private var progress: JSON {
        let total = self.volumes.reduce(0) { $0 + ($1.bytesTotal ?? 0) }
        let done = self.volumes.reduce(0) { $0 + min($1.bytesDone ?? 0, $1.bytesTotal ?? 0) }
        var progress: JSON = [
            "volumes": .string("\(self.volumesDone)/\(self.volumes.count)"),
            "resources": .string("\(self.resourcesDone)/\(self.resources.count)"),
            "bytesDone": JSON(done), "bytesTotal": JSON(total),
        ]
        if total > 0 {
            let share = Double(done) / Double(total) * 100
            progress.set(JSON(min(100, Int(share))), at: "percent")
        }
        return progress
    }
}

/// Durations as Stork writes them: `1h2m3s`, `5m0s`, `45s`.
public enum GoDuration {
    /// The text of whole seconds; `NA` where they are not known.
    public static func text(_ seconds: Int?) -> String {
        guard let seconds else { return "NA" }
        if seconds < 0 { return "-\(Self.text(-seconds))" }
        if seconds < 60 { return "\(seconds)s" }
        let minutes = seconds / 60
        return minutes < 60
            ? "\(minutes)m\(seconds % 60)s" : "\(minutes / 60)h\(minutes % 60)m\(seconds % 60)s"
    }

    /// The whole seconds of a text; nil where it is no duration, and for `NA`.
    public static func seconds(_ text: String) -> Int? {
        // By hand: a pattern is compiled anew at each call, and each look at a schedule calls.
        var rest = text[...]
        let isNegative = rest.first == "-"
        if isNegative { rest.removeFirst() }
        guard !rest.isEmpty else { return nil }
        var units = [("h", 3_600), ("m", 60), ("s", 1)][...]
        var seconds = 0
        while !rest.isEmpty {
            let digits = Self.takeDigits(&rest)
            guard digits.count <= 9, let number = Int(digits) else { return nil }
            var isFraction = false
            if rest.first == "." {
                rest.removeFirst()
                guard !Self.takeDigits(&rest).isEmpty else { return nil }
                isFraction = true
            }
            guard let unit = rest.popFirst(),
                let place = units.firstIndex(where: { $0.0 == String(unit) }),
                !isFraction || unit == "s"
            else { return nil }
            seconds += number * units[place].1
            units = units[(place + 1)...]
        }
        return isNegative ? -seconds : seconds
    }

    private static func takeDigits(_ rest: inout Substring) -> Substring {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        rest = rest[digits.endIndex...]
        return digits
    }
}
