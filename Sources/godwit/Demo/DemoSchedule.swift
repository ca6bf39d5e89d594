// SPDX-License-Identifier: Apache-2.0

import AgentAPI

/// The third part of the demonstration: a schedule keeps the copy fresh.
struct DemoSchedule {
    let stage: DemoStage

    func play() async throws {
        let east = "godwit --kubeconfig east/admin.kubeconfig -n shop"
        self.stage.headline("A schedule: every half hour; what is not due is asked for")
        try self.stage.shell(
            "\(east) create migrationschedule shop-dr -c west --namespaces shop --interval 30"
        )
        try self.stage.shell("\(east) trigger migrationschedule shop-dr --wait")
        let live = try await self.stage.livePath(of: "shop-db")
        try self.stage.shell("debugfs -w -R 'write row another-row' \(live) 2>/dev/null")
        try self.stage.shell("\(east) trigger migrationschedule shop-dr --wait")
        self.stage.headline("How old the copy is, how old it may become, and when the next comes")
        try self.stage.shell("\(east) get migrationschedules -o wide")
    }
}
