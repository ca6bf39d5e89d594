// SPDX-License-Identifier: Apache-2.0

import Glibc
import Locks
import Sender
import TestSupport
import Testing
import VolumeStore

/// Cancelling where nobody answers.
@Suite(.timeLimit(.minutes(10))) struct EndToEndCancelTests {
    @Test func aRunToAHostThatNeverAnswersEndsWhenItIsCancelled() throws {
        let world = try World()
        let volume = try world.volume(size: 4096)
        // The kernel takes the connection; nobody ever answers the handshake.
        let (listening, port) = try Loopback.listen(backlog: 1)
        defer { close(listening) }
        world.route(through: port)
        let run = Replication(
            world.request(volume),
            threads: world.threads,
            environment: world.environment
        )
        let outcome = Locked<Result<ReplicationResult, any Error>?>(nil)
        let thread = try Joined {
            let result = Result { try run.run() }
            outcome.withLock { $0 = result }
        }
        while run.progress.phase != .connecting { sched_yield() }
        let begin = ContinuousClock.now
        run.cancel()
        thread.join()
        // A connection may take 10 s to be made: the run did not wait for that.
        #expect(begin.duration(to: .now) < .seconds(9))
        #expect(throws: ReplicationError.self) { try outcome.withLock { $0 }?.get() }
        let record = try volume.pair(World.destination)
        #expect(record.runs.map(\.outcome) == ["cancelled"])
    }
}
