// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Locks
import VolumeStore

/// What a data thread does with an extent.
enum WorkTask: Hashable {
    /// Read it, and send what has to be sent.
    case data
    /// The same, but its whole leaves are taken for changed.
    case replaced
    /// It reads as zeros.
    case zero
    /// A leaf that no source reported: read it, and find its expected digest (P9).
    case audit
}

/// A piece of work for one data thread.
struct WorkUnit: Hashable {
    var extent: Extent
    var task: WorkTask
}

/// Hands out the work of a transfer: whichever data thread is free takes the next piece.
///
/// Extents stream out of the change source, are rounded to leaves where digests of leaves are
/// compared, and cut into units. Memory does not depend on the volume (P6). After the last
/// extent come the leaves to audit, which are known only then.
///
/// What is about to be read is asked from the disk ahead of time: a clone was never read through its own
/// file, so the page cache has nothing of it, and the kernel sees several threads that jump.
final class WorkDispenser: Sendable {
    private let state: Locked<State>
    private let unit: ByteCount
    private let size: ByteCount
    private let ahead: ReadAhead

    private struct State {
        var source: AnyChangeSource
        var aligner: LeafAligner?
        var current: KindedExtent?
        /// Units that were asked from the disk and not handed out.
        var ahead: ArraySlice<WorkUnit> = []
        var aheadBytes = ByteCount.zero
        /// Why the source gave nothing more.
        var failure: StoreError?
        /// Nil where no clones are compared.
        var trust: RewriteTrust?
        var audit: AuditPlan
        var audits: ArraySlice<LeafIndex> = []
        var phase = Phase.extents

        /// Whether nothing more fits into the line.
        var isFull: Bool {
            self.ahead.count >= SenderLimits.unitsAhead || self.aheadBytes >= SenderLimits.readAhead
        }
    }

    private enum Phase {
        case extents
        case audits
        /// Everything was handed out.
        case finished
        /// Some of it will never be.
        case stopped
    }

    /// Work from a source.
    ///
    /// - Parameters:
    ///   - source: gives ascending extents.
    ///   - size: the volume's.
    ///   - aligned: whether units consist of whole leaves.
    ///   - unit: the largest data unit; a multiple of a leaf.
    ///   - audit: what to look at afterwards.
    ///   - trust: whether rewritten leaves are taken for changed; nil where no clones are compared.
    ///   - ahead: where to read ahead.
    init(
        _ source: sending AnyChangeSource,
        size: ByteCount,
        aligned: Bool,
        unit: ByteCount,
        audit: AuditPlan,
        trust: RewriteTrust?,
        ahead: ReadAhead
    ) {
        precondition(unit.bytes.isMultiple(of: Geometry.leaf.bytes), "a unit is whole leaves")
        self.unit = unit
        self.size = size
        self.ahead = ahead
        self.state = Locked(
            State(
                source: source,
                aligner: aligned ? LeafAligner(size: size) : nil,
                trust: trust,
                audit: audit
            )
        )
    }

    /// Fills a batch with the next pieces of work; they begin within one unit.
    ///
    /// Neighbours go to one thread, so that the destination too finds in one place what it reads and
    /// writes.
    ///
    /// - Returns: false when all of it was handed out, or after `stop`.
    func next(into batch: inout WorkBatch) throws(StoreError) -> Bool {
        batch.removeAll()
        try self.state.withLock { (state) throws(StoreError) in
            try self.refill(&state, &batch)
            while batch.units.isEmpty {
                switch state.phase {
                case .extents:
                    self.take(&batch, &state)
                    guard batch.units.isEmpty else { return }
                    state.audits = state.audit.leaves[...]
                    state.phase = .audits
                case .audits:
                    self.takeAudits(&batch, &state)
                    if batch.units.isEmpty { state.phase = .finished }
                case .finished, .stopped:
                    return
                }
            }
        }
        // Outside of the lock: to ask a disk takes as long as it has room for in its queue.
        self.ahead.prefetch(batch.added, of: self.size)
        return !batch.units.isEmpty
    }

    /// Takes more into the line where there is room for much.
    private func refill(_ state: inout State, _ batch: inout WorkBatch) throws(StoreError) {
        guard case .extents = state.phase else { return }
        let hasRoom =
            state.ahead.count <= SenderLimits.unitsAhead - WorkBatch.limit
            && state.aheadBytes <= SenderLimits.readAhead - SenderLimits.refill
        guard hasRoom || state.ahead.isEmpty else { return }
        while batch.added.count < WorkBatch.limit, let unit = try self.lookAhead(&state) {
            batch.added.append(unit)
        }
    }

    private func take(_ batch: inout WorkBatch, _ state: inout State) {
        guard let first = state.ahead.first else { return }
        let end = first.extent.start.roundedDown(to: self.unit) + self.unit
        while batch.units.count < WorkBatch.limit, let unit = state.ahead.first,
            batch.units.isEmpty || unit.extent.start < end
        {
            state.ahead.removeFirst()
            batch.units.append(Self.taken(unit, &state))
        }
    }

    /// Some leaves, which the disk reads at the same time.
    private func takeAudits(_ batch: inout WorkBatch, _ state: inout State) {
        while batch.units.count < WorkBatch.audits, let leaf = state.audits.popFirst() {
            let unit = WorkUnit(extent: leaf.extent(in: self.size), task: .audit)
            batch.units.append(unit)
            batch.added.append(unit)
        }
    }

    /// Takes the first units into the line, and tells how many bytes there are to be read.
    ///
    /// Nothing is asked from the disk yet. What the source refuses is thrown by ``next(into:)``.
    ///
    /// - Returns: nil where there is more than the line takes.
    func lookAhead() -> ByteCount? {
        self.state.withLock { state in
            while self.addNext(&state) != nil {}
            return state.isFull ? nil : state.aheadBytes
        }
    }

    /// Asks the first units from the disk, so that it works while the streams are opened.
    ///
    /// For a thread of its own: to ask for 32 MiB takes 20 ms.
    func readAhead() {
        let line = self.state.withLock { $0.ahead }
        self.ahead.prefetch(line, of: self.size)
    }

    /// As ``lookAhead(_:)``, with a failure kept for whoever asks next.
    private func addNext(_ state: inout State) -> WorkUnit? {
        guard case .extents = state.phase, state.failure == nil else { return nil }
        do throws(StoreError) {
            return try self.lookAhead(&state)
        } catch {
            state.failure = error
            return nil
        }
    }

    /// Takes one unit more into the line; nil when it is long enough, or there is none.
    private func lookAhead(_ state: inout State) throws(StoreError) -> WorkUnit? {
        if let failure = state.failure { throw failure }
        guard !state.isFull, var unit = try self.nextExtentUnit(&state) else { return nil }
        if unit.task == .data {
            state.aheadBytes += unit.extent.length
            let hasWhole = !unit.extent.wholeLeaves(in: self.size).isEmpty
            if hasWhole, state.trust?.takesNext() ?? false { unit.task = .replaced }
        }
        state.ahead.append(unit)
        return unit
    }

    /// Counts a unit out, as something to compare where trust has ended meanwhile.
    private static func taken(_ unit: WorkUnit, _ state: inout State) -> WorkUnit {
        var unit = unit
        if unit.task != .zero { state.aheadBytes -= unit.extent.length }
        if unit.task == .replaced, state.trust?.isTrusting == false { unit.task = .data }
        return unit
    }

    /// Takes in what a comparison with the base found.
    func learn(compared: ByteCount, equal: ByteCount) {
        self.state.withLock { $0.trust?.learn(compared: compared, equal: equal) }
    }

    /// Hands nothing more out: the transfer is over or will be resumed.
    func stop() {
        self.state.withLock { state in
            switch state.phase {
            case .extents, .audits: state.phase = .stopped
            case .finished, .stopped: break
            }
        }
    }

    /// Whether everything was handed out.
    var isExhausted: Bool {
        self.state.withLock { state in
            switch state.phase {
            case .finished: true
            case .extents, .audits, .stopped: false
            }
        }
    }

    private func nextExtentUnit(_ state: inout State) throws(StoreError) -> WorkUnit? {
        if state.current == nil { state.current = try Self.nextExtent(&state) }
        guard let current = state.current else { return nil }
        switch current.kind {
        case .zero:
            state.current = nil
            return WorkUnit(extent: current.extent, task: .zero)
        case .data:
            // Cut at multiples of the unit, so that a leaf is never in two units of one extent.
            let boundary = current.extent.start.roundedDown(to: self.unit) + self.unit
            guard boundary < current.extent.end else {
                state.current = nil
                return WorkUnit(extent: current.extent, task: .data)
            }
            state.current = KindedExtent(Extent(boundary, current.extent.end), .data)
            return WorkUnit(extent: Extent(current.extent.start, boundary), task: .data)
        }
    }

    private static func nextExtent(_ state: inout State) throws(StoreError) -> KindedExtent? {
        while true {
            if let ready = state.aligner?.next() {
                Self.leaveOut(ready, &state)
                return ready
            }
            guard let extent = try state.source.next() else { return nil }
            guard state.aligner != nil else {
                Self.leaveOut(extent, &state)
                return extent
            }
            state.aligner?.append(extent)
        }
    }

    /// Audits look at what was not reported: no extent of a physical comparison, but the zeros of an
    /// allocation map, which nobody reads otherwise.
    private static func leaveOut(_ extent: KindedExtent, _ state: inout State) {
        switch (state.source, extent.kind) {
        case (.map, .zero): break
        case (.map, .data), (.physical, .data), (.physical, .zero):
            state.audit.skip(extent.extent)
        }
    }
}
