// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// What is moved to where, once the volumes are there.
struct ResourceJob: Sendable {
    /// The Migration as it is now.
    var migration: KubeObject
    /// The namespaces that exist.
    var namespaces: [String]
    /// Whether PersistentVolumes and claims alone move.
    var volumesOnly: Bool
    /// Whether service accounts move; the documents say no.
    var movesServiceAccounts = false
    /// Projects of the source and those of the destination, as the pair maps them.
    var projectMappings: [String: String] = [:]
    /// The API server of the destination.
    var destination: KubernetesClient
    /// For objects without a namespace; the same where no `adminClusterPair` is named.
    var adminDestination: KubernetesClient
    /// Hears of each object that has come to its end; asks for the entries when it wants them.
    var heard: @Sendable (@Sendable () -> [MigratedResource]) async -> Void = { _ in }
}

/// What the objects came to.
struct ResourceResult: Sendable {
    /// Entries of `status.resources`.
    var entries: [MigratedResource] = []
    /// One for each object.
    var notices: [Notice] = []
    /// Why the Migration has to end here; nil where it does not.
    var stop: Trouble?
}

/// Moves the objects of a Migration: collects, prepares, applies, purges.
protocol ResourceMoving: Sendable {
    /// Moves them; again after a crash, what is there already and equal is left alone.
    ///
    /// - Throws: ``Trouble`` that concerns them all: the stage is tried again.
    func move(_ job: ResourceJob) async throws(Trouble) -> ResourceResult

    /// Makes a RecoveryPoint at the destination, and its namespace where that is not there yet; one
    /// that is there is success.
    ///
    /// - Parameters:
    ///   - point: the RecoveryPoint.
    ///   - projectMappings: projects of the source and those of the destination.
    ///   - destination: where it is made.
    /// - Throws: ``Trouble`` of the destination.
    func publish(
        _ point: KubeObject,
        projectMappings: [String: String],
        to destination: KubernetesClient
    ) async throws(Trouble)
}
