// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import ObjectModel
import TestSupport
import Testing

/// Who owns whom, and what should be left after a deletion.
private struct OwnerModel {
    var owners: [String: Set<String>] = [:]

    mutating func delete(_ name: String, _ propagation: DeleteOptions.Propagation) {
        self.owners[name] = nil
        var gone = [name]
        while let owner = gone.popLast() {
            for (child, parents) in self.owners where parents.contains(owner) {
                let rest = parents.subtracting([owner])
                // Only the deleted object itself lets its children go free.
                if rest.isEmpty, propagation != .orphan || owner != name {
                    self.owners[child] = nil
                    gone.append(child)
                } else {
                    self.owners[child] = rest
                }
            }
        }
    }
}

@Suite struct CollectionTests {
    /// However things own each other, and wherever the process ends, what is left is what should be.
    @Test func whatIsLeftIsWhatShouldBe() async throws {
        let seed = TestSeed()
        var generator = seed.generator
        let directory = try TemporaryDirectory()
        var model = OwnerModel()
        var bed = try await StoreBed(in: directory)
        let kind = try bed.configMaps
        for step in 0..<60 {
            let living = model.owners.keys.sorted()
            if living.count < 4 || Int.random(in: 0..<3, using: &generator) > 0 {
                let name = "n\(step)"
                let count = Int.random(in: 0...min(2, living.count), using: &generator)
                let owners = living.shuffled(using: &generator).prefix(count)
                model.owners[name] = Set(owners)
                try await self.create(name, ownedBy: Array(owners), bed)
                continue
            }
            guard let victim = living.randomElement(using: &generator),
                let way = DeleteOptions.Propagation.allCases.randomElement(using: &generator)
            else { continue }
            model.delete(victim, way)
            var options = DeleteOptions()
            options.propagation = way
            _ = try await bed.store.delete(kind, ObjectKey("default", victim), options)
            if Bool.random(using: &generator) {
                bed.store.close()
                bed = try await StoreBed(in: directory)
            }
            try await bed.store.converge()
            let left = try await bed.store.list(kind).items
            #expect(left.map(\.name).sorted() == model.owners.keys.sorted(), "\(seed) step \(step)")
            for object in left {
                let owners = Set(object.ownerReferences.map(\.name))
                #expect(owners == model.owners[object.name], "\(seed) step \(step)")
            }
        }
    }

    private func create(_ name: String, ownedBy owners: [String], _ bed: StoreBed) async throws {
        var references: [JSON] = []
        for owner in owners {
            let object = try await bed.store.get(bed.configMaps, ObjectKey("default", owner))
            var reference = OwnerReference(to: object)
            reference.isController = false
            references.append(reference.json)
        }
        try await bed.create(
            bed.configMaps,
            ["metadata": ["name": .string(name), "ownerReferences": .array(references)]]
        )
    }
}
