// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import ObjectModel
import TestSupport
import Testing

@Suite struct WatchingTests {
    @Test func aWatchWithoutAVersionBeginsWithWhatIsThere() async throws {
        let bed = try await StoreBed()
        try await bed.configMap("a")
        let watch = try await bed.store.watch(bed.configMaps)
        var events = watch.makeAsyncIterator()
        #expect(await events.next()?.object.name == "a")
        try await bed.configMap("b")
        let next = try #require(await events.next())
        #expect(next.kind == .added)
        #expect(next.object.name == "b")
        #expect(next.json["type"] == "ADDED")
    }

    @Test func anInitialListEndsWithABookmark() async throws {
        let bed = try await StoreBed()
        try await bed.configMap("a")
        var query = WatchQuery()
        query.sendsInitialEvents = true
        query.allowsBookmarks = true
        var events = try await bed.store.watch(bed.configMaps, query).makeAsyncIterator()
        #expect(await events.next()?.kind == .added)
        let bookmark = try #require(await events.next())
        #expect(bookmark.kind == .bookmark)
        #expect(bookmark.object.annotations == ["k8s.io/initial-events-end": "true"])
        #expect(bookmark.object.resourceVersion == bed.store.resourceVersion)
    }

    @Test func whatLeavesTheSelectionIsDeletedForTheWatch() async throws {
        let bed = try await StoreBed()
        let kind = try bed.configMaps
        let selection = ObjectSelection(labels: LabelSelector(labels: ["app": "x"]))
        let version = bed.store.resourceVersion
        let made = try await bed.configMap("a")
        for label: JSON in ["x", "x", "y", .null] {
            _ = try await bed.store.patch(
                kind,
                made.key,
                .merge(["metadata": ["labels": ["app": label]], "data": ["k": label]])
            )
        }
        _ = try await bed.store.patch(
            kind,
            made.key,
            .merge(["metadata": ["labels": ["app": "x"]]])
        )
        _ = try await bed.store.patch(kind, made.key, .merge(["data": ["k": "z"]]))
        _ = try await bed.store.delete(kind, made.key)
        var events = try await bed.store.watch(kind, WatchQuery(selection, from: version))
            .makeAsyncIterator()
        var seen: [WatchEvent.Kind] = []
        for _ in 0..<5 { seen.append(try #require(await events.next()).kind) }
        #expect(seen == [.added, .deleted, .added, .modified, .deleted])
    }

    @Test func aVersionThatIsForgottenIsGone() async throws {
        var limits = StoreLimits()
        limits.historyChanges = 8
        let bed = try await StoreBed(limits: limits)
        let old = bed.store.resourceVersion
        for number in 0..<20 { try await bed.configMap("a\(number)") }
        let status = await status {
            try await bed.store.watch(bed.configMaps, WatchQuery(from: old))
        }
        #expect(status?.reason == .expired)
        #expect(status?.code == 410)
        #expect(status?.message.hasPrefix("too old resource version: \(old) (") == true)
    }

    @Test func aLargeHistoryIsCutByItsBytes() async throws {
        var limits = StoreLimits()
        limits.historyChanges = 64
        limits.historyBytes = 40_000
        let bed = try await StoreBed(limits: limits)
        let old = bed.store.resourceVersion
        let text = String(repeating: "x", count: 5_000)
        for number in 0..<20 { try await bed.configMap("a\(number)", ["k": text]) }
        let status = await status {
            try await bed.store.watch(bed.configMaps, WatchQuery(from: old))
        }
        #expect(status?.reason == .expired)
    }

    @Test func aSlowWatchIsEndedAndHoldsNobodyUp() async throws {
        var limits = StoreLimits()
        limits.watcherChanges = 4
        let bed = try await StoreBed(limits: limits)
        var slow = try await bed.store.watch(bed.configMaps).makeAsyncIterator()
        try await bed.configMap("first")
        #expect(await slow.next()?.object.name == "first")
        for number in 0..<10 { try await bed.configMap("a\(number)") }
        let event = try #require(await slow.next())
        #expect(event.kind == .error)
        #expect(event.object["code"] == 410)
        #expect(event.object["reason"] == "Expired")
        #expect(await slow.next() == nil)
        #expect(try await bed.names(bed.configMaps).count == 11)
    }

    @Test func oneWatchTooManyIsRefusedAndAnEndedOneMakesRoom() async throws {
        var limits = StoreLimits()
        limits.watchers = 1
        let bed = try await StoreBed(limits: limits)
        do {
            let first = try await bed.store.watch(bed.configMaps)
            let status = await status { try await bed.store.watch(bed.configMaps) }
            #expect(status?.code == 429)
            #expect(status?.retryAfterSeconds == 1)
            _ = first
        }
        _ = try await bed.store.watch(bed.configMaps)
    }

    @Test func aClosedStoreEndsItsWatches() async throws {
        let bed = try await StoreBed()
        let watch = try await bed.store.watch(bed.configMaps)
        async let ended: Void = { for await _ in watch {} }()
        bed.store.close()
        await ended
    }

    @Test func ticksSendBookmarksToThoseWhoWantThem() async throws {
        let bed = try await StoreBed()
        var query = WatchQuery(from: bed.store.resourceVersion)
        query.allowsBookmarks = true
        let watch = try await bed.store.watch(bed.configMaps, query)
        let (ticks, tick) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await bed.store.run(ticks: ticks) }
            var events = watch.makeAsyncIterator()
            tick.yield()
            let event = await events.next()
            #expect(event?.kind == .bookmark)
            #expect(event?.object.name == "")
            tick.finish()
        }
    }

    /// Whatever happens, a watch from any version makes the same state of the list of that version
    /// as a later list shows.
    @Test func aWatchFromAnyVersionLeadsToTheSameState() async throws {
        let seed = TestSeed()
        var generator = seed.generator
        let bed = try await StoreBed()
        let kind = try bed.configMaps
        var starts: [ObjectList] = []
        for step in 0..<120 {
            let name = "n\(Int.random(in: 0..<8, using: &generator))"
            let key = ObjectKey("default", name)
            let value = JSON.string("\(step)")
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: _ = await status { try await bed.store.delete(kind, key) }
            case 1, 2:
                let patch = ObjectPatch.merge(["data": ["k": value]])
                _ = await status { try await bed.store.patch(kind, key, patch) }
            default: _ = await status { try await bed.configMap(name) }
            }
            if step % 10 == 0 { starts.append(try await bed.store.list(kind)) }
        }
        try await bed.configMap("last")
        let end = try await bed.store.list(kind)
        for start in starts {
            var state = Dictionary(uniqueKeysWithValues: start.items.map { ($0.key, $0) })
            let query = WatchQuery(from: start.resourceVersion)
            for await event in try await bed.store.watch(kind, query) {
                state[event.object.key] = event.kind == .deleted ? nil : event.object
                if event.object.name == "last" { break }
            }
            #expect(Set(state.values) == Set(end.items), "\(seed)")
        }
    }
}
