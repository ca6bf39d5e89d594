// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// How far the applications of a rehearsal are.
enum DrillReadiness: Hashable, Sendable {
    /// Nobody in this cluster makes pods of workloads, as in an embedded one.
    case noPods
    /// All of so many.
    case ready(Int)
    /// What is not ready, with numbers.
    case unready(String)

    /// Named at most.
    private static let named = 5

    /// Decides: pure.
    ///
    /// - Parameters:
    ///   - originals: the workloads of which copies were made.
    ///   - copies: the workloads of the rehearsal.
    init(originals: [KubeObject], copies: [KubeObject]) {
        // Who makes pods notes on each workload what it has seen of it; the originals have been
        // there for long.
        guard (originals + copies).contains(where: { $0.observed != nil }) else {
            self = .noPods
            return
        }
        let unready = copies.compactMap(\.lacking)
        guard !unready.isEmpty else {
            self = .ready(copies.count)
            return
        }
        let rest = unready.count - Self.named
        self = .unready(
            unready.prefix(Self.named).joined(separator: ", ")
                + (rest > 0 ? " and \(rest) more" : "")
        )
    }
}

extension KubeObject {
    fileprivate var observed: Int? { self["status", "observedGeneration"]?.int }

    /// What a workload lacks to be ready; nil where it is.
    fileprivate var lacking: String? {
        let isEverywhere = self.kind == "DaemonSet"
        let wanted =
            isEverywhere
            ? self["status", "desiredNumberScheduled"]?.int ?? 0
            : self["spec", "replicas"]?.int ?? 1
        let ready =
            self["status", isEverywhere ? "numberReady" : "readyReplicas"]?.int ?? 0
        let isSeen = (self.observed ?? 0) >= self.generation
        guard !isSeen || ready < wanted else { return nil }
        return "\(self.kind) \(self.key): "
            + (isSeen ? "\(ready) of \(wanted) pods are ready" : "it has not been looked at yet")
    }
}

extension Drill {
    private static let workloads = ["Deployment", "StatefulSet", "DaemonSet"]

    /// Looks whether what was started is ready.
    func readiness() async throws(ClusterError) -> DrillReadiness {
        let kinds = ServedKinds(try await self.cluster.served())
        var originals: [KubeObject] = []
        var copies: [KubeObject] = []
        for kind in Self.workloads {
            guard let resource = kinds.resource(GroupKind("apps", kind)) else { continue }
            for namespace in self.facts.namespaces {
                originals += try await self.cluster.listed(resource, namespace: namespace)
                    .filter(\.isMigrated)
                copies += try await self.cluster.listed(resource, namespace: self.place(namespace))
                    .filter { $0.annotations[Self.mark] == self.action.uid }
            }
        }
        return DrillReadiness(originals: originals, copies: copies)
    }
}
