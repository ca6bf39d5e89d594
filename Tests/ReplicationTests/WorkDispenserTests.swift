// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Locks
import TestSupport
import Testing
import VolumeStore

@testable import Sender

@Suite struct WorkDispenserTests {
    private static let mebibyte = ByteCount.mebibytes(1)

    private let seed = TestSeed("WorkDispenserTests")
    private let directory: TemporaryDirectory

    init() throws { self.directory = try TemporaryDirectory() }

    // MARK: Fixtures

    /// A sparse file with data at some places.
    private func image(_ size: ByteCount, dataAt extents: [Extent] = []) throws -> BlockFile {
        let file = try BlockFile.create("\(self.directory.path)/image", size: size)
        for extent in extents {
            var buffer = ChunkBuffer(capacity: extent.length)
            buffer.copy([UInt8](repeating: 7, count: extent.length.bytes), at: 0)
            try file.write(buffer, 0..<extent.length.bytes, at: extent.start)
        }
        return file
    }

    /// The same with one granule in each pair of them: as many units as a volume can have.
    private func stripes(_ size: ByteCount) throws -> BlockFile {
        try self.image(
            size,
            dataAt: stride(from: 0, to: size.bytes, by: 8192)
                .map { Extent(at: ByteOffset($0), length: Geometry.granule) }
        )
    }

    /// The same with data in about half of it, in runs of any number of granules.
    private func mixture(
        _ size: ByteCount,
        using generator: inout some RandomNumberGenerator
    ) throws -> BlockFile {
        var extents: [Extent] = []
        var place = 0
        while place < size.bytes {
            let hole = 4096 * Int.random(in: 1...Int.random(in: 1...400), using: &generator)
            let data = 4096 * Int.random(in: 1...Int.random(in: 1...400), using: &generator)
            if place + hole + data > size.bytes { break }
            extents.append(Extent(at: ByteOffset(place + hole), length: ByteCount(data)))
            place += hole + data
        }
        return try self.image(size, dataAt: extents)
    }

    /// Everything that a file has, as data where holes are not trusted.
    private func dispenser(
        of image: BlockFile,
        trustsHoles: Bool = true,
        unit: ByteCount = Self.mebibyte,
        audit: AuditPlan? = nil,
        trust: RewriteTrust? = nil
    ) throws -> WorkDispenser {
        let size = try image.size()
        var generator = self.seed.generator
        return WorkDispenser(
            .map(try VolumeMap(image, trustsHoles: trustsHoles)),
            size: size,
            aligned: false,
            unit: unit,
            audit: audit ?? AuditPlan(samples: 0, size: size, using: &generator),
            trust: trust,
            ahead: ReadAhead(target: image, base: nil)
        )
    }

    /// What one thread gets until nothing is left.
    private func drain(_ dispenser: WorkDispenser) throws -> [WorkBatch] {
        var batches: [WorkBatch] = []
        var batch = WorkBatch()
        while try dispenser.next(into: &batch) { batches.append(batch) }
        return batches
    }

    /// Requires that units, in order, are the file's extents: each byte once, holes as zeros.
    private func expectAll(_ units: [WorkUnit], of image: BlockFile) throws {
        var map = try VolumeMap(image, trustsHoles: true)
        var left = units[...]
        while let extent = try map.next() {
            var place = extent.extent.start
            while place < extent.extent.end, let unit = left.popFirst() {
                #expect(unit.extent.start == place, "\(self.seed)")
                #expect(unit.task == (extent.kind == .data ? .data : .zero), "\(self.seed)")
                place = unit.extent.end
            }
            #expect(place == extent.extent.end, "\(self.seed)")
        }
        #expect(left.isEmpty, "\(self.seed)")
    }

    // MARK: Batches

    @Test(arguments: [ByteCount.kibibytes(64), .mebibytes(1), .mebibytes(16)])
    func aBatchBeginsWithinOneUnitAndItsDataEndsThere(unit: ByteCount) throws {
        var generator = self.seed.generator
        let image = try self.mixture(.mebibytes(48), using: &generator)
        let batches = try self.drain(try self.dispenser(of: image, unit: unit))
        for batch in batches {
            let start = try #require(batch.units.first).extent.start.roundedDown(to: unit)
            #expect(batch.units.count <= WorkBatch.limit)
            #expect(batch.units.allSatisfy { $0.extent.start < start + unit }, "\(self.seed)")
            let data = batch.units.filter { $0.task == .data }
            #expect(data.allSatisfy { $0.extent.end <= start + unit }, "\(self.seed)")
        }
        try self.expectAll(batches.flatMap(\.units), of: image)
    }

    @Test func theSmallUnitsOfAMiBGoToOneThread() throws {
        let batches = try self.drain(try self.dispenser(of: self.stripes(.mebibytes(4))))
        #expect(batches.map(\.units.count) == [256, 256, 256, 256])
    }

    @Test func severalThreadsGetDifferentWorkAndTogetherAllOfIt() throws {
        var generator = self.seed.generator
        let image = try self.mixture(.mebibytes(64), using: &generator)
        let dispenser = try self.dispenser(of: image)
        let taken = Locked<[WorkUnit]>([])
        let failures = Locked<[StoreError]>([])
        let threads = try (0..<4)
            .map { _ in
                try Joined {
                    var batch = WorkBatch()
                    do throws(StoreError) {
                        while try dispenser.next(into: &batch) {
                            taken.withLock { $0 += batch.units }
                        }
                    } catch {
                        failures.withLock { $0.append(error) }
                    }
                }
            }
        for thread in threads { thread.join() }
        #expect(failures.withLock { $0.isEmpty })
        #expect(dispenser.isExhausted)
        let units = taken.withLock { $0.sorted { $0.extent.start < $1.extent.start } }
        try self.expectAll(units, of: image)
    }

    // MARK: Looking ahead

    /// Counts what is asked from the disk beside what was handed out, before each batch.
    ///
    /// - Returns: the most that was asked for and not handed out yet.
    private func expectAhead(
        _ dispenser: WorkDispenser
    ) throws -> (units: Int, bytes: ByteCount) {
        let batches = try self.drain(dispenser)
        let units = batches.flatMap(\.units)
        let added = batches.flatMap(\.added)
        // Who looked before the first batch has asked for what no batch did.
        let first = units.prefix(units.count - added.count)
        #expect(Array(first) + added == units, "in the order in which it is handed out")
        var asked = first.count
        var handed = 0
        var most = (units: 0, bytes: ByteCount.zero)
        for batch in batches {
            asked += batch.added.count
            let line = units[handed..<asked]
            most.units = max(most.units, line.count)
            let read = line.filter { $0.task == .data }
            most.bytes = max(most.bytes, read.reduce(.zero) { $0 + $1.extent.length })
            handed += batch.units.count
        }
        return most
    }

    @Test(arguments: [false, true])
    func largeUnitsAreAskedForNoFurtherThanTheBytesOfTheWindow(looksFirst: Bool) throws {
        let image = try self.image(.mebibytes(100))
        let dispenser = try self.dispenser(of: image, trustsHoles: false)
        if looksFirst { #expect(dispenser.lookAhead() == nil) }
        let most = try self.expectAhead(dispenser)
        #expect(most.bytes == SenderLimits.readAhead)
    }

    @Test func smallUnitsAreAskedForNoFurtherThanTheUnitsOfTheWindow() throws {
        let dispenser = try self.dispenser(of: self.stripes(.mebibytes(16)))
        #expect(dispenser.lookAhead() == nil)
        #expect(try self.expectAhead(dispenser).units == SenderLimits.unitsAhead)
    }

    @Test func lookingAheadTellsWhatThereIsToReadAndTakesNothing() throws {
        let image = try self.image(
            .mebibytes(80),
            dataAt: [
                Extent(at: .zero, length: .kibibytes(4)),
                Extent(at: ByteOffset(40 << 20), length: .mebibytes(3)),
            ]
        )
        let dispenser = try self.dispenser(of: image)
        #expect(dispenser.lookAhead() == .kibibytes(4 + 3072))
        #expect(dispenser.lookAhead() == .kibibytes(4 + 3072))
        dispenser.readAhead()
        #expect(!dispenser.isExhausted)
        try self.expectAll(try self.drain(dispenser).flatMap(\.units), of: image)
    }

    // MARK: Trust

    @Test func wholeLeavesAreTakenForChangedButOneUnitInSixteen() throws {
        let image = try self.image(.mebibytes(17))
        let trust = RewriteTrust(after: [.incremental(compared: 1 << 20)])
        let dispenser = try self.dispenser(of: image, trustsHoles: false, trust: trust)
        let units = try self.drain(dispenser).flatMap(\.units)
        #expect(units.filter { $0.task == .data }.map(\.extent.start.bytes) == [0, 16 << 20])
        #expect(units.filter { $0.task == .replaced }.count == 15)
    }

    @Test func whatWaitsIsComparedOnceTrustHasEnded() throws {
        let image = try self.image(.mebibytes(16))
        let trust = RewriteTrust(after: [.incremental(compared: 1 << 20)])
        let dispenser = try self.dispenser(of: image, trustsHoles: false, trust: trust)
        var batch = WorkBatch()
        for task in [WorkTask.data, .replaced] {
            let isWork = try dispenser.next(into: &batch)
            #expect(isWork && batch.units.map(\.task) == [task])
        }
        dispenser.learn(compared: Self.mebibyte, equal: Self.mebibyte)
        let rest = try self.drain(dispenser).flatMap(\.units)
        #expect(rest.count == 14 && rest.allSatisfy { $0.task == .data })
    }

    // MARK: The end

    @Test func afterTheLastExtentComeTheLeavesToAuditThatNoneReported() throws {
        var generator = self.seed.generator
        let image = try self.mixture(.mebibytes(64), using: &generator)
        let plan = AuditPlan(samples: 40, size: .mebibytes(64), using: &generator)
        let dispenser = try self.dispenser(of: image, audit: plan)
        let batches = try self.drain(dispenser)
        let units = batches.flatMap(\.units)
        var expected = plan
        for unit in units where unit.task == .data { expected.skip(unit.extent) }
        let audits = units.filter { $0.task == .audit }
        #expect(
            audits.map(\.extent) == expected.leaves.map { $0.extent(in: .mebibytes(64)) },
            "\(self.seed)"
        )
        #expect(Array(units.suffix(audits.count)) == audits, "behind everything else")
        for batch in batches where batch.units.contains(where: { $0.task == .audit }) {
            #expect(batch.units.count <= WorkBatch.audits && batch.added == batch.units)
        }
        #expect(dispenser.isExhausted)
    }

    @Test func ofAVolumeOfHolesAllIsZeroAndSomeOfItAudited() throws {
        let image = try self.image(.mebibytes(64))
        var generator = self.seed.generator
        let plan = AuditPlan(samples: 40, size: .mebibytes(64), using: &generator)
        let batches = try self.drain(try self.dispenser(of: image, audit: plan))
        #expect(batches.map(\.units.count) == [1, 16, 16, 8])
        #expect(batches.first?.units.map(\.task) == [.zero])
    }

    @Test func nothingIsHandedOutAfterAStop() throws {
        let dispenser = try self.dispenser(of: self.image(.mebibytes(100)), trustsHoles: false)
        var batch = WorkBatch()
        let isWork = try dispenser.next(into: &batch)
        dispenser.stop()
        let isMore = try dispenser.next(into: &batch)
        #expect(isWork && !isMore)
        #expect(batch.units.isEmpty && batch.added.isEmpty)
        #expect(!dispenser.isExhausted, "some of it never was")
    }

    @Test func aStopAfterTheEndTakesNothingBack() throws {
        let dispenser = try self.dispenser(of: self.image(.mebibytes(2)), trustsHoles: false)
        #expect(try self.drain(dispenser).count == 2)
        dispenser.stop()
        #expect(dispenser.isExhausted)
    }
}
