// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import Foundation
import ObjectModel
import TestSupport
import Testing

/// Writes as fast as it can and notes every answer in a file, until it is killed.
///
/// It kills itself at a number of answers that the seed decides, while other writes are on their
/// way: the signal asks nobody and flushes nothing.
private func writeUntilKilled(_ directory: String, _ seed: UInt64) async throws {
    var generator = SeededGenerator(seed: seed)
    let last = Int.random(in: 1...60, using: &generator)
    let store = try await ObjectStore(path: "\(directory)/objects.sqlite")
    let version = GroupVersion("", "v1")
    let kind = try #require(store.kinds.kind(version, plural: "configmaps"))
    let log = open("\(directory)/answers", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    let run = "r\(UInt64.random(in: 0...UInt64.max, using: &generator))"
    await withTaskGroup(of: Void.self) { group in
        for writer in 0..<4 {
            group.addTask {
                for number in 0... {
                    let name = "\(run)-\(writer)-\(number)"
                    let object = KubeObject(["metadata": ["name": .string(name)]])
                    guard
                        let made = try? await store.create(kind, object, namespace: "default")
                            .object
                    else { return }
                    let line = Array("\(name) \(made.resourceVersion)\n".utf8)
                    _ = line.withUnsafeBytes { write(log, $0.baseAddress, $0.count) }
                    if writer == 0, number == last { kill(getpid(), SIGKILL) }
                }
            }
        }
    }
}

@Suite struct DurabilityTests {
    @Test func everyCommitIsFlushedToTheDisk() async throws {
        let bed = try await StoreBed()
        #expect(try await bed.store.syncLevel() == 2)
    }

    /// A process that is killed at any instant has lost no write that it had answered.
    @Test func aKilledProcessLosesNoAnsweredWrite() async throws {
        let seed = TestSeed()
        let directory = try TemporaryDirectory()
        for round in 0..<4 {
            let path = directory.path
            let value = seed.value &+ UInt64(round)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = path as String, value = value as UInt64] in
                try await writeUntilKilled(path, value)
            }
            let bed = try await StoreBed(in: directory)
            let answers = try String(contentsOfFile: "\(path)/answers", encoding: .utf8)
            let list = try await bed.store.list(bed.configMaps)
            let stored = Set(list.items.map { "\($0.name) \($0.resourceVersion)" })
            let answered = answers.split(separator: "\n").map(String.init)
            #expect(answered.count > round)
            for answer in answered { #expect(stored.contains(answer), "\(seed) round \(round)") }
            // No number was given twice, and the next is newer than all.
            #expect(Set(list.items.map(\.resourceVersion)).count == list.items.count)
            let next = try await bed.configMap("check-\(round)")
            let newest = list.items.compactMap { Int($0.resourceVersion) }.max() ?? 0
            #expect(Int(next.resourceVersion) ?? 0 > newest, "\(seed)")
            bed.store.close()
        }
    }

    @Test func whatWasStoredIsThereAfterARestart() async throws {
        let directory = try TemporaryDirectory()
        let first = try await StoreBed(in: directory)
        let made = try await first.configMap("a", ["k": "v"])
        let version = first.store.resourceVersion
        _ = try await first.store.patch(first.configMaps, made.key, .merge(["data": ["k": "w"]]))
        first.store.close()
        let second = try await StoreBed(in: directory)
        let object = try await second.store.get(second.configMaps, made.key)
        #expect(object["data", "k"] == "w")
        #expect(object.uid == made.uid)
        // The history too: a client that was away goes on with its watch.
        var events = try await second.store.watch(second.configMaps, WatchQuery(from: version))
            .makeAsyncIterator()
        #expect(await events.next()?.object == object)
    }

    @Test func aWriteAfterTheEndFailsAndSaysSo() async throws {
        let bed = try await StoreBed()
        bed.store.close()
        let status = await status { try await bed.configMap("a") }
        #expect(status?.reason == .internalError)
    }

    @Test func roundsThatDoNothingWriteNothing() async throws {
        let bed = try await StoreBed()
        try await bed.store.converge()
        let version = bed.store.resourceVersion
        try await bed.store.converge()
        #expect(bed.store.resourceVersion == version)
    }

    @Test func aFileThatIsNoStoreIsRefused() async throws {
        let directory = try TemporaryDirectory()
        try Data(repeating: 7, count: 8192)
            .write(
                to: URL(fileURLWithPath: "\(directory.path)/objects.sqlite")
            )
        let status = await status { try await StoreBed(in: directory) }
        #expect(status?.reason == .internalError)
    }
}
