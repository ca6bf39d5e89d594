// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import KubernetesClient
import ObjectModel

@testable import ControlPlane

/// What a Migration has left behind, without what differs from run to run: two of them are equal
/// when nobody can tell the runs apart.
struct EndState: Equatable, Sendable {
    /// Texts by what they are of.
    private(set) var parts: [String: String] = [:]

    /// Fields that a server or the clock chooses, and names made of them.
    private static let chosen: Set<String> = [
        "uid", "resourceVersion", "creationTimestamp", "managedFields", "lastTransitionTime",
        "lastUpdateTime", "clusterIP", "clusterIPs", "nodePort", "taskId", "bytesTransferred",
        "totalBytesMigrated", "finishTimestamp", "volumeMigrationFinishTimestamp",
        "resourceMigrationFinishTimestamp", "elapsedTimeForVolumeMigration",
        "elapsedTimeForResourceMigration", StorkNames.Annotation.migrationTime.key,
        StorkNames.Annotation.resourceHash.key,
    ]

    /// The state of a namespace, which is called the same in every state, after its Migration's end.
    init(
        of namespace: String,
        at destination: Site,
        after status: MigrationStatus
    ) async throws {
        self.add(status, namespace)
        for resource in try await destination.client.discover() where resource.kind != "Event" {
            let objects = try await destination.client.list(
                resource,
                namespace: resource.isNamespaced ? namespace : nil
            )
            for object in objects.items where object.isMigrated {
                let owner = object["spec", "claimRef", "namespace"]?.string ?? object.name
                guard resource.isNamespaced || owner == namespace else { continue }
                let name = "\(object.kind) \(object.name)"
                self.parts[name.replacing(namespace, with: "NS")] = Self.text(
                    object.json,
                    namespace
                )
            }
        }
    }

    private static func text(_ json: JSON, _ namespace: String) -> String {
        Self.plain(json).compact.replacing(namespace, with: "NS")
    }

    private static func plain(_ json: JSON) -> JSON {
        switch json {
        case .object(let fields):
            .object(fields.filter { !Self.chosen.contains($0.key) }.mapValues(Self.plain))
        case .array(let elements): .array(elements.map(Self.plain))
        case .null, .bool, .number, .string: json
        }
    }

    private mutating func add(_ status: MigrationStatus, _ namespace: String) {
        var status = status
        status.resources.sort { "\($0.kind) \($0.name)" < "\($1.kind) \($1.name)" }
        var transfers: [String] = []
        for index in status.volumes.indices {
            let volume = status.volumes[index]
            transfers.append(
                "\(volume.claim) \(volume.transfer?.rawValue ?? "-") \(volume.fullReason?.rawValue ?? "-")"
            )
            status.volumes[index].transfer = nil
            status.volumes[index].fullReason = nil
            status.volumes[index].run = nil
            status.volumes[index].generation = nil
            status.volumes[index].snapshot = nil
        }
        // When, and at which try, the volumes were frozen is another matter in each run.
        status.recoveryPoint = nil
        status.freezes = 0
        self.parts["status"] = Self.text(status.json, namespace)
        self.parts["transfers"] = transfers.joined(separator: ", ")
    }

    /// Without the kinds of transfer: after a copy that was cancelled, and had come to its end before,
    /// the next one is incremental.
    var withoutTransfers: EndState {
        var state = self
        state.parts["transfers"] = nil
        return state
    }

    /// What differs, line by line.
    func difference(from other: EndState) -> String {
        Set(self.parts.keys).union(other.parts.keys).sorted()
            .filter { self.parts[$0] != other.parts[$0] }
            .map { "\($0):\n  \(self.parts[$0] ?? "-")\n  \(other.parts[$0] ?? "-")" }
            .joined(separator: "\n")
    }
}
