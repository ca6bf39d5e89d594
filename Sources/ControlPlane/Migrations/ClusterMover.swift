// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// Moves objects from the cluster that the controllers look after to the destination.
struct ClusterMover: ResourceMoving {
    private let source: any ResourceCluster
    private let driver: any VolumeDriver

    init(source: KubernetesClient, driver: any VolumeDriver) {
        self.source = SharedLists(source, instant: source.environment.instant)
        self.driver = driver
    }

    func move(_ job: ResourceJob) async throws(Trouble) -> ResourceResult {
        let spec = MigrationSpec(job.migration["spec"])
        let options = CollectionOptions(spec, job)
        let volumes = DriverVolumes(driver: self.driver)
        let snapshot: SourceSnapshot
        let preparation: PreparationOptions
        do throws(ClusterError) {
            snapshot = try await SourceReader(self.source).read(options)
            preparation = try await self.preparation(spec, job)
        } catch { throw Trouble(source: error) }
        let collector = ResourceCollector(options, volumes: volumes, custom: snapshot.custom)
        var work = ApplyWork(
            collector.collect(snapshot.objects),
            support: snapshot.support,
            namespaces: options.namespaces,
            ResourcePreparation(preparation, volumes: volumes)
        )
        work.restoresReclaimPolicy = spec.includesVolumes
        return try await self.apply(work, snapshot, spec, job)
    }

    func publish(
        _ point: KubeObject,
        projectMappings: [String: String],
        to destination: KubernetesClient
    ) async throws(Trouble) {
        do throws(ClusterError) {
            let place = ObjectKey("", point.namespace)
            if try await destination.find(BuiltIn.namespaces, place) == nil,
                let namespace = try await self.source.find(BuiltIn.namespaces, place)
            {
                // As the objects' turn would make it, which comes later and leaves it alone then.
                var options = PreparationOptions(
                    migration: ObjectKey(
                        point.namespace,
                        point["spec", "migration"]?.string ?? ""
                    ),
                    time: Self.stamp(point["spec", "time"]?.string ?? "")
                )
                options.projectMappings = projectMappings
                let volumes = DriverVolumes(driver: self.driver)
                let prepared = ResourcePreparation(options, volumes: volumes).namespace(namespace)
                try await Self.make(prepared.object, at: destination)
            }
            _ = try await destination.apply(StorkResource.recoveryPoints, point)
        } catch { throw Trouble(destination: error) }
    }

    private static func make(
        _ namespace: KubeObject,
        at destination: KubernetesClient
    ) async throws(ClusterError) {
        do throws(ClusterError) {
            _ = try await destination.write(BuiltIn.namespaces, namespace)
        } catch {
            guard error.reason == .alreadyExists else { throw error }
        }
    }

    private func apply(
        _ work: ApplyWork,
        _ snapshot: SourceSnapshot,
        _ spec: MigrationSpec,
        _ job: ResourceJob
    ) async throws(Trouble) -> ResourceResult {
        let applier = ResourceApplier(job.destination, admin: job.adminDestination)
        let report = await applier.apply(work) { outcomes in
            await job.heard { outcomes().map(Self.entry) }
        }
        if let error = report.interruption { throw Trouble(destination: error) }
        if let failure = report.volumeFailure {
            let trouble = Trouble(.resourceRejected, failure, isPassing: false)
            return Self.result(report.outcomes, stop: trouble)
        }
        guard report.waiting.isEmpty else {
            throw Trouble(
                .resourceWaiting,
                "Error applying resource: \(report.waiting.prefix(3).joined(separator: "; "))",
                remedy: "look at that object at the destination; this goes on when it is free"
            )
        }
        var outcomes = report.outcomes
        if spec.purgesDeletedResources, !job.volumesOnly {
            do {
                outcomes += try await applier.purge(snapshot, namespaces: work.namespaces)
            } catch { throw Trouble(destination: error) }
        }
        return Self.result(outcomes, stop: nil)
    }

    private static func result(_ outcomes: [ResourceOutcome], stop: Trouble?) -> ResourceResult {
        var result = ResourceResult(stop: stop)
        for outcome in outcomes {
            let entry = Self.entry(outcome)
            result.entries.append(entry)
            result.notices.append(
                entry.status == .failed
                    ? .warning(entry.status.rawValue, outcome.notice)
                    : .normal(entry.status.rawValue, outcome.notice)
            )
        }
        return result
    }

    private static func entry(_ outcome: ResourceOutcome) -> MigratedResource {
        var entry = MigratedResource(
            outcome.kind,
            outcome.key,
            MigrationState(rawValue: outcome.status.rawValue) ?? .failed,
            reason: outcome.reason
        )
        entry.transformedBy = outcome.transformedBy
        return entry
    }

    // MARK: - How it is changed

    private func preparation(
        _ spec: MigrationSpec,
        _ job: ResourceJob
    ) async throws(ClusterError) -> PreparationOptions {
        var options = PreparationOptions(
            migration: job.migration.key,
            time: Self.stamp(job.migration.creationTimestamp ?? "")
        )
        options.startApplications = spec.startsApplications
        options.skipServiceUpdate = spec.skipsServiceUpdate
        options.projectMappings = job.projectMappings
        if let name = spec.transformSpecs.first {
            let key = ObjectKey(job.migration.namespace, name)
            guard let found = try await self.source.find(StorkResource.resourceTransformations, key)
            else { throw ClusterError(.notFound, "transformation \(key) not found") }
            do { options.transformation = try ResourceTransformation(found) } catch {
                throw ClusterError(.invalid, "transformation \(name): \(error)")
            }
        }
        options.registrations = try await ApplicationRegistration.known(in: self.source)
        return options
    }

    /// `2018-10-26T20:04:19Z` as `2018-10-26-200419`: of the Migration, so that passes agree.
    private static func stamp(_ time: String) -> String {
        String(time.compactMap { $0 == "T" ? "-" : $0 == ":" || $0 == "Z" ? nil : $0 })
    }
}

extension CollectionOptions {
    /// What a Migration asks for.
    init(_ spec: MigrationSpec, _ job: ResourceJob) {
        self.init(namespaces: job.namespaces)
        self.selectors = spec.selectors
        self.excludeSelectors = spec.excludeSelectors
        self.excludeResourceTypes = spec.excludeResourceTypes
        self.includeOptionalResourceTypes = spec.includeOptionalResourceTypes
        self.includeNetworkPolicyWithCIDR = spec.includesNetworkPolicyWithCIDR
        self.ignoreOwnerReferencesCheck = spec.ignoresOwnerReferences
        self.includeServiceAccounts = job.movesServiceAccounts
        self.volumesOnly = job.volumesOnly
    }
}
