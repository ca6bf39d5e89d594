// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// The table of manifests on an API server, as the schemas in Swift decide about it elsewhere.
@Suite(.enabled(if: TestClusters.areGiven, TestClusters.reason))
struct ManifestTableTests {
    private let cluster: TestCluster
    /// Whether the server has the rules in CEL; those before 1.25 cannot have them.
    private let hasRules: Bool

    init() throws {
        self.cluster = try TestClusters().a
        self.hasRules =
            try self.cluster
            .kubectl(
                "get",
                "customresourcedefinition",
                "migrations.stork.libopenstorage.org",
                "--output",
                "json"
            )
            .contains("x-kubernetes-validations")
    }

    @Test func theServerRefusesWhatTheTableRefusesAndNothingElse() throws {
        let place = try TemporaryDirectory()
        let path = "\(place.path)/manifest.yaml"
        for entry in ManifestCase.all where entry.old == nil {
            try entry.manifest.write(toFile: path, atomically: false, encoding: .utf8)
            let complaint = self.cluster.complaint("create", "--dry-run=server", "-f", path)
            if entry.needsRules {
                guard self.hasRules else {
                    #expect(complaint == nil, "\(entry)")
                    continue
                }
                let says = complaint?.contains(entry.refusal ?? "") == true
                #expect(says, "\(entry): \(complaint ?? "accepted")")
            } else {
                // The server words it in its own way; what counts is who is refused.
                let isAsTold = (complaint == nil) == (entry.refusal == nil)
                #expect(isAsTold, "\(entry): \(complaint ?? "accepted")")
            }
        }
    }

    @Test func theServerRefusesChangesOfWhatIsFixed() throws {
        let place = try TemporaryDirectory()
        let path = "\(place.path)/manifest.yaml"
        for entry in ManifestCase.all {
            guard let old = entry.old else { continue }
            let namespace = try self.cluster.newNamespace()
            try old.write(toFile: path, atomically: false, encoding: .utf8)
            try self.cluster.kubectl("apply", "-n", namespace, "-f", path)
            try entry.manifest.write(toFile: path, atomically: false, encoding: .utf8)
            let complaint = self.cluster.complaint("apply", "-n", namespace, "-f", path)
            let isRefused = entry.refusal != nil && self.hasRules
            #expect((complaint != nil) == isRefused, "\(entry): \(complaint ?? "accepted")")
        }
    }
}
