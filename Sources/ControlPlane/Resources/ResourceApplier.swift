// SPDX-License-Identifier: Apache-2.0

public import Foundation
import KubernetesClient
import ObjectModel

/// What a pass needs beside clusters: the time, and a way to let time pass.
public struct ApplyEnvironment: Sendable {
    let now: @Sendable () -> Date
    let pause: @Sendable (Duration) async throws -> Void

    /// A clock and a pause; the pause throws when the task is cancelled.
    public init(
        now: @escaping @Sendable () -> Date,
        pause: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.pause = pause
    }

    /// The clocks of the machine.
    public static let system = Self(
        now: { Date() },
        pause: { try await ContinuousClock().sleep(for: $0) }
    )
}

/// Brings objects to a destination: performs what ``ObjectPlan`` and ``VolumePlan`` decide.
///
/// Every step begins from what the destination has, so a pass may be repeated, or begun again after a
/// crash at any point: what is there and equal is not touched. Objects of one phase are written side
/// by side, the phases one after another. A cancelled pass leaves what it has done, and reports an
/// interruption.
public struct ResourceApplier: Sendable {
    let destination: any ResourceCluster
    let admin: any ResourceCluster
    let environment: ApplyEnvironment
    let limits: ApplyLimits

    /// An applier for one destination.
    ///
    /// - Parameters:
    ///   - destination: for objects that live in namespaces.
    ///   - admin: for those that do not; nil for the same.
    ///   - environment: clock and pause.
    ///   - limits: the bounds.
    public init(
        _ destination: any ResourceCluster,
        admin: (any ResourceCluster)? = nil,
        environment: ApplyEnvironment = .system,
        limits: ApplyLimits = ApplyLimits()
    ) {
        self.destination = destination
        self.admin = admin ?? destination
        self.environment = environment
        self.limits = limits
    }

    /// Brings everything to the destination.
    ///
    /// - Parameters:
    ///   - work: what to bring.
    ///   - listener: hears how far it is.
    /// - Returns: what became of each object; never an error: what cannot be used is an interruption.
    public func apply(
        _ work: ApplyWork,
        listener: @escaping ApplyListener = { _ in }
    ) async -> ApplyReport {
        var pass = ApplyPass(self, work, listener)
        do {
            try await pass.run()
        } catch {
            pass.report.interruption = error
        }
        return pass.finished()
    }

    /// The cluster that serves a kind to us.
    func cluster(_ resource: APIResource) -> any ResourceCluster {
        resource.isNamespaced ? self.destination : self.admin
    }

    /// Lets time pass; a cancelled task is an interruption.
    func wait() async throws(ClusterError) {
        do { try await self.environment.pause(self.limits.pause) } catch {
            throw ClusterError(.cancelled, "the pass was cancelled")
        }
    }
}

/// What became of one object in this pass.
enum ObjectEnd: Sendable {
    case success(KubeObject?, note: String)
    case failure(String)
    /// The server, as far as we know it, does not serve the kind.
    case unserved(String)
    case waiting(String)

    static let success = Self.success(nil, note: "")

    /// Why the object could not be brought; nil where it was, or may be yet.
    var failure: String? {
        switch self {
        case .success, .waiting: nil
        case .failure(let reason), .unserved(let reason): reason
        }
    }
}

/// One pass over the objects of a Migration.
struct ApplyPass {
    let applier: ResourceApplier
    let work: ApplyWork
    let plan: ObjectPlan
    var kinds = ServedKinds([])
    var report = ApplyReport()
    let ends: ApplyEnds
    private let listener: ApplyListener
    /// Whether ``kinds`` were asked for in this pass.
    private var areKindsNew = false
    /// Why nothing of a namespace, or of a kind, can be made.
    var failedNamespaces: [String: String] = [:]
    var failedKinds: [GroupKind: String] = [:]

    init(_ applier: ResourceApplier, _ work: ApplyWork, _ listener: @escaping ApplyListener) {
        self.applier = applier
        self.work = work
        self.ends = ApplyEnds(work)
        self.listener = listener
        self.plan = ObjectPlan(namespaces: work.namespaces)
    }

    mutating func run() async throws(ClusterError) {
        self.kinds = ServedKinds(try await self.applier.destination.served())
        try await self.makeSupport()
        try await self.applyVolumes(restoring: false)
        // Without its volume an application must not begin: the Migration fails here.
        if self.report.volumeFailure != nil { return }
        for (_, resources) in self.work.byPhase { try await self.applyAll(resources) }
        try await self.restoreOwners()
        if self.report.waiting.isEmpty { try await self.applyVolumes(restoring: true) }
    }

    // MARK: What others need

    private mutating func makeSupport() async throws(ClusterError) {
        let needed = self.work.support.sorted {
            ApplyPhase.comesBefore($0.object, $1.object)
        }
        for prepared in needed {
            let end = try await self.applier.bring(prepared, nil, self.plan, self.kinds, [])
            let object = prepared.object
            let kind = GroupKind(object.groupVersionKind)
            switch end {
            case .success: continue
            case .waiting(let reason): self.report.waiting.append(reason)
            case .failure(let reason), .unserved(let reason):
                if kind == SupportKind.namespace { self.failedNamespaces[object.name] = reason }
                if kind == SupportKind.definition, let custom = CustomKinds.kind(definedBy: object)
                {
                    self.failedKinds[custom] =
                        "the destination does not know the kind \(custom.kind), and its "
                        + "CustomResourceDefinition \(object.name) could not be made there: "
                        + "\(reason); install it there"
                }
            // A claim that is bound works without its class, and only administrators may make one.
            }
        }
        let custom = Set(
            needed.compactMap { CustomKinds.kind(definedBy: $0.object) }
                .filter { self.failedKinds[$0] == nil }
        )
        try await self.awaitKinds(custom)
    }

    /// A new kind is served a moment after its definition is there.
    private mutating func awaitKinds(_ wanted: Set<GroupKind>) async throws(ClusterError) {
        for attempt in 0...self.applier.limits.pauses {
            if wanted.allSatisfy({ self.kinds.resource($0) != nil }) { return }
            if attempt > 0 { try await self.applier.wait() }
            try await self.renewKinds()
        }
    }

    private mutating func renewKinds() async throws(ClusterError) {
        self.kinds = ServedKinds(try await self.applier.destination.served(isNew: true))
        self.areKindsNew = true
    }

    // MARK: Objects

    mutating func applyAll(_ resources: [PreparedResource]) async throws(ClusterError) {
        let unserved = try await self.applyKnown(resources)
        guard !unserved.isEmpty, !self.areKindsNew else { return }
        // What we know of the server may be a minute old.
        try await self.renewKinds()
        _ = try await self.applyKnown(unserved)
    }

    /// - Returns: those whose kinds the server, as far as we know it, does not serve.
    private mutating func applyKnown(
        _ resources: [PreparedResource]
    ) async throws(ClusterError) -> [PreparedResource] {
        let known = try await self.applier.known(resources, self.kinds)
        let owned = self.work.pairs.map(\.claim).filter { !$0.owners.isEmpty }
        let (applier, plan, kinds) = (self.applier, self.plan, self.kinds)
        let (namespaces, failed) = (self.failedNamespaces, self.failedKinds)
        let (told, listener) = (self.ends, self.listener)
        let ends = try await applier.sideBySide(resources) { prepared throws(ClusterError) in
            let object = prepared.object
            if let reason = namespaces[object.namespace]
                ?? failed[GroupKind(object.groupVersionKind)]
            {
                return ObjectEnd.failure(reason)
            }
            let existing = known[ResourceName(object)]
            let end = try await applier.bring(prepared, existing, plan, kinds, owned)
            told.set(ResourceName(object), end)
            await listener { told.outcomes }
            return end
        }
        var unserved: [PreparedResource] = []
        for (prepared, end) in zip(resources, ends) {
            self.ends.set(ResourceName(prepared.object), end)
            switch end {
            case .waiting(let reason): self.report.waiting.append(reason)
            case .unserved: unserved.append(prepared)
            case .success, .failure: continue
            }
        }
        return unserved
    }

    /// The report with one outcome for each object; what was not reached is in progress.
    consuming func finished() -> ApplyReport {
        var report = self.report
        report.outcomes = self.ends.outcomes
        return report
    }
}

/// Which object of which kind; the version does not count.
struct ResourceName: Hashable, Sendable {
    let kind: GroupKind
    let key: ObjectKey

    init(_ object: KubeObject) {
        self.kind = GroupKind(object.groupVersionKind)
        self.key = object.key
    }
}
