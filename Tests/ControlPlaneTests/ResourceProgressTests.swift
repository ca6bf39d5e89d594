// SPDX-License-Identifier: Apache-2.0

import Kinds
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

/// How far the objects of a Migration are, while they are made.
@Suite(.timeLimit(.minutes(10))) struct ResourceProgressTests {
    private let stage = ControllerStage()

    /// Each write of progress carries every object: one for each object would be quadratic.
    @Test func theProgressOfAThousandObjectsIsWrittenEveryTenSeconds() async throws {
        self.stage.prepare(claims: [])
        self.stage.putMigration()
        let entries = (0..<1000)
            .map { number in
                MigratedResource(
                    GroupVersionKind("", "v1", "ConfigMap"),
                    ObjectKey("db", "c-\(number)"),
                    .inProgress
                )
            }
        let (stage, asked, shown) = (self.stage, Locked(0), Locked<[Int]>([]))
        stage.mover.during.withLock {
            $0 = { job in
                for done in 1...1000 {
                    // A hundred seconds in all.
                    if done % 10 == 0 { stage.seconds.withLock { $0 += 1 } }
                    await job.heard {
                        asked.withLock { $0 += 1 }
                        var now = entries
                        for index in 0..<done { now[index].status = .successful }
                        return now
                    }
                    let told = stage.migration.resources.count { $0.status == .successful }
                    shown.withLock { if $0.last ?? 0 != told { $0.append(told) } }
                }
            }
        }
        try await stage.look(stage.migrationController(), limit: 1)
        #expect(asked.withLock { $0 } == 10)
        #expect(shown.withLock { $0 } == [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000])
        #expect(stage.migration.isFinal, "the last write is over the newest version")
    }
}
