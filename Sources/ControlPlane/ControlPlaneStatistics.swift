// SPDX-License-Identifier: Apache-2.0

public import KubernetesClient
import Locks

/// What controllers have done since their start, for their log and for measurements.
///
/// docs/controllers.md names each figure.
public final class ControlPlaneStatistics: Sendable {
    private struct Looks {
        var waits = LatencyHistogram()
        var durations = LatencyHistogram()
        var failures = 0
    }

    /// The cluster that they look after, once there is one.
    private let own = Locked(RequestTally())
    /// The API servers of all destinations together.
    let remote = RequestTally()
    private let looks = Locked<[String: Looks]>([:])

    /// Nothing yet.
    public init() {}

    /// Requests to the cluster that they look after.
    public var ownRequests: RequestCounts { self.own.withLock { $0 }.counts }

    /// Requests to the destinations.
    public var remoteRequests: RequestCounts { self.remote.counts }

    /// Looks at objects that have ended, of every kind.
    public var lookCount: Int {
        self.looks.withLock { $0.values.reduce(0) { $0 + $1.durations.count } }
    }

    func watch(_ client: KubernetesClient) {
        self.own.withLock { $0 = client.tally }
    }

    /// Counts one look at one object.
    ///
    /// - Parameters:
    ///   - controller: whose.
    ///   - waited: from when it was due until a worker was free.
    ///   - took: from then until its end.
    ///   - hasFailed: whether it has to be done again.
    func looked(_ controller: String, waited: Duration, took: Duration, hasFailed: Bool) {
        self.looks.withLock { looks in
            looks[controller, default: Looks()].waits.add(waited)
            looks[controller, default: Looks()].durations.add(took)
            if hasFailed { looks[controller, default: Looks()].failures += 1 }
        }
    }

    /// Every figure under its name, as the log has it.
    public var facts: [String: String] {
        var facts: [String: String] = [:]
        for (place, counts) in [("own", self.ownRequests), ("remote", self.remoteRequests)] {
            for verb in RequestCounts.Verb.allCases where counts[verb] > 0 {
                facts["\(place).\(verb.rawValue)"] = "\(counts[verb])"
            }
        }
        for (controller, looks) in self.looks.withLock({ $0 }) {
            facts["\(controller).looks"] = "\(looks.durations.count)"
            facts["\(controller).failures"] = "\(looks.failures)"
            for (name, times) in [("look", looks.durations), ("wait", looks.waits)] {
                for (text, share) in [("p50", 0.5), ("p99", 0.99)] {
                    facts["\(controller).\(name).\(text).seconds"] = Self.text(
                        times.seconds(ofShare: share)
                    )
                }
            }
        }
        return facts
    }

    /// Tenths of a millisecond: more is not known.
    private static func text(_ seconds: Double) -> String {
        "\((seconds * 10_000).rounded() / 10_000)"
    }
}
