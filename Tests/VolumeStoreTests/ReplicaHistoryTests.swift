// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import TestSupport
import Testing
import VolumeStore

/// The life of a replica: transfers of every mode and size, stopped anywhere, also in recoveries.
@Suite struct ReplicaHistoryTests {
    private static let sizes = [
        0, 1, 4095, 4096, 5000, 65_535, 65_536, 65_537, 131_072, 200_001, 262_144, 400_123,
    ]

    @Test(arguments: ReplicaTarget.allCases)
    func whateverStopsItReadersGetTheBaseOrTheTarget(_ target: ReplicaTarget) throws {
        let seed = TestSeed()
        var generator = seed.generator
        let world = try ReplicaWorld(target, seed: generator.next())
        world.source.begin(size: 300_000)
        try world.transfer(.fullCopy)
        for round in 0..<40 {
            let comment: Comment = "round \(round), \(seed)"
            let size = Self.sizes.randomElement(using: &generator) ?? 0
            world.source.mutate(size: size, granules: Int.random(in: 0..<40, using: &generator))
            let mode = TransferMode.allCases.randomElement(using: &generator) ?? .incremental
            // Some of them are tried twice: the second goes on with what the first left.
            for _ in 0..<Int.random(in: 1...2, using: &generator) {
                try world.reopen(Self.crash(using: &generator).options)
                let isDone = (try? world.transfer(mode)) != nil
                for _ in 0..<Int.random(in: 0...2, using: &generator) {
                    try world.reopen(Self.crash(using: &generator).options)
                }
                try world.reopen()
                try #require(world.store.faults.isEmpty, comment)
                let found = try world.visibleBytes()
                if let visible = try world.volume().visible, visible.number.number == world.number {
                    try #require(found == world.source.bytes, comment)
                    world.source.noteCommitted(visible)
                    break
                }
                try #require(!isDone && found == world.source.base, comment)
            }
            let report = try world.volume().openVisible().verify()
            try #require(report?.isIntact == true, comment)
        }
        world.source.mutate()
        try world.transfer(.incremental)
        try world.expectVisible(world.source.bytes, "\(seed)")
    }

    private static func crash(using generator: inout SeededGenerator) -> Crash {
        let point = CrashPoint.allCases.randomElement(using: &generator) ?? .commitRecorded
        return Crash(at: point, passing: Int.random(in: 1...3, using: &generator))
    }
}

extension ReplicaWorld {
    fileprivate var number: UInt64 { self.source.number }
}
