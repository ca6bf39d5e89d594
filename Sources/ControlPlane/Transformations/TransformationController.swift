// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel

/// Says of each ResourceTransformation whether a Migration may use it.
///
/// Each generation is tried once; one that failed is tried again once a minute, because an object, a
/// kind or a right that was missing may have come.
final class TransformationController: Sendable {
    /// As `metadata.managedFields` names it.
    static let manager = "godwit-transformation"

    private static let retry = Duration.seconds(60)

    private let shell: ControllerShell
    private let trial: TransformationTrial
    private let writer: ObjectWriter
    /// When each was tried last, by the clock that nobody sets.
    private let tried = Locked<[ObjectKey: Duration]>([:])

    init(shell: ControllerShell, cluster: any ResourceCluster) {
        self.shell = shell
        self.trial = TransformationTrial(cluster: cluster)
        self.writer = ObjectWriter(
            cluster: shell.cluster,
            resource: shell.resource,
            manager: Self.manager
        )
    }

    /// One look at one ResourceTransformation.
    func reconcile(_ key: ObjectKey) async throws -> Requeue {
        guard let object = self.shell.object(key), !object.isBeingDeleted else {
            self.tried.withLock { $0[key] = nil }
            return .onChange
        }
        let former = TransformationStatus(object["status"])
        if former.observedGeneration == object.generation {
            if former.isReady { return .onChange }
            let now = self.shell.environment.elapsed()
            let last = self.tried.withLock { $0[key] }
            if let last, now - last < Self.retry { return .after(last + Self.retry - now) }
        }
        let verdict = try await self.trial.verdict(on: object)
        self.tried.withLock { $0[key] = self.shell.environment.elapsed() }
        var status = former
        status.take(verdict, generation: object.generation, now: self.shell.environment.now())
        let written = try await self.writer.write(status: status.json, of: object)
        self.shell.note(written, insteadOf: object)
        if written.resourceVersion != object.resourceVersion {
            await self.shell.tell(object, verdict.notice)
        }
        return verdict.isReady ? .onChange : .after(Self.retry)
    }
}

/// The status of a ResourceTransformation.
struct TransformationStatus: Hashable, Sendable {
    /// Stork's words.
    enum Word: String, Hashable, Sendable {
        case ready = "Ready"
        case failed = "Failed"
    }

    private(set) var word: Word?
    private(set) var observedGeneration: Int
    private var conditions: [Condition]
    private var resources: [JSON]

    /// Reads the field `status`; nothing is the initial status.
    init(_ json: JSON?) {
        self.word = json?["status"]?.string.flatMap(Word.init(rawValue:))
        self.observedGeneration = json?["observedGeneration"]?.int ?? 0
        self.conditions = [Condition](json?["conditions"])
        self.resources = json?["resources"]?.array ?? []
    }

    /// Whether a Migration may use it.
    var isReady: Bool { self.word == .ready }

    /// Takes in what was found.
    mutating func take(_ verdict: TransformationVerdict, generation: Int, now: Timestamp) {
        self.word = verdict.isReady ? .ready : .failed
        self.observedGeneration = generation
        self.resources = verdict.tried.map(\.json)
        self.conditions.set(verdict.finding, generation: generation, now: now)
    }

    /// As it is written.
    var json: JSON {
        [
            "status": .string(self.word?.rawValue ?? ""),
            "observedGeneration": JSON(self.observedGeneration),
            "conditions": .array(self.conditions.map(\.json)),
            "resources": .array(self.resources),
        ]
    }
}

extension TransformationVerdict {
    private static let refused = "ObjectsRefused"

    /// What the condition says.
    var finding: Finding {
        if let fault = self.fault {
            return Finding(ConditionType.ready, .no, fault.reason.rawValue, fault.text)
        }
        guard let first = self.refusals.first else {
            let rest = self.untried == 0 ? "" : "; \(self.untried) more were not tried"
            return Finding(
                ConditionType.ready,
                .yes,
                TransformationStatus.Word.ready.rawValue,
                "\(self.tried.count) objects of this namespace can be changed so\(rest)."
            )
        }
        return Finding(
            ConditionType.ready,
            .no,
            Self.refused,
            "\(self.refusals.count) of \(self.tried.count) objects cannot be changed so. "
                + "\(first.kind.kind) \(first.key): \(first.refusal ?? "") Try: correct the paths, or "
                + "leave these objects out by selectors"
        )
    }

    /// What is worth an event.
    var notice: Notice {
        let finding = self.finding
        return self.isReady
            ? .normal(finding.reason, finding.message)
            : .warning(TransformationStatus.Word.failed.rawValue, finding.message)
    }
}

extension TransformationVerdict.Tried {
    /// An entry of `status.resources`.
    fileprivate var json: JSON {
        let word = self.refusal == nil ? TransformationStatus.Word.ready : .failed
        return [
            "name": .string(self.key.name), "namespace": .string(self.key.namespace),
            "group": .string(self.kind.group.isEmpty ? "core" : self.kind.group),
            "version": .string(self.kind.version), "kind": .string(self.kind.kind),
            "status": .string(word.rawValue),
            "reason": .string(self.refusal ?? self.remark),
        ]
    }
}
