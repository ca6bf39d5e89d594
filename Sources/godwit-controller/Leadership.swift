// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import Locks

/// The part of a process in the election of the one that works, and how it leaves it.
final class Leadership: Sendable {
    /// How long the work under way may take to stop; a pod is killed after 30 s.
    private static let drain = Duration.seconds(10)

    private let election = Locked<LeaseElection?>(nil)

    /// Takes part, and works while no other process does.
    ///
    /// - Throws: what `work` throws, `CancellationError`.
    func take(
        part election: LeaseElection,
        onTrouble: @escaping @Sendable (ClusterError) -> Void,
        _ work: @escaping @Sendable () async throws -> Void
    ) async throws {
        self.election.withLock { $0 = election }
        try await election.run(onTrouble: onTrouble, work)
    }

    /// Ends the work and gives the Lease back, so that the next process need not wait it out.
    ///
    /// The end is ``take(part:onTrouble:_:)`` returning. This returns at once where no part is taken,
    /// and else after ten seconds: what has not ended then is to be cancelled.
    ///
    /// - Throws: `CancellationError`.
    func leave() async throws {
        guard let election = self.election.withLock({ $0 }) else { return }
        election.stop()
        try await Composition.environment.wait(Self.drain)
    }
}
