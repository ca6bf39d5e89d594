// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import ObjectModel
import TestSupport
import Testing

@Suite struct ListingTests {
    @Test func listsAreSelectedByLabelsAndFields() async throws {
        let bed = try await StoreBed()
        try await bed.configMap("a", labels: ["app": "x"])
        try await bed.configMap("b", labels: ["app": "y"])
        try await bed.configMap("a", in: "kube-system", labels: ["app": "x"])
        func names(_ selection: ObjectSelection) async throws -> [String] {
            try await bed.store.list(bed.configMaps, ListQuery(selection)).items
                .map(\.key.description)
        }
        let labels = try LabelSelector(parsing: "app in (x)")
        #expect(
            try await names(ObjectSelection(labels: labels)) == ["default/a", "kube-system/a"]
        )
        #expect(
            try await names(ObjectSelection(namespace: "default", labels: labels)) == ["default/a"]
        )
        let fields = try FieldSelector(parsing: "metadata.name=a,metadata.namespace!=default")
        #expect(try await names(ObjectSelection(fields: fields)) == ["kube-system/a"])
    }

    @Test func fieldsOfAKindSelectIt() async throws {
        let bed = try await StoreBed()
        let events = try bed.kind("v1", "events")
        for name in ["x", "y"] {
            try await bed.create(
                events,
                [
                    "metadata": ["name": .string("event-\(name)")],
                    "involvedObject": [
                        "kind": "Migration", "name": .string(name), "namespace": "default",
                    ],
                ]
            )
        }
        let selection = ObjectSelection(
            fields: try FieldSelector(
                parsing: "involvedObject.name=x,involvedObject.kind=Migration"
            )
        )
        let list = try await bed.store.list(events, ListQuery(selection))
        #expect(list.items.map(\.name) == ["event-x"])
    }

    @Test func otherFieldsAreNoSelectors() async throws {
        let bed = try await StoreBed()
        let selection = ObjectSelection(fields: try FieldSelector(parsing: "data.k=1"))
        let status = await status {
            try await bed.store.list(bed.configMaps, ListQuery(selection))
        }
        #expect(status?.reason == .badRequest)
        #expect(status?.message == "field label not supported: data.k")
        #expect(throws: APIStatus.self) { try FieldSelector(parsing: "data") }
    }

    @Test func aPageAfterItsHistoryIsForgottenIsGone() async throws {
        var limits = StoreLimits()
        limits.historyChanges = 8
        let bed = try await StoreBed(limits: limits)
        for name in ["a", "b", "c"] { try await bed.configMap(name) }
        var query = ListQuery()
        query.limit = 1
        let first = try await bed.store.list(bed.configMaps, query)
        for number in 0..<20 { try await bed.configMap("n\(number)") }
        query.continueToken = first.continueToken
        let forgotten = await status { try await bed.store.list(bed.configMaps, query) }
        #expect(forgotten?.reason == .expired)
        query.continueToken = "rubbish"
        let rubbish = await status { try await bed.store.list(bed.configMaps, query) }
        #expect(rubbish?.reason == .badRequest)
    }

    /// Pages of any size, with writes between them, show the state of the first page.
    @Test func pagesShowTheStateOfTheFirst() async throws {
        let seed = TestSeed()
        var generator = seed.generator
        let bed = try await StoreBed()
        let kind = try bed.configMaps
        for _ in 0..<10 {
            for _ in 0..<12 {
                let name = "n\(Int.random(in: 0..<20, using: &generator))"
                _ = await status { try await bed.configMap(name) }
            }
            let whole = try await bed.store.list(kind)
            var query = ListQuery()
            query.limit = Int.random(in: 1...5, using: &generator)
            var items: [KubeObject] = []
            repeat {
                let page = try await bed.store.list(kind, query)
                items += page.items
                query.continueToken = page.continueToken
                let key = ObjectKey("default", "n\(Int.random(in: 0..<20, using: &generator))")
                let value = JSON.string("\(UInt64.random(in: 0...9999, using: &generator))")
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: _ = await status { try await bed.store.delete(kind, key) }
                case 1: _ = await status { try await bed.configMap(key.name) }
                default:
                    let patch = ObjectPatch.merge(["data": ["k": value]])
                    _ = await status { try await bed.store.patch(kind, key, patch) }
                }
            } while query.continueToken != nil
            #expect(items == whole.items, "\(seed)")
        }
    }
}
