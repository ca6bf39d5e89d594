// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import KubernetesClient
import ObjectModel

/// The second half of the demonstration: a namespace moves, with its volume, between two clusters.
struct DemoMigration {
    let stage: DemoStage

    func play() async throws {
        try await self.makeClusters()
        try self.makeApplication()
        try self.pair()
        try self.move()
        try await self.look()
        try await self.moveWhatChanged()
    }

    private var east: String { "godwit --kubeconfig east/admin.kubeconfig" }

    private func makeClusters() async throws {
        self.stage.headline("Two clusters: the Kubernetes API in one process each, without nodes")
        try await self.stage.startCluster("east", agent: "source")
        try await self.stage.startCluster("west", agent: "destination")
    }

    private func makeApplication() throws {
        let stage = self.stage
        stage.headline("An application on east: a database with a volume, and a front end")
        try stage.shell("mkdir rows && head -c 20M /dev/urandom > rows/1")
        try stage.shell("mke2fs -q -t ext4 -d rows shop.img 48M")
        try stage.shell("godwit --agent source volume create shop-db --from shop.img -o name")
        let manifest = URL(fileURLWithPath: "\(stage.directory)/shop.yaml")
        try Data(DemoApplication.manifest.utf8).write(to: manifest)
        try stage.shell("\(self.east) apply -f shop.yaml")
    }

    private func pair() throws {
        self.stage.headline("A pair: typed at the destination, applied at the source")
        try self.stage.shell(
            "godwit --kubeconfig west/admin.kubeconfig --agent destination "
                + "generate clusterpair west -n shop | \(self.east) apply -f -"
        )
    }

    private func move() throws {
        self.stage.headline("One command moves the namespace")
        try self.stage.shell("\(self.east) -n shop migrate shop --to west --wait")
    }

    /// What the destination has now, through its API as anybody would ask it.
    private func look() async throws {
        let environment = ClientEnvironment.live(variables: [:])
        let file = "\(self.stage.directory)/west/admin.kubeconfig"
        let connection = try Kubeconfig.load(path: file, environment: environment).connection()
        let client = try KubernetesClient(connection, environment: environment)
        var rows: [DemoObject] = []
        do {
            for resource in DemoApplication.shown {
                rows += try await client.list(resource, namespace: "shop").items
                    .map(DemoObject.init)
            }
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
        let table = (try? Rendering.text(of: rows, .table)) ?? ""
        self.stage.say("\n(on west now:)\n" + table)
    }

    private func moveWhatChanged() async throws {
        let stage = self.stage
        stage.headline("A row is added; again: what changed travels, the rest is not touched")
        let live = try await stage.livePath(of: "shop-db")
        try stage.shell("head -c 1M /dev/urandom > row")
        try stage.shell("debugfs -w -R 'write row row' \(live) 2>/dev/null")
        try stage.shell("\(self.east) -n shop migrate shop --to west --wait")
        try stage.shell("\(self.east) -n shop get migrations")
        stage.headline("Proof: the volume at the destination, byte for byte")
        try stage.shell(
            "godwit --agent destination volume export shop-db --to shop-copy.img -o name"
        )
        try stage.shell("cmp \(live) shop-copy.img && echo 'byte for byte the same'")
    }
}

/// A row about an object of the destination.
struct DemoObject: Listed {
    let kind: String
    let name: String
    let replicas: String

    init(_ object: KubeObject) {
        self.kind = object.kind
        self.name = object.name
        self.replicas = object["spec", "replicas"]?.int.map { "\($0)" } ?? "-"
    }

    static var kind: String { "object" }
    var listedName: String { self.name }
    static var columns: [Column<Self>] {
        [
            Column("KIND") { $0.kind }, Column("NAME") { $0.name },
            Column("REPLICAS") { $0.replicas },
        ]
    }
}
