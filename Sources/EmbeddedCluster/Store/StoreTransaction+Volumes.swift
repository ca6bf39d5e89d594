// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import ObjectModel

extension StoreTransaction {
    /// Settles volumes and claims that changed.
    ///
    /// - Returns: how many were looked at.
    func settleVolumes(limit: Int) throws -> Int {
        let rows = try Row.fetchAll(
            self.database,
            sql: "SELECT resource, namespace, name FROM unsettled LIMIT ?",
            arguments: [limit]
        )
        for row in rows {
            let resource: String = row["resource"]
            let key = ObjectKey(row["namespace"], row["name"])
            try self.execute(
                "DELETE FROM unsettled WHERE resource = ? AND namespace = ? AND name = ?",
                [resource, key.namespace, key.name]
            )
            guard let object = try self.object(resource, key) else { continue }
            let decision =
                resource == VolumeBinder.claims
                ? VolumeBinder.decide(claim: object, volume: try self.volume(of: object))
                : VolumeBinder.decide(volume: object, claim: try self.claim(of: object))
            if let volume = decision.volume {
                let former = try self.object(VolumeBinder.volumes, volume.key)
                try self.put(volume, in: VolumeBinder.volumes, former: former)
            }
            if let claim = decision.claim {
                let former = try self.object(VolumeBinder.claims, claim.key)
                try self.put(claim, in: VolumeBinder.claims, former: former)
            }
        }
        return rows.count
    }

    /// The volume that a claim names, or else one that names the claim.
    private func volume(of claim: KubeObject) throws -> KubeObject? {
        if let name = claim["spec", "volumeName"]?.string, !name.isEmpty {
            return try self.object(VolumeBinder.volumes, ObjectKey("", name))
        }
        return try self.first(
            VolumeBinder.volumes,
            [("spec.claimRef.namespace", claim.namespace), ("spec.claimRef.name", claim.name)]
        )
    }

    /// The claim that a volume names, or else one that names the volume.
    private func claim(of volume: KubeObject) throws -> KubeObject? {
        guard let reference = volume["spec", "claimRef"] else {
            return try self.first(VolumeBinder.claims, [("spec.volumeName", volume.name)])
        }
        guard let namespace = reference["namespace"]?.string, let name = reference["name"]?.string
        else { return nil }
        return try self.object(VolumeBinder.claims, ObjectKey(namespace, name))
    }

    /// The first object of a kind with these texts at paths of keys.
    ///
    /// It looks at every object: only for what names its other half one way.
    private func first(
        _ resource: String,
        _ texts: [(path: String, value: String)]
    ) throws -> KubeObject? {
        var sql = "SELECT body FROM object WHERE resource = ?"
        var arguments: StatementArguments = [resource]
        for (path, value) in texts {
            sql += " AND json_extract(CAST(body AS TEXT), ?) = ?"
            arguments += ["$.\(path)", value]
        }
        sql += " ORDER BY namespace, name LIMIT 1"
        return try Data.fetchOne(self.database, sql: sql, arguments: arguments)
            .map { body in try KubeObject(stored: body) }
    }
}
