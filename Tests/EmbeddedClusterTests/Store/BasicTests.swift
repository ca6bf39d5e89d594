// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import ObjectModel
import Testing

@Suite struct BasicTests {
    @Test func aNewObjectGetsWhatOnlyTheServerKnows() async throws {
        let bed = try await StoreBed()
        let object = try await bed.configMap("a", ["k": "v"])
        #expect(object.uid.count == 36)
        #expect(object.creationTimestamp?.hasSuffix("Z") == true)
        #expect(Int(object.resourceVersion) != nil)
        #expect(try await bed.store.get(bed.configMaps, object.key) == object)
    }

    @Test func aWriteOfAnOldStateIsAConflict() async throws {
        let bed = try await StoreBed()
        var object = try await bed.configMap("a", ["k": "1"])
        let old = object
        object.set("2", at: "data", "k")
        object = try await bed.store.update(bed.configMaps, object.key, object).object
        #expect(object.resourceVersion != old.resourceVersion)
        let status = await status { try await bed.store.update(bed.configMaps, old.key, old) }
        #expect(status?.reason == .conflict)
        #expect(
            status?.message
                == "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; "
                + "please apply your changes to the latest version and try again"
        )
    }

    @Test func aWatchTellsWhatHappensAfterItsVersion() async throws {
        let bed = try await StoreBed()
        let kind = try bed.configMaps
        let first = try await bed.configMap("a", ["k": "1"])
        let watch = try await bed.store.watch(kind, WatchQuery(from: first.resourceVersion))
        _ = try await bed.store.patch(kind, first.key, .merge(["data": ["k": "2"]]))
        _ = try await bed.store.delete(kind, first.key)
        var events = watch.makeAsyncIterator()
        let modified = try #require(await events.next())
        #expect(modified.kind == .modified)
        #expect(modified.object["data", "k"] == "2")
        #expect(await events.next()?.kind == .deleted)
    }

    @Test func pagesOfAListShowOneState() async throws {
        let bed = try await StoreBed()
        let kind = try bed.configMaps
        for name in ["a", "b", "c", "d"] { try await bed.configMap(name, ["k": "1"]) }
        var query = ListQuery(ObjectSelection(namespace: "default"))
        query.limit = 2
        let first = try await bed.store.list(kind, query)
        #expect(first.items.map(\.name) == ["a", "b"])
        #expect(first.remaining == 2)
        _ = try await bed.store.patch(kind, ObjectKey("default", "c"), .merge(["data": ["k": "2"]]))
        _ = try await bed.store.delete(kind, ObjectKey("default", "d"))
        try await bed.configMap("e")
        query.continueToken = first.continueToken
        let second = try await bed.store.list(kind, query)
        #expect(second.resourceVersion == first.resourceVersion)
        #expect(second.items.map(\.name) == ["c", "d"])
        #expect(second.items.map { $0["data", "k"] } == ["1", "1"])
        #expect(second.continueToken == nil)
    }
}
