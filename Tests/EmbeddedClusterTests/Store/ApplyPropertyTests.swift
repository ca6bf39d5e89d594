// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import ObjectModel
import TestSupport
import Testing

/// What holds for server-side apply whatever is applied.
@Suite struct ApplyPropertyTests {
    private static func value(_ depth: Int, _ generator: inout SeededGenerator) -> JSON {
        switch Int.random(in: 0..<(depth > 2 ? 3 : 5), using: &generator) {
        case 0: return .string("\(Int.random(in: 0..<3, using: &generator))")
        case 1: return JSON(Int.random(in: 0..<3, using: &generator))
        case 2: return [.string("x"), JSON(Int.random(in: 0..<2, using: &generator))]
        default: return Self.object(depth + 1, &generator)
        }
    }

    private static func object(_ depth: Int, _ generator: inout SeededGenerator) -> JSON {
        var fields: JSONFields = [:]
        for key in ["a", "b", "c"] where Bool.random(using: &generator) {
            fields[key] = Self.value(depth, &generator)
        }
        return .object(fields)
    }

    private func configuration(_ generator: inout SeededGenerator) -> JSON {
        [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a"],
            "extra": Self.object(0, &generator),
        ]
    }

    private func apply(_ bed: StoreBed, _ json: JSON, as manager: String) async throws -> KubeObject
    {
        var options = WriteOptions()
        options.fieldManager = manager
        options.isForced = true
        let key = ObjectKey("default", "a")
        return try await bed.store.patch(bed.configMaps, key, .apply(json), part: nil, options)
            .object
    }

    /// The only manager of an object gets exactly what it applies, and applying again is no write.
    @Test func oneManagerGetsWhatItApplies() async throws {
        let seed = TestSeed()
        var generator = seed.generator
        let bed = try await StoreBed()
        for step in 0..<150 {
            let wanted = self.configuration(&generator)
            let object = try await self.apply(bed, wanted, as: "me")
            #expect(object["extra"] == wanted["extra"], "\(seed) step \(step)")
            let version = bed.store.resourceVersion
            _ = try await self.apply(bed, wanted, as: "me")
            #expect(bed.store.resourceVersion == version, "\(seed) step \(step)")
        }
    }

    /// Of two managers, who applied last has what it wants, and who wants nothing leaves nothing.
    @Test func theLastOfTwoManagersHasWhatItWants() async throws {
        let seed = TestSeed()
        var generator = seed.generator
        let bed = try await StoreBed()
        for step in 0..<100 {
            let manager = Bool.random(using: &generator) ? "me" : "you"
            let wanted = self.configuration(&generator)
            let object = try await self.apply(bed, wanted, as: manager)
            let merged = object.json.merged(with: wanted)
            #expect(merged == object.json, "\(seed) step \(step)")
        }
        var nothing = self.configuration(&generator)
        nothing.set(nil, at: "extra")
        _ = try await self.apply(bed, nothing, as: "me")
        let object = try await self.apply(bed, nothing, as: "you")
        #expect(object["extra"] == nil, "\(seed)")
    }
}
