// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import TestSupport
import Testing

@Suite struct PhysicalComparisonTests {
    /// One granule in each file: what each state against each other state gives.
    @Test(
        arguments: [
            (Side.hole, Side.hole, nil),
            (.hole, .unwritten(8), nil),
            (.unwritten(8), .hole, nil),
            (.unwritten(8), .unwritten(9), nil),
            (.data(8), .data(8), nil),
            (.data(8), .data(9), .data),
            (.hole, .data(8), .data),
            (.unwritten(8), .data(8), .data),
            (.data(8), .hole, .zero),
            (.data(8), .unwritten(8), .zero),
            (.data(0), .data(0), .data),
            (.flagged(8, .shared), .data(8), nil),
            (.flagged(8, .merged), .data(8), nil),
            (.flagged(8, .last), .data(8), nil),
        ] as [(Side, Side, ExtentKind?)]
    )
    func oneGranule(base: Side, target: Side, expected: ExtentKind?) {
        let changes = compare(base.extents, target.extents, size: 4096)
        #expect(changes == (expected.map { [KindedExtent(extent(0, 4096), $0)] } ?? []))
    }

    @Test(arguments: [
        PhysicalExtentFlags.unknown, .delayed, .encoded, [.encoded, .encrypted], .notAligned,
        .inline, .tail,
        [.unknown, .delayed], [.unwritten, .delayed], [.unwritten, .unknown],
    ])
    func whatIsInDoubtIsChanged(flag: PhysicalExtentFlags) {
        let doubt = Side.flagged(8, flag)
        for other in [Side.hole, .unwritten(8), .data(8), doubt] {
            let changed = [KindedExtent(extent(0, 4096), .data)]
            #expect(compare(other.extents, doubt.extents, size: 4096) == changed)
        }
        let zero = [KindedExtent(extent(0, 4096), .zero)]
        #expect(compare(doubt.extents, Side.hole.extents, size: 4096) == zero)
        #expect(compare(doubt.extents, Side.unwritten(3).extents, size: 4096) == zero)
    }

    @Test func extentsCutInDifferentPlacesAreTheSame() {
        let whole = [physical(0, 65_536, at: 1 << 20)]
        let cut = [
            physical(0, 4096, at: 1 << 20), physical(4096, 20_480, at: (1 << 20) + 4096),
            physical(20_480, 65_536, at: (1 << 20) + 20_480),
        ]
        #expect(compare(whole, cut, size: 65_536).isEmpty)
        #expect(compare(cut, whole, size: 65_536).isEmpty)
    }

    @Test func aRewrittenMiddleIsAllThatChanged() {
        let base = [physical(0, 65_536, at: 1 << 20)]
        let target = [
            physical(0, 8192, at: 1 << 20), physical(8192, 12_288, at: 1 << 30),
            physical(12_288, 65_536, at: (1 << 20) + 12_288),
        ]
        #expect(
            compare(base, target, size: 65_536) == [KindedExtent(extent(8192, 12_288), .data)]
        )
    }

    @Test func neighboursOfOneKindComeAsOneExtent() {
        let base = (0..<10)
            .map {
                physical($0 * 4096, $0 * 4096 + 4096, at: UInt64(1 << 20 + $0 * 4096))
            }
        let target = (0..<10)
            .map {
                physical($0 * 4096, $0 * 4096 + 4096, at: UInt64(1 << 30 + $0 * 65_536))
            }
        #expect(
            compare(base, target, size: 40_960) == [KindedExtent(extent(0, 40_960), .data)]
        )
    }

    @Test func dataAndPunchedHolesAreToldApart() {
        let base = [physical(0, 16_384, at: 1 << 20)]
        let target = [physical(0, 4096, at: 1 << 30), physical(12_288, 16_384, at: 1 << 31)]
        #expect(
            compare(base, target, size: 16_384) == [
                KindedExtent(extent(0, 4096), .data), KindedExtent(extent(4096, 12_288), .zero),
                KindedExtent(extent(12_288, 16_384), .data),
            ]
        )
    }

    @Test func aGranuleWithAnyDataIsNotReportedAsZero() {
        // Blocks of 1 KiB: the first was punched, the second is as it was.
        let base = [physical(0, 4096, at: 1 << 20)]
        let target = [physical(1024, 4096, at: (1 << 20) + 1024)]
        #expect(compare(base, target, size: 4096) == [KindedExtent(extent(0, 4096), .data)])
    }

    @Test func extentsBeyondTheEndDoNotCount() {
        let base = [physical(0, 8192, at: 1 << 20)]
        let target = [physical(0, 8192, at: 1 << 20), physical(8192, 1 << 20, at: 1 << 30)]
        #expect(compare(base, target, size: 5000, baseSize: 5000).isEmpty)
    }

    @Test func theLastGranuleEndsWithTheVolume() {
        let changes = compare(
            [physical(0, 8192, at: 1 << 20)],
            [physical(0, 8192, at: 1 << 30)],
            size: 5000
        )
        #expect(changes == [KindedExtent(extent(0, 5000), .data)])
    }

    @Test func aGrownVolumeShipsTheGranuleOfTheOldEnd() {
        // The block is shared, but what the base read behind its end is not on the disk.
        let file = [physical(0, 8192, at: 1 << 20)]
        #expect(
            compare(file, file, size: 8192, baseSize: 5000)
                == [KindedExtent(extent(4096, 8192), .data)]
        )
        #expect(compare(file, file, size: 8192, baseSize: 4096).isEmpty)
    }

    @Test func aShrunkVolumeShipsTheGranuleOfTheNewEnd() {
        let file = [physical(0, 8192, at: 1 << 20)]
        #expect(
            compare(file, file, size: 5000, baseSize: 8192)
                == [KindedExtent(extent(4096, 5000), .data)]
        )
        #expect(compare(file, file, size: 4096, baseSize: 8192).isEmpty)
    }

    @Test func anEmptyVolumeHasNoChanges() {
        #expect(compare([physical(0, 4096, at: 1 << 20)], [], size: 0, baseSize: 4096).isEmpty)
    }

    @Test func aSparseVolumeOfSixtyFourTebibytesIsTwoSteps() {
        let far = (64 << 40) - 4096
        let changes = compare(
            [physical(far, far + 4096, at: 1 << 20)],
            [physical(far, far + 4096, at: 1 << 30)],
            size: 64 << 40
        )
        #expect(changes == [KindedExtent(extent(far, far + 4096), .data)])
    }

    @Test func randomFilesAgreeWithAComparisonBlockByBlock() {
        let seed = TestSeed()
        var generator = seed.generator
        for round in 0..<20_000 {
            let model = PhysicalModel(using: &generator)
            let found = compare(
                model.extents(of: model.base, using: &generator),
                model.extents(of: model.target, using: &generator),
                size: model.size,
                baseSize: model.baseSize
            )
            guard found == model.expected else {
                Issue.record("round \(round), \(seed): \(found) for \(model)")
                return
            }
        }
    }
}

/// One granule of a file.
enum Side: Sendable {
    case hole
    case unwritten(UInt64)
    case data(UInt64)
    case flagged(UInt64, PhysicalExtentFlags)

    var extents: [PhysicalExtent] {
        switch self {
        case .hole: []
        case .unwritten(let block): [physical(0, 4096, at: block * 4096, .unwritten)]
        case .data(let block): [physical(0, 4096, at: block * 4096)]
        case .flagged(let block, let flags): [physical(0, 4096, at: block * 4096, flags)]
        }
    }
}

func physical(
    _ start: Int,
    _ end: Int,
    at address: UInt64,
    _ flags: PhysicalExtentFlags = []
) -> PhysicalExtent {
    PhysicalExtent(logical: extent(start, end), physical: address, flags: flags)
}

private func compare(
    _ base: [PhysicalExtent],
    _ target: [PhysicalExtent],
    size: Int,
    baseSize: Int? = nil
) -> [KindedExtent] {
    var comparison = PhysicalComparison(
        base: ListedPhysicalExtents(base),
        target: ListedPhysicalExtents(target),
        baseSize: ByteCount(baseSize ?? size),
        size: ByteCount(size)
    )
    var changes: [KindedExtent] = []
    while let change = comparison.next() { changes.append(change) }
    return changes
}
