// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import TestSupport
import Testing

@Suite struct AuditPlanTests {
    @Test func noReportedLeafIsLookedAt() {
        let seed = TestSeed()
        var generator = seed.generator
        for _ in 0..<200 {
            let size = ByteCount(Int.random(in: 1..<1 << 30, using: &generator))
            var plan = AuditPlan(samples: 50, size: size, using: &generator)
            var reported = ExtentSet()
            for _ in 0..<Int.random(in: 0..<40, using: &generator) {
                let start = Int.random(in: 0..<size.bytes, using: &generator)
                let end = Int.random(in: start + 1...size.bytes, using: &generator)
                let part = extent(start, min(end, start + 20_000_000))
                reported.insert(part)
                plan.skip(part)
            }
            let leaves = plan.leaves
            #expect(leaves.count <= 50)
            #expect(leaves == leaves.sorted() && Set(leaves).count == leaves.count)
            for leaf in leaves {
                let whole = Extent(at: leaf.start, length: Geometry.leaf)
                #expect(!reported.overlaps(whole), "\(leaf) \(seed)")
                #expect(leaf.start.bytes < size.bytes)
            }
        }
    }

    @Test func aSmallVolumeIsAuditedWhole() {
        var generator = SeededGenerator(seed: 1)
        var plan = AuditPlan(samples: 8, size: ByteCount(7 * 65_536 + 1), using: &generator)
        plan.skip(extent(65_536, 65_537))
        plan.skip(extent(7 * 65_536, 7 * 65_536 + 1))
        #expect(plan.leaves.map(\.index) == [0, 2, 3, 4, 5, 6])
    }

    @Test func anEmptyVolumeHasNothingToAudit() {
        var generator = SeededGenerator(seed: 1)
        #expect(AuditPlan(samples: 8, size: .zero, using: &generator).leaves.isEmpty)
    }

    @Test func whatWasReportedWholeLeavesNothing() {
        var generator = SeededGenerator(seed: 1)
        var plan = AuditPlan(samples: 8, size: .tebibytes(64), using: &generator)
        plan.skip(extent(0, 64 << 40))
        #expect(plan.leaves.isEmpty)
    }

    @Test func theSameSeedGivesTheSamePlan() {
        let plans = (0..<2)
            .map { _ in
                var generator = SeededGenerator(seed: 42)
                return AuditPlan(samples: 100, size: .tebibytes(64), using: &generator).leaves
            }
        #expect(plans[0] == plans[1])
        #expect(plans[0].count == 100)
    }

    @Test func theNumberOfSamplesIsBounded() {
        var generator = SeededGenerator(seed: 3)
        let plan = AuditPlan(samples: .max, size: .tebibytes(64), using: &generator)
        #expect(plan.leaves.count == DigestLimits.auditSamples)
    }

    @Test func everyPartOfTheVolumeGetsItsShare() {
        let seed = TestSeed()
        var generator = seed.generator
        var counts = [Int](repeating: 0, count: 8)
        for _ in 0..<400 {
            var plan = AuditPlan(samples: 20, size: .mebibytes(512), using: &generator)
            plan.skip(extent(0, 64 << 20))
            for leaf in plan.leaves { counts[leaf.index / 1024] += 1 }
        }
        #expect(counts[0] == 0)
        // 8,000 samples over seven parts: 1,143 expected, 31 standard deviation; five of them.
        #expect(counts.dropFirst().allSatisfy { abs($0 - 1143) < 160 }, "\(counts) \(seed)")
    }

    @Test func drawnHolesAreMovedToTheNextData() {
        var generator = SeededGenerator(seed: 5)
        var plan = AuditPlan(samples: 100, size: .tebibytes(16), using: &generator)
        let data = stride(from: 0, to: 268_435_456, by: 1_000_000).map { LeafIndex($0) }
        plan.advance { place in data.first { $0 >= place } }
        plan.skip(extent(0, 65_536))
        let leaves = plan.leaves
        #expect(leaves.count > 90)
        let moved = leaves.filter { $0.index.isMultiple(of: 1_000_000) }
        // Places behind the last data stay where they are.
        #expect(moved.count >= leaves.count - 2)
        #expect(Set(leaves).count == leaves.count)
    }
}
