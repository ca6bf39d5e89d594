// SPDX-License-Identifier: Apache-2.0

import AgentAPI

/// The last part of the demonstration: a rehearsal, a failover, and the way back.
struct DemoFailover {
    let stage: DemoStage

    private static let east = "godwit --kubeconfig east/admin.kubeconfig"
    private static let west = "godwit --kubeconfig west/admin.kubeconfig"

    func play() async throws {
        try self.rehearse()
        try await self.failOver()
        try await self.goBack()
    }

    private func rehearse() throws {
        self.stage.headline("A rehearsal: clones, checked and started in a namespace beside it")
        try self.stage.shell("\(Self.west) -n shop perform drill -m shop-dr --wait")
    }

    private func failOver() async throws {
        let stage = self.stage
        stage.headline("A pair back, so that the source can be stopped, and asked for what is new")
        try stage.shell(
            "\(Self.east) --agent source generate clusterpair west -n shop "
                + "| \(Self.west) apply -f -"
        )
        try stage.shell("\(Self.west) -n shop wait clusterpair west")
        stage.headline("A row that no run has brought; then the failover, at the destination")
        try await self.addRow("last-row", at: "source")
        try stage.shell("\(Self.west) -n shop perform failover -m shop-dr --yes --wait")
        try stage.shell("\(Self.west) -n shop get failover")
    }

    private func goBack() async throws {
        let stage = self.stage
        stage.headline("Life goes on at west: a row is added, and a schedule brings it back")
        try await self.addRow("row-at-west", at: "destination")
        try stage.shell(
            "\(Self.west) -n shop create migrationschedule shop-back -c west --namespaces shop "
                + "--interval 30"
        )
        try stage.shell("\(Self.west) -n shop trigger migrationschedule shop-back --wait")
        try stage.shell("\(Self.west) -n shop get migrations")
        stage.headline("The failback, typed at east: nothing is copied whole")
        try stage.shell("\(Self.east) -n shop perform failback -m shop-back --yes --wait")
        stage.headline("Proof: both sides' volumes, byte for byte, with every row")
        let home = try await stage.livePath(of: "shop-db")
        let away = try await stage.livePath(of: "shop-db", at: "destination")
        try stage.shell("cmp \(home) \(away) && echo 'byte for byte the same'")
        for row in ["last-row", "row-at-west"] {
            try stage.shell("debugfs -R 'dump \(row) was-\(row)' \(home) 2>/dev/null")
            try stage.shell("cmp row was-\(row) && echo '\(row) is there'")
        }
    }

    /// Writes a file into the file system inside the volume, as the database would.
    private func addRow(_ name: String, at agent: String) async throws {
        let live = try await self.stage.livePath(of: "shop-db", at: agent)
        try self.stage.shell("debugfs -w -R 'write row \(name)' \(live) 2>/dev/null")
    }
}
